"""Conversion of the JSON bodies of `classify` and `regress` to tf.Examples."""

from collections.abc import Mapping
from typing import Any

from serving.server.example_messages import Example
from serving.server.json_api.json_values import decoded, is_bytes, shown
from serving.server.statuses import RequestError

_FLOAT_LIMIT = 3.4028234663852886e38
_JSON_TYPES = {type(None): "Null", list: "Array", dict: "Object"}


def examples(request: Mapping[str, Any]) -> list[bytes]:
    """Return the serialized tf.Examples of a body, each with the features of `context`.

    Raises:
        RequestError: the body has no list of examples, or a feature's value has no type of a tf.Example.
    """
    context = example(request["context"]) if "context" in request else None
    if "examples" not in request:
        raise RequestError(
            f"JSON Value: {shown(request)} When method is classify, key 'examples' is expected and was not found"
        )
    rows = request["examples"]
    if not isinstance(rows, list):
        raise RequestError(f"JSON Value: {shown(request)} Expecting 'examples' value to be an list/array")
    if not rows:
        raise RequestError(f"JSON Value: {shown(request)} 'examples' value is an empty array")
    return serialized([example(row) for row in rows], context)


def serialized(rows: list[Any], context: Any = None) -> list[bytes]:
    """Serialize tf.Examples; each gets the features of the context that it lacks. The examples are changed."""
    if context is not None:
        for row in rows:
            for name, feature in context.features.feature.items():
                if name not in row.features.feature:
                    row.features.feature[name].CopyFrom(feature)
    return [bytes(row.SerializeToString()) for row in rows]


def example(value: Any) -> Any:
    """Convert a JSON object to a tf.Example: a decimal is a float, an integer or boolean an int64, text is bytes."""
    if not isinstance(value, dict):
        kind = _JSON_TYPES.get(type(value)) or ("String" if isinstance(value, str) else "Number")
        raise RequestError(f"Example must be JSON object but got JSON {kind}")
    record = Example()
    for name, content in value.items():
        values = content if isinstance(content, list) else [content]
        try:
            _fill(record.features.feature[name], name, values)
        except UnicodeEncodeError as error:
            raise RequestError("JSON Parse error: a text has an unpaired surrogate") from error
    return record


def _fill(feature: Any, name: str, values: list[Any]) -> None:
    for value in values:
        kind, plain = _typed(name, value)
        if feature.WhichOneof("kind") not in (None, kind):
            first_kind = str(feature.WhichOneof("kind")).removesuffix("_list")
            raise RequestError(f"Unexpected element type in feature: {name} expecting type: {first_kind}")
        getattr(feature, kind).value.append(plain)


def _typed(name: str, value: Any) -> tuple[str, Any]:
    """Return the field of tf.train.Feature for a JSON value, and the converted value."""
    if isinstance(value, str):
        return "bytes_list", value.encode("utf-8")
    if is_bytes(value):
        return "bytes_list", decoded(value)
    if isinstance(value, float):
        if _FLOAT_LIMIT < abs(value) < float("inf"):
            raise RequestError(f"Cannot convert JSON value: {value} to float without loss of precision.")
        return "float_list", value
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise RequestError(f"Feature: {name} has uint64 element. Only int64 is supported.")
        return "int64_list", int(value)
    kind = _JSON_TYPES[type(value)]
    raise RequestError(f"Feature: {name} has element with unexpected JSON type: {kind}")
