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
        ValueError: the message names the key, the fault, and the nearest valid key.
    """
    valid_keys = [
        key for key in tuning.keys({name: sections[name] for name in tuning.SECTIONS}) if key not in NOT_TUNED
    ]
    for key, dimension in settings.space.items():
        prefix = f"tuner.space: {key!r}"
        if key in NOT_TUNED:
            raise ValueError(f"{prefix} cannot be tuned: {NOT_TUNED[key]}")
        if key.partition(".")[0] not in tuning.SECTIONS:
            raise ValueError(f"{prefix} is not a key of [network] or [training].{nearest(key, valid_keys, 'keys')}")
        for value in dimension.probes:
            _check_value(prefix, key, value, sections, validate, valid_keys)
        _check_range(prefix, key, dimension, sections, validate)
    _check_objective(settings, task)
    _check_epochs(settings, sections)


def _check_value(
    prefix: str, key: str, value: Any, sections: Mapping[str, Any], validate: Validate, valid_keys: list[str]
) -> None:
    section, _, path = key.partition(".")
    try:
        validate(section, tuning.merge(sections, {key: value})[section])
    except ValidationError as error:
        detail = error.errors()[0]
        location = ".".join(map(str, detail["loc"]))
        if detail["type"] == "extra_forbidden" and location == path:
            raise ValueError(f"{prefix} is not a known key.{nearest(key, valid_keys, 'keys')}") from error
        reason = detail["msg"].removeprefix("Value error, ")
        is_same_key = not location or path.startswith(location) or location.startswith(path)
        other_key = "" if is_same_key else f"{section}.{location}: "
        raise ValueError(f"{prefix} cannot be {value!r}: {other_key}{reason}") from error
    except ValueError as error:
        raise ValueError(f"{prefix} cannot be {value!r}: {error}") from error


def _check_range(prefix: str, key: str, dimension: Dimension, sections: Mapping[str, Any], validate: Validate) -> None:
    """Check that the bounds of a float are floats: between two integers, only integers would be tried."""
    if dimension.choices is not None or dimension.step is not None or not dimension.whole:
        return
    section, _, path = key.partition(".")
    typed = validate(section, tuning.merge(sections, {key: dimension.low})[section])
    if isinstance(tuning.find(typed, path), float):
        low, high = float(dimension.low or 0), float(dimension.high or 0)
        raise ValueError(f"{prefix} is a float: write low = {low} and high = {high}")


def _check_objective(settings: Tuning, task: str) -> None:
    """Check that the objective is measured and comparable between trials."""
    monitors = tasks.find(task).monitors
    if settings.objective not in monitors:
        raise ValueError(
            f"tuner.objective {settings.objective!r} is not measured for task {task!r}. "
            f"Known metrics: {', '.join(monitors)}"
        )
    if settings.objective == "loss" and "training.loss" in settings.space:
        other_monitors = [name for name in monitors if name != "loss"]
        raise ValueError(
            "tuner.space: 'training.loss' changes the loss, so trials cannot be compared by it: "
            + (f"write tuner.objective = {other_monitors[0]!r}" if other_monitors else "remove it from the space")
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
