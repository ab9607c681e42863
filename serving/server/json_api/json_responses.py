"""Serialization of responses as JSON."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson

from serving.server.statuses import RequestError

_BYTES_SUFFIX = "_bytes"
"""Suffix of text outputs that are written as base64, as in TensorFlow Serving."""

Array = np.ndarray[Any, Any]


def dumps(value: Any) -> bytes:
    """Serialize JSON values and arrays of finite numbers; orjson would write others as null."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def error(message: str) -> bytes:
    """Serialize an error message."""
    return orjson.dumps({"error": message.encode("utf-8", "replace").decode()})


def predictions(outputs: Mapping[str, Array], *, by_row: bool) -> bytes:
    """Serialize the outputs of a signature.

    Args:
        outputs: Output name -> array; text is an array of bytes.
        by_row: Whether to write row form, `predictions` with an element for each row; otherwise column form,
            `outputs` with an array for each output. The name of a single output is omitted.

    Raises:
        RequestError: in row form an output has no rows, or outputs differ in their number.
    """
    finite = all(value.dtype.kind != "f" or bool(np.isfinite(value).all()) for value in outputs.values())
    plain = {name: _plain(name, value, finite=finite) for name, value in sorted(outputs.items())}
    content: Any
    if by_row:
        _check_rows(outputs)
        key = "predictions"
        if len(plain) == 1:
            [content] = plain.values()
        else:
            content = [dict(zip(plain, row, strict=True)) for row in zip(*plain.values(), strict=True)]
    else:
        key = "outputs"
        content = plain if len(plain) > 1 else next(iter(plain.values()))
    return dumps({key: content}) if finite else json.dumps({key: content}).encode()


def _check_rows(outputs: Mapping[str, Array]) -> None:
    count = None
    for name, value in outputs.items():
        if not value.ndim:
            raise RequestError(f"Tensor name: {name} has no shape information ")
        if count not in (None, value.shape[0]):
            raise RequestError(f"Tensor name: {name} has inconsistent batch size: {value.shape[0]} expecting: {count}")
        count = value.shape[0]


def _plain(name: str, value: Array, *, finite: bool) -> Any:
    """Convert an array to lists for JSON; arrays of finite numbers stay, because orjson serializes them."""
    if value.dtype.kind in "OSU":
        convert = _as_base64 if name.endswith(_BYTES_SUFFIX) else _as_text
        flat = np.empty(value.size, object)
        for position, cell in enumerate(value.ravel()):
            flat[position] = convert(cell)
        return flat.reshape(value.shape).tolist()
    if value.dtype.kind == "f" and not finite:
        return _decimals(value)
    if value.dtype.kind == "f" and value.dtype.itemsize == 2:
        value = value.astype(np.float32)
    return np.ascontiguousarray(value) if value.ndim else value[()]


def _decimals(value: Array) -> Any:
    """Convert floats to lists of Python floats, each with the shortest decimal of its dtype."""
    texts = np.array([float(str(cell)) for cell in value.ravel()])
    return texts.reshape(value.shape).tolist()


def _as_text(cell: Any) -> str:
    return bytes(cell).decode("utf-8", "replace")


def _as_base64(cell: Any) -> dict[str, str]:
    return {"b64": base64.b64encode(cell).decode()}


def classifications(rows: "list[list[tuple[str, float]]]") -> bytes:
    """Serialize label and score of each class of each row."""
    return _results([[list(label_and_score) for label_and_score in row] for row in rows])


def regressions(values: "list[float]") -> bytes:
    """Serialize one number for each row."""
    return _results(values)


def explanations(content: "list[dict[str, Any]]") -> bytes:
    """Serialize one explanation for each row."""
    return json.dumps({"explanations": content}, ensure_ascii=False).encode("utf-8", "replace")


def _results(content: Any) -> bytes:
    return json.dumps({"results": content}, ensure_ascii=False).encode("utf-8", "replace")
