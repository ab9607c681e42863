"""JSON bodies of the REST API, and their conversion to arrays.

Row form is `{"instances": [...]}`, column form `{"inputs": ...}`; bytes are `{"b64": "..."}`; NaN, Infinity and
-Infinity are numbers. The rules are those of TensorFlow Serving's RESTful API: exact types, equal shapes, all inputs.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from serving.server.json_api.json_values import Input, array, is_bytes, shown
from serving.server.statuses import RequestError

Array = np.ndarray[Any, Any]


def parse(body: bytes) -> dict[str, Any]:
    """Parse a body as a JSON object.

    Raises:
        RequestError: it is not JSON, or not an object.
    """
    if not body:
        raise RequestError("JSON Parse error: The document is empty")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        value = _parse_with_tokens(body, error)
    if not isinstance(value, dict):
        raise RequestError(f"JSON Value: {shown(value)} Is not object")
    return value


def _parse_with_tokens(body: bytes, error: Exception) -> Any:
    """Parse JSON with the tokens NaN, Infinity and -Infinity, which orjson refuses."""
    if b"NaN" not in body and b"Infinity" not in body:
        raise RequestError(f"JSON Parse error: {error}") from error
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as again:
        raise RequestError(f"JSON Parse error: {again}") from again


def signature_name(request: Mapping[str, Any]) -> str:
    """Return the signature that a request names; "" for the default."""
    name = request.get("signature_name", "")
    if not isinstance(name, str):
        raise RequestError(
            f"JSON Value: {shown(request)} not formatted correctly. 'signature_name' key must be a string value."
        )
    return name


def arrays(request: Mapping[str, Any], inputs: Sequence[Input]) -> tuple[dict[str, Array], bool]:
    """Convert the rows of a request.

    Args:
        request: The parsed body.
        inputs: Inputs of the signature.

    Returns:
        Array of each input by name, and whether the request has row form.

    Raises:
        RequestError: the rows do not fit the inputs.
    """
    by_row, by_column = "instances" in request, "inputs" in request
    if by_row and by_column:
        raise RequestError(
            f"JSON Value: {shown(request)} Not formatted correctly expecting only one of 'inputs' or 'instances' keys "
            "to exist "
        )
    if by_row:
        return _from_rows(request, inputs), True
    if by_column:
        return _from_columns(request["inputs"], inputs), False
    raise RequestError("Missing 'inputs' or 'instances' key")


def _from_rows(request: Mapping[str, Any], inputs: Sequence[Input]) -> dict[str, Array]:
    rows = request["instances"]
    if not isinstance(rows, list):
        raise RequestError(f"JSON Value: {shown(request)} Excepting 'instances' to be an list/array")
    if not rows:
        raise RequestError(f"JSON Value: {shown(request)} No values in 'instances' array")
    named = _is_named(rows[0])
    if not named and len(inputs) > 1:
        raise RequestError(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map"
        )
    for place, row in enumerate(rows):
        if _is_named(row) != named:
            wanted, got = ("object", "list") if named else ("value/list", "object")
            raise RequestError(f"Expecting {wanted} but got {got} at item {place} of input list")
    if not named:
        [only] = inputs
        return {only.name: _stacked(rows, only, "")}
    names = {one.name for one in inputs}
    for place, row in enumerate(rows):
        if row.keys() != names:
            raise _wrong_keys(row, place, names)
    return {one.name: _stacked([row[one.name] for row in rows], one, f" key: {one.name}") for one in inputs}


def _wrong_keys(row: Mapping[str, Any], place: int, names: set[str]) -> RequestError:
    unknown = sorted(row.keys() - names)
    if unknown:
        return RequestError(
            f"Failed to process element: {place} key: {unknown[0]} of 'instances' list. Error: INVALID_ARGUMENT: JSON "
            f"object: does not have named input: {unknown[0]}"
        )
    return RequestError(
        f"Failed to process element: {place} of 'instances' list. JSON object: {shown(row)} keys must be equal to: "
        + ",".join(sorted(names))
    )


def _from_columns(value: Any, inputs: Sequence[Input]) -> dict[str, Array]:
    if not _is_named(value):
        if len(inputs) > 1:
            raise RequestError(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
                "tensorinfo_map"
            )
        return {inputs[0].name: array(value, inputs[0])}
    for one in inputs:
        if one.name not in value:
            raise RequestError(f"Missing named input: {one.name} in 'inputs' object.")
    return {one.name: array(value[one.name], one) for one in inputs}


def _stacked(values: list[Any], one: Input, where: str) -> Array:
    """Convert one value of each row; an error names the first row that does not fit."""
    try:
        return array(values, one)
    except RequestError as error:
        shape = None
        for place, value in enumerate(values):
            try:
                single = array(value, one)
            except RequestError as cause:
                raise RequestError(
                    f"Failed to process element: {place}{where} of 'instances' list. Error: INVALID_ARGUMENT: {cause}"
                ) from cause
            if shape not in (None, single.shape):
                raise RequestError(
                    f"Failed to process element: {place}{where} of 'instances' list. Error: INVALID_ARGUMENT: "
                    f"Expecting shape {_bracketed(shape)} but got: {_bracketed(single.shape)}"
                ) from error
            shape = single.shape
        raise


def _bracketed(shape: tuple[int, ...] | None) -> str:
    return f"[{','.join(map(str, shape or ()))}]"


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and not is_bytes(value)
