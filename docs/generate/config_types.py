"""Types and defaults of config keys, as a person writes them in TOML."""

import enum
import json
import types
import typing
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo

NAMES = {str: "string", int: "integer", float: "number", bool: "true or false", Any: "any value"}
PLURALS = {
    "string": "strings",
    "integer": "integers",
    "number": "numbers",
    "any value": "any values",
    "table": "tables",
}
BOUNDS = (("ge", "{} or more"), ("gt", "above {}"), ("le", "at most {}"), ("lt", "below {}"))


def model_of(annotation: Any) -> tuple[type[BaseModel], str] | None:
    """Return the model that an annotation holds and how it holds it: "" for one, "[]" for a list, ".KEY" by key."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, ""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return model_of(arguments[0])
    if origin in (typing.Union, types.UnionType):
        models = [model_of(part) for part in arguments if part is not type(None)]
        return models[0] if len(models) == 1 else None
    if origin in (tuple, dict):
        inner = model_of(arguments[0] if origin is tuple else arguments[1])
        return (inner[0], "[]" if origin is tuple else ".KEY") if inner else None
    return None


def models_within(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield every model that an annotation contains, itself or deeper."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models_within(field.annotation)
    for argument in typing.get_args(annotation):
        yield from models_within(argument)


def type_text(field: FieldInfo) -> str:
    """Return the type of a field with its limits, such as "integer, 1 or more"."""
    return _limited(_type(field.annotation), field.metadata)


def default_text(field: FieldInfo) -> str:
    """Return the default of a field as TOML; "required" or "unset" without one."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    return "unset" if value is None else f"`{toml(value)}`"


def toml(value: Any) -> str:
    """Return a value as inline TOML; of a model the keys that differ from their defaults."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {toml(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, enum.Enum):
        return toml(value.value)
    text = json.dumps(value, ensure_ascii=False)
    return f"'{value}'" if "\\" in text and "'" not in text else text


def _type(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation in NAMES:
        return NAMES[annotation]
    if origin is Annotated:
        return _limited(_type(arguments[0]), arguments[1:])
    if origin is Literal:
        return ", ".join(f"`{toml(value)}`" for value in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_type(part) for part in arguments if part is not type(None)))
    if origin is tuple:
        fixed = len(arguments) > 1 and arguments[1] is not Ellipsis
        return f"[{', '.join(map(_type, arguments))}]" if fixed else f"list of {_plural(arguments[0])}"
    if origin is dict:
        return f"table of {_plural(arguments[1])}"
    return "table"


def _plural(annotation: Any) -> str:
    words = []
    for part in _type(annotation).split(" or "):
        head, comma, limits = part.partition(", ")
        words.append(PLURALS.get(head, head.replace("list of", "lists of")) + comma + limits)
    return " or ".join(words)


def _limited(text: str, metadata: Any) -> str:
    """Append limits to the text of a type, once each."""
    values: dict[str, Any] = {}
    for entry in metadata:
        for part in getattr(entry, "metadata", None) or (entry,):
            values |= {name: getattr(part, name) for name, _ in BOUNDS if getattr(part, name, None) is not None}
    if "ge" in values and "le" in values:
        limits = [f"{_plain(values['ge'])} to {_plain(values['le'])}"]
    else:
        limits = [template.format(_plain(values[name])) for name, template in BOUNDS if name in values]
    return ", ".join([text, *limits])


def _plain(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
