"""Checks [tuner] against the sections that it tunes."""

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from spec import tuning
from spec.training import METRICS
from spec.tuning import Dimension, Tuning

NOT_TUNED = {
    "network.name": "each network has keys of its own: write a config or a variant for each",
    "training.seed": "a seed that is chosen by its score says nothing about other rows",
}
"""Keys that are known and still no part of a space -> why."""

Validate = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
"""From a section's name and plain values to the same as the section's types have them; raises ValueError where they do
not fit."""


def check(settings: Tuning, sections: Mapping[str, Any], validate: Validate, *, task: str) -> None:
    """See that each key of the space is known, and each of its values valid there.

    Args:
        settings: The section [tuner].
        sections: `network` and `training` in plain form, defaults included.
        validate: Sees that a section fits the config.
        task: The label's task.

    Raises:
        ValueError: names the key, what is wrong, and the nearest right one.
    """
    known = [key for key in tuning.keys({name: sections[name] for name in tuning.SECTIONS}) if key not in NOT_TUNED]
    for key, dimension in settings.space.items():
        where = f"tuner.space: {key!r}"
        if key in NOT_TUNED:
            raise ValueError(f"{where} cannot be tuned: {NOT_TUNED[key]}")
        if key.partition(".")[0] not in tuning.SECTIONS:
            raise ValueError(f"{where} is no key of [network] or [training].{_nearest(key, known)}")
        for probe in dimension.probes:
            _check_value(where, key, probe, sections, validate, known)
        _check_range(where, key, dimension, sections, validate)
    _check_objective(settings, task)
    _check_epochs(settings, sections)


def _check_value(
    where: str, key: str, value: Any, sections: Mapping[str, Any], validate: Validate, known: list[str]
) -> None:
    section, _, path = key.partition(".")
    try:
        validate(section, tuning.merge(sections, {key: value})[section])
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden" and place == path:
            raise ValueError(f"{where} is not a known key.{_nearest(key, known)}") from error
        reason = first["msg"].removeprefix("Value error, ")
        own = not place or path.startswith(place) or place.startswith(path)
        other = "" if own else f"{section}.{place}: "
        raise ValueError(f"{where} cannot be {value!r}: {other}{reason}") from error
    except ValueError as error:
        raise ValueError(f"{where} cannot be {value!r}: {error}") from error


def _check_range(where: str, key: str, dimension: Dimension, sections: Mapping[str, Any], validate: Validate) -> None:
    """Two whole numbers under a key that takes fractions would try the whole ones alone."""
    if dimension.choices is not None or dimension.step is not None or not dimension.whole:
        return
    section, _, path = key.partition(".")
    typed = validate(section, tuning.merge(sections, {key: dimension.low})[section])
    if isinstance(tuning.find(typed, path), float):
        low, high = float(dimension.low or 0), float(dimension.high or 0)
        raise ValueError(f"{where} takes fractions: write low = {low} and high = {high}")


def _check_objective(settings: Tuning, task: str) -> None:
    known = METRICS[task]
    if settings.objective not in known:
        raise ValueError(
            f"tuner.objective {settings.objective!r} is not measured for task {task!r}: {', '.join(known)}"
        )
    if settings.objective == "loss" and "training.loss" in settings.space:
        others = [name for name in known if name != "loss"]
        raise ValueError(
            "tuner.space: 'training.loss' changes what the loss means, so it cannot tell the better of two trials: "
            + (f"write tuner.objective = {others[0]!r}" if others else "take it out")
        )


def _check_epochs(settings: Tuning, sections: Mapping[str, Any]) -> None:
    if "training.epochs" not in settings.space:
        if not (settings.epochs or sections["training"]["epochs"]):
            raise ValueError("training.epochs is 0, so no trial would learn anything: write tuner.epochs")
        return
    if settings.method == "hyperband":
        raise ValueError("tuner.space: hyperband itself says how many epochs a trial has: take 'training.epochs' away")
    if settings.epochs is not None:
        raise ValueError("tuner.epochs and 'training.epochs' in tuner.space contradict each other: take one away")


def _nearest(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    return f" Did you mean {close[0]!r}?" if close else f" There is: {', '.join(known)}."
