"""Says what a key that no section knows may have been meant for: only what the same config would then take."""

import copy
import difflib
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from models import roles
from pipeline import network_checks as networks
from spec.base import Strict
from spec.suggestions import nearest

Validate = Callable[[Any], object]
_TRIED = 5
"""Near keys that are tried."""
_MISSPELT = 0.8
"""Likeness from which on a key is a misspelt one, whatever its value."""
_SYNONYMS = {"lr": "learning_rate"}
"""Other words for keys -> the keys."""


def hint(model: type[BaseModel], place: Sequence[str | int], values: Mapping[str, Any], key: str) -> str:
    """A sentence to append to the refusal of an unknown key.

    Args:
        model: The whole config's.
        place: The section that the key is in.
        values: The whole config as it is written.
        key: The key.

    Returns:
        The nearest key that acts there, else where else there is one of this name, else the keys that act there.
    """
    without = copy.deepcopy(dict(values))
    given = at(without, place).pop(key, None)
    before = _faults(model, without)

    def taken(other: Sequence[str | int], name: str, changes: Mapping[str, Any] | None = None) -> bool:
        tried = copy.deepcopy(without)
        section = at(tried, other, make=True)
        if not isinstance(section, dict):
            return False
        section.update({name: given, **(changes or {})})
        return _faults(model, tried) <= before

    known, same = keys(model, place, values), _SYNONYMS.get(key, key)
    for near in dict.fromkeys([*({same} & set(known)), *difflib.get_close_matches(key, known, n=_TRIED)]):
        if taken(place, near):
            return f" Did you mean {near!r}?"
    if misspelt := difflib.get_close_matches(key, known, n=1, cutoff=_MISSPELT):
        return nearest(misspelt[0], known)
    if place == ["network"]:
        name = str(at(values, place).get("name", "mlp"))
        others = [one for one in networks.networks() if key in networks.network_settings(one).model_fields]
        others = [one for one in others if taken(place, key, {"name": one})]
        if others:
            return f" Network {name!r} has none of this name; {_listed(others)}. Its keys are: {', '.join(known)}."
    for other in (["network"], *_places(model, same)):
        if same in keys(model, other, values) and taken(other, same):
            return f" Did you mean {'.'.join([*other, same])!r}?"
    if len(place) > 1 and place[0] == "features":
        others = [name for name in roles.shipped() if key in _aliases(roles.role(name).Settings)]
        if others:
            return f" The role {' or '.join(others)} has it; {place[1]} has: {', '.join(known)}."
    return nearest("", known)


def keys(model: type[BaseModel], place: Sequence[str | int], values: Mapping[str, Any]) -> list[str]:
    """Keys that act in a section.

    Args:
        model: The whole config's.
        place: The section.
        values: The whole config as it is written.
    """
    section = at(values, place)
    written = section if isinstance(section, Mapping) else {}
    if list(place) == ["network"]:
        return ["name", *networks.network_settings(str(written.get("name", "mlp"))).model_fields]
    if list(place) == ["features"]:
        return [*roles.shipped(), roles.IGNORED]
    if len(place) > 1 and place[0] == "features" and roles.is_module(str(place[1])):
        return _aliases(roles.role(str(place[1])).Settings)
    for part in place:
        if isinstance(part, str) and part in model.model_fields:
            model = _within(model.model_fields[part].annotation) or model
    idle = model.idle(written) if issubclass(model, Strict) else ()
    return [field.alias or key for key, field in model.model_fields.items() if key not in idle]


def at(values: Any, place: Sequence[str | int], *, make: bool = False) -> Any:
    """What stands at a place; an empty section where there is none.

    Args:
        values: The whole config.
        place: Keys and positions.
        make: Whether a section that is missing is put there.
    """
    for part in place:
        if make and isinstance(values, dict):
            values = values.setdefault(part, {})
        else:
            known = isinstance(values, list) or (isinstance(values, Mapping) and part in values)
            values = values[part] if known else {}
    return values


def _faults(model: type[BaseModel], values: Mapping[str, Any]) -> set[tuple[Any, str]]:
    try:
        model.model_validate(values)
    except ValidationError as error:
        return {(details["loc"], details["msg"]) for details in error.errors()}
    return set()


def _places(model: type[BaseModel], key: str, above: tuple[str, ...] = ()) -> Iterator[list[str]]:
    """Sections, not entries of lists, that have a key of this name."""
    for name, field in model.model_fields.items():
        if typing.get_origin(field.annotation) is not tuple and (inner := _within(field.annotation)) is not None:
            if key in inner.model_fields:
                yield [*above, name]
            yield from _places(inner, key, (*above, name))


def _within(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation has, itself or among its arguments."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in typing.get_args(annotation):
        if (found := _within(argument)) is not None:
            return found
    return None


def _aliases(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names)} {'has' if len(names) == 1 else 'have'} it"
