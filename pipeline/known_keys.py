"""Suggestions for unknown keys of a config: only keys with which the config would be valid."""

import copy
import difflib
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from models import roles
from pipeline.checks import network_checks as networks
from spec.base import Strict
from spec.suggestions import nearest

Validate = Callable[[Any], object]
_TRIED = 5
"""Maximum number of similar keys to try."""
_MISSPELLED = 0.8
"""Similarity from which a key counts as misspelled, even if its value does not fit."""
_SYNONYMS = {"lr": "learning_rate"}
"""Common synonyms -> keys."""


def hint(model: type[BaseModel], place: Sequence[str | int], values: Mapping[str, Any], key: str) -> str:
    """Return the sentence to append to the error for an unknown key.

    Args:
        model: The model of the whole config.
        place: Path of the section that contains the key.
        values: The values of the whole config, not validated.
        key: The key.

    Returns:
        The nearest valid key of the section, else another section with a key of this name, else the valid keys.
    """
    without = copy.deepcopy(dict(values))
    value = at(without, place).pop(key, None)
    faults_without_key = _faults(model, without)

    def fits(path: Sequence[str | int], name: str, changes: Mapping[str, Any] | None = None) -> bool:
        tried = copy.deepcopy(without)
        section = at(tried, path, make=True)
        if not isinstance(section, dict):
            return False
        section.update({name: value, **(changes or {})})
        return _faults(model, tried) <= faults_without_key

    valid_keys, synonym = keys(model, place, values), _SYNONYMS.get(key, key)
    for candidate in dict.fromkeys(
        [*({synonym} & set(valid_keys)), *difflib.get_close_matches(key, valid_keys, n=_TRIED)]
    ):
        if fits(place, candidate):
            return f" Did you mean {candidate!r}?"
    if misspelled := difflib.get_close_matches(key, valid_keys, n=1, cutoff=_MISSPELLED):
        return nearest(misspelled[0], valid_keys, "keys")
    if place == ["network"]:
        name = str(at(values, place).get("name", "mlp"))
        candidates = [
            network for network in networks.networks() if key in networks.network_settings(network).model_fields
        ]
        candidates = [network for network in candidates if fits(place, key, {"name": network})]
        if candidates:
            return (
                f" Network {name!r} does not have this key; {_listed(candidates)}. Known keys: {', '.join(valid_keys)}."
            )
    for path in (["network"], *_places(model, synonym)):
        if synonym in keys(model, path, values) and fits(path, synonym):
            return f" Did you mean {'.'.join([*path, synonym])!r}?"
    if len(place) > 1 and place[0] == "features":
        candidates = [name for name in roles.shipped() if key in _aliases(roles.role(name).Settings)]
        if candidates:
            return f" Role {' or '.join(candidates)} has this key. Known keys of {place[1]}: {', '.join(valid_keys)}."
    return nearest("", valid_keys, "keys")


def keys(model: type[BaseModel], place: Sequence[str | int], values: Mapping[str, Any]) -> list[str]:
    """Return the keys that have an effect in a section.

    Args:
        model: The model of the whole config.
        place: Path of the section.
        values: The values of the whole config, not validated.
    """
    section = at(values, place)
    values_of_section = section if isinstance(section, Mapping) else {}
    if list(place) == ["network"]:
        return ["name", *networks.network_settings(str(values_of_section.get("name", "mlp"))).model_fields]
    if list(place) == ["features"]:
        return [*roles.shipped(), roles.IGNORED]
    if len(place) > 1 and place[0] == "features" and roles.is_module(str(place[1])):
        return _aliases(roles.role(str(place[1])).Settings)
    for part in place:
        if isinstance(part, str) and part in model.model_fields:
            model = _within(model.model_fields[part].annotation) or model
    without_effect = model.idle(values_of_section) if issubclass(model, Strict) else ()
    return [field.alias or key for key, field in model.model_fields.items() if key not in without_effect]


def at(values: Any, place: Sequence[str | int], *, make: bool = False) -> Any:
    """Return the value at a path; an empty section if it does not exist.

    Args:
        values: The whole config.
        place: Keys and list indices.
        make: Whether to add missing sections.
    """
    for part in place:
        if make and isinstance(values, dict):
            values = values.setdefault(part, {})
        else:
            exists = isinstance(values, list) or (isinstance(values, Mapping) and part in values)
            values = values[part] if exists else {}
    return values


def _faults(model: type[BaseModel], values: Mapping[str, Any]) -> set[tuple[Any, str]]:
    try:
        model.model_validate(values)
    except ValidationError as error:
        return {(details["loc"], details["msg"]) for details in error.errors()}
    return set()


def _places(model: type[BaseModel], key: str, parents: tuple[str, ...] = ()) -> Iterator[list[str]]:
    """Yield the sections, without entries of lists, that have a key of this name."""
    for name, field in model.model_fields.items():
        if typing.get_origin(field.annotation) is not tuple and (inner := _within(field.annotation)) is not None:
            if key in inner.model_fields:
                yield [*parents, name]
            yield from _places(inner, key, (*parents, name))


def _within(annotation: Any) -> type[BaseModel] | None:
    """Return the first model in an annotation and its arguments; None if there is none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in typing.get_args(annotation):
        if (model := _within(argument)) is not None:
            return model
    return None


def _aliases(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names)} {'has' if len(names) == 1 else 'have'} it"
