"""JSON bodies of the REST API, and their conversion to arrays.

Row form is `{"instances": [...]}`, column form `{"inputs": ...}`; bytes are `{"b64": "..."}`; NaN, Infinity and
-Infinity are numbers. The rules are those of TensorFlow Serving's RESTful API: exact types, equal shapes, all inputs.
"""

import json
import re
from collections.abc import Mapping, Sequence, Set
from typing import Any

import numpy as np
import orjson

from serving.server.json_api import json_columns
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
    except (ValueError, RecursionError) as json_error:
        raise RequestError(f"JSON Parse error: {json_error}") from json_error


def signature_name(request: Mapping[str, Any]) -> str:
    """Return the signature name of a request; "" for the default.

    Raises:
        RequestError: the name is not a string.
    """
    name = request.get("signature_name", "")
    if not isinstance(name, str):
        raise RequestError(
            f"JSON Value: {shown(request)} not formatted correctly. 'signature_name' key must be a string value."
        )
    return name


def ids(request: Mapping[str, Any]) -> list[str] | None:
    """Return the ids of the rows, for the log; None if the request has none. TensorFlow Serving ignores this key.

    Raises:
        RequestError: they are not a list of texts or integers.
    """
    if "ids" not in request:
        return None
    values = request["ids"]
    if not isinstance(values, list) or not all(type(value) in (str, int) for value in values):
        raise RequestError(f"JSON Value: {shown(values)} 'ids' must be a list of strings or integers, one for each row")
    return [str(value) for value in values]


def arrays(request: Mapping[str, Any], inputs: Sequence[Input]) -> tuple[dict[str, Array], bool]:
    """Convert the rows of a request to arrays.

    Args:
        request: Parsed body.
        inputs: Inputs of the signature.

    Returns:
        Input name -> array, and whether the request has row form.

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
    has_names = _is_named(rows[0])
    if not has_names and len(inputs) > 1:
        raise RequestError(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map"
        )
    for position, row in enumerate(rows):
        if _is_named(row) != has_names:
            expected_kind, actual_kind = ("object", "list") if has_names else ("value/list", "object")
            raise RequestError(f"Expecting {expected_kind} but got {actual_kind} at item {position} of input list")
    if not has_names:
        [only] = inputs
        return {only.name: _stacked(rows, only, "")}
    names = {spec.name for spec in inputs}
    for position, row in enumerate(rows):
        if row.keys() != names:
            raise _wrong_keys(row, position, names)
    columns = json_columns.scalars(rows, inputs)
    if columns is not None:
        return columns
    return {spec.name: _stacked([row[spec.name] for row in rows], spec, f" key: {spec.name}") for spec in inputs}


def _wrong_keys(row: Mapping[str, Any], row_number: int, names: set[str]) -> RequestError:
    unknown = sorted(row.keys() - names)
    if unknown:
        return RequestError(
            f"Failed to process element: {row_number} key: {unknown[0]} of 'instances' list. Error: INVALID_ARGUMENT: "
            f"JSON object: does not have named input: {unknown[0]}{_alike(unknown[0], names - row.keys())}"
        )
    return RequestError(
        f"Failed to process element: {row_number} of 'instances' list. JSON object: {shown(row)} keys must be equal "
        "to: " + ",".join(sorted(names))
    )


def _alike(name: str, candidates: Set[str]) -> str:
    """Return a question with the candidates that differ only in case and signs; empty if there are none."""
    similar_names = [candidate for candidate in sorted(candidates) if _letters(candidate) == _letters(name)]
    return f" (do you mean {' or '.join(similar_names)}?)" if similar_names else ""


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


def _from_columns(value: Any, inputs: Sequence[Input]) -> dict[str, Array]:
    if not _is_named(value):
        if len(inputs) > 1:
            raise RequestError(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
                "tensorinfo_map"
            )
        return {inputs[0].name: array(value, inputs[0])}
    for spec in inputs:
        if spec.name not in value:
            unknown_names = value.keys() - {model_input.name for model_input in inputs}
            raise RequestError(
                f"Missing named input: {spec.name} in 'inputs' object.{_alike(spec.name, unknown_names)}"
            )
    return {spec.name: array(value[spec.name], spec) for spec in inputs}


def _stacked(values: list[Any], spec: Input, row_suffix: str) -> Array:
    """Convert the values of an input, one of each row, to an array.

    Args:
        values: JSON value of each row.
        spec: Input of the signature.
        row_suffix: Text after the number of a row in a message.

    Raises:
        RequestError: a value does not fit; the message names the first such row.
    """
    try:
        return array(values, spec)
    except RequestError as error:
        shape = None
        for position, value in enumerate(values):
            try:
                single = array(value, spec)
            except RequestError as cause:
                raise RequestError(
                    f"Failed to process element: {position}{row_suffix} of 'instances' list. Error: INVALID_ARGUMENT: "
                    f"{cause}"
                ) from cause
            if shape not in (None, single.shape):
                raise RequestError(
                    f"Failed to process element: {position}{row_suffix} of 'instances' list. Error: INVALID_ARGUMENT: "
                    f"Expecting shape {_bracketed(shape)} but got: {_bracketed(single.shape)}"
                ) from error
            shape = single.shape
        raise


def _bracketed(shape: tuple[int, ...] | None) -> str:
    return f"[{','.join(map(str, shape or ()))}]"


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and not is_bytes(value)
