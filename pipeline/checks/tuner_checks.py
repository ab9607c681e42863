"""Checks of [tuner] against the sections that it tunes."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from spec import tuning
from spec.columns import task as tasks
from spec.suggestions import nearest
from spec.tuning import Dimension, Tuning

NOT_TUNED = {
    "network.name": "each network has its own keys: write a config or a variant for each",
    "training.calibration": "it changes no loss that trials are compared by",
    "training.interval": "it changes no loss that trials are compared by",
    "training.seed": "a seed chosen by its score does not generalize to other rows",
}
"""Known keys that cannot be tuned -> reason."""

Validate = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
"""Function of a section's name and plain values that returns the validated values, or raises ValueError."""


def check(settings: Tuning, sections: Mapping[str, Any], validate: Validate, *, task: str) -> None:
    """Check that each key of the space is known and all its values are valid.

    Args:
        settings: The section [tuner].
        sections: `network` and `training` in plain form, defaults included.
        validate: Validates a section against the config.
        task: The label's task.

    Raises:
        ValueError: names the key, what is wrong, and the nearest valid key.
    """
    known = [key for key in tuning.keys({name: sections[name] for name in tuning.SECTIONS}) if key not in NOT_TUNED]
    for key, dimension in settings.space.items():
        where = f"tuner.space: {key!r}"
        if key in NOT_TUNED:
            raise ValueError(f"{where} cannot be tuned: {NOT_TUNED[key]}")
        if key.partition(".")[0] not in tuning.SECTIONS:
            raise ValueError(f"{where} is not a key of [network] or [training].{nearest(key, known, 'keys')}")
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
            raise ValueError(f"{where} is not a known key.{nearest(key, known, 'keys')}") from error
        reason = first["msg"].removeprefix("Value error, ")
        own = not place or path.startswith(place) or place.startswith(path)
        other = "" if own else f"{section}.{place}: "
        raise ValueError(f"{where} cannot be {value!r}: {other}{reason}") from error
    except ValueError as error:
        raise ValueError(f"{where} cannot be {value!r}: {error}") from error


def _check_range(where: str, key: str, dimension: Dimension, sections: Mapping[str, Any], validate: Validate) -> None:
    """Check that the bounds of a float are floats: with two integers only integers would be tried."""
    if dimension.choices is not None or dimension.step is not None or not dimension.whole:
        return
    section, _, path = key.partition(".")
    typed = validate(section, tuning.merge(sections, {key: dimension.low})[section])
    if isinstance(tuning.find(typed, path), float):
        low, high = float(dimension.low or 0), float(dimension.high or 0)
        raise ValueError(f"{where} is a float: write low = {low} and high = {high}")


def _check_objective(settings: Tuning, task: str) -> None:
    """Check that the objective is measured and comparable between trials."""
    known = tasks.find(task).monitors
    if settings.objective not in known:
        raise ValueError(
            f"tuner.objective {settings.objective!r} is not measured for task {task!r}. "
            f"Known metrics: {', '.join(known)}"
        )
    if settings.objective == "loss" and "training.loss" in settings.space:
        others = [name for name in known if name != "loss"]
        raise ValueError(
            "tuner.space: 'training.loss' changes the loss, so trials cannot be compared by it: "
            + (f"write tuner.objective = {others[0]!r}" if others else "remove it from the space")
        )


def _check_epochs(settings: Tuning, sections: Mapping[str, Any]) -> None:
    """Check that the number of epochs of a trial is defined once."""
    if "training.epochs" not in settings.space:
        if not (settings.epochs or sections["training"]["epochs"]):
            raise ValueError("training.epochs is 0, so no trial would train: set tuner.epochs")
        return
    if settings.method == "hyperband":
        raise ValueError("tuner.space: hyperband itself chooses the number of epochs: remove 'training.epochs'")
    if settings.epochs is not None:
        raise ValueError("tuner.epochs and 'training.epochs' in tuner.space contradict each other: remove one")
