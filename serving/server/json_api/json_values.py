"""Conversion of JSON values to arrays by the rules of TensorFlow Serving: exact types and equal shapes."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from serving.server.statuses import RequestError

_SHOWN = 200
_MAX_DIMENSIONS = 32
"""Maximum number of dimensions of an array in NumPy 1."""
MAX_EXACT_INTEGER = {"float16": 2**11 - 1, "float32": 2**24 - 1, "float64": 2**53 - 1}
"""Largest integer that each type represents exactly with all smaller ones; TensorFlow Serving refuses larger ones."""

_INTEGERS = {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Input:
    """An input of a signature.

    Attributes:
        name: Name of the input.
        dtype: NumPy's name of the dtype; `object` for text and bytes.
        type_name: TensorFlow's name of the dtype, such as `float` or `string`.
        shape: Dimensions, -1 for an unknown one; None for an unknown rank.
    """

    name: str
    dtype: str
    type_name: str
    shape: tuple[int, ...] | None


def array(value: Any, spec: Input) -> Array:
    """Convert a JSON value to an array of an input's type.

    Raises:
        RequestError: a value has another type or is out of its range, or lists differ in length.
    """
    shape: list[int] = []
    innermost = value
    while isinstance(innermost, list):
        shape.append(len(innermost))
        if len(shape) > _MAX_DIMENSIONS:
            raise RequestError(f"more than {_MAX_DIMENSIONS} nested lists")
        innermost = innermost[0] if innermost else None
    leaves = [value]
    for level, length in enumerate(shape):
        for element in leaves:
            if not isinstance(element, list):
                raise RequestError(
                    f"JSON Value: {shown(element)} found at incorrect level: {level + 1} in the JSON DOM. Expected at "
                    f"level: {len(shape)}"
                )
            if len(element) != length:
                raise RequestError(
                    f"Encountered list at unexpected size: {len(element)} at level: {level} expected size: {length}"
                )
        leaves = [leaf for element in leaves for leaf in element]
    return _converted(leaves, spec).reshape(shape)


def _converted(leaves: list[Any], spec: Input) -> Array:
    types = set(map(type, leaves))
    if list in types:
        raise RequestError("Encountered list at unexpected level")
    if spec.dtype == "object":
        return _texts(leaves, types, spec)
    if spec.dtype == "bool":
        return np.array(_checked(leaves, types, {bool}, spec), bool)
    if spec.dtype in MAX_EXACT_INTEGER:
        return _decimals(_checked(leaves, types, {int, float}, spec), types, spec)
    if spec.dtype in _INTEGERS:
        info = np.iinfo(spec.dtype)
        for leaf in _checked(leaves, types, {int}, spec):
            if not info.min <= leaf <= info.max:
                raise _type_error(leaf, spec)
        return np.array(leaves, spec.dtype)
    raise RequestError(f"Conversion of JSON Value to type: {spec.type_name}", "UNIMPLEMENTED")


def _checked(leaves: list[Any], types: set[type], allowed: set[type], spec: Input) -> list[Any]:
    if not types <= allowed:
        raise _type_error(next(leaf for leaf in leaves if type(leaf) not in allowed), spec)
    return leaves


def _type_error(leaf: Any, spec: Input) -> RequestError:
    return RequestError(f"JSON Value: {shown(leaf)} Type: {_json_type(leaf)} is not of expected type: {spec.type_name}")


def _decimals(leaves: list[Any], types: set[type], spec: Input) -> Array:
    limit = MAX_EXACT_INTEGER[spec.dtype]
    if int in types:
        for leaf in leaves:
            if type(leaf) is int and abs(leaf) > limit:
                raise _lossy(leaf, spec)
    exact = np.array(leaves, np.float64)
    with np.errstate(over="ignore"):
        converted = exact.astype(spec.dtype)
    lost = np.isinf(converted) & ~np.isinf(exact)
    if lost.any():
        raise _lossy(leaves[int(np.argmax(lost))], spec)
    return converted


def _lossy(leaf: Any, spec: Input) -> RequestError:
    return RequestError(f"Cannot convert JSON value: {shown(leaf)} to {spec.type_name} without loss of precision.")


def _texts(leaves: list[Any], types: set[type], spec: Input) -> Array:
    _checked(leaves, types, {str, dict}, spec)
    texts = np.empty(len(leaves), object)
    for position, leaf in enumerate(leaves):
        texts[position] = leaf.encode("utf-8", "surrogatepass") if isinstance(leaf, str) else decoded(leaf)
    return texts


def is_bytes(value: Any) -> bool:
    """Return whether a JSON value is `{"b64": "..."}`."""
    return isinstance(value, dict) and len(value) == 1 and "b64" in value and isinstance(value["b64"], str)


def decoded(value: Any) -> bytes:
    """Decode `{"b64": "..."}`; missing padding is accepted, as TensorFlow Serving does."""
    if not is_bytes(value):
        raise RequestError(f"JSON Value: {shown(value)} not formatted correctly for base64 data")
    text = "".join(value["b64"].split()).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestError("Unable to base64 decode") from error


def _json_type(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "Null" if value is None else str(value)
    kinds: dict[type[Any], str] = {dict: "Object", list: "Array", str: "String"}
    return kinds.get(type(value), "Number")


def shown(value: Any) -> str:
    """Return a JSON value for a message, cut to a readable length."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = type(value).__name__
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
