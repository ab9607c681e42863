"""Settings of [tuner], and how tuned values are merged into [network] and [training]. No TensorFlow."""

import copy
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from spec.base import Strict

SECTIONS = ("network", "training")
"""Sections of a config whose keys can be tuned."""
DIGITS = 6
"""Significant digits of a tuned number, in training and in tables alike."""
MAX_STEPS = 1000
"""Maximum number of values of a range with a step."""


class Dimension(Strict):
    """Values that one key may take: a range or a list of choices."""

    low: int | float | None = None
    """Lowest value; two integers make a range of integers."""
    high: int | float | None = None
    """Highest value, included."""
    scale: Literal["linear", "log"] = "linear"
    """log: sample uniformly on a log scale, as suits a learning rate."""
    step: int | float | None = Field(default=None, gt=0)
    """Distance between neighbouring values: a difference, or on the log scale a factor."""
    choices: tuple[Any, ...] | None = Field(default=None, min_length=1)
    """The values themselves, in any form that the key takes; instead of a range."""

    @model_validator(mode="after")
    def _one_form(self) -> "Dimension":
        if self.choices is not None:
            if self.low is not None or self.high is not None or self.step is not None or self.scale != "linear":
                raise ValueError("choices stand alone: take low, high, step and scale away, or choices")
            texts = [json.dumps(choice, sort_keys=True) for choice in self.choices]
            if len(set(texts)) < len(texts):
                raise ValueError("a choice stands twice")
            return self
        if self.low is None or self.high is None:
            raise ValueError("write low and high, or choices")
        if not self.low < self.high or not math.isfinite(self.high - self.low):
            raise ValueError(f"low must be below high, found {self.low} and {self.high}")
        if self.scale == "log" and self.low <= 0:
            raise ValueError(f'low must be above 0 with scale = "log", found {self.low}')
        if self.step is not None:
            if self.scale == "log" and self.step <= 1:
                raise ValueError(f'step must be above 1 with scale = "log", where it is a factor, found {self.step}')
            if self._steps() > MAX_STEPS:
                raise ValueError(f"step {self.step} leaves {self._steps()} values, the most is {MAX_STEPS}")
        return self

    @property
    def whole(self) -> bool:
        """Whether the range contains only integers."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def listed(self) -> tuple[Any, ...] | None:
        """All values; None for a range without a step."""
        if self.choices is not None or self.step is None:
            return self.choices
        assert self.low is not None
        if self.scale == "log":
            values: list[int | float] = [self.low * self.step**index for index in range(self._steps())]
        else:
            values = [self.low + self.step * index for index in range(self._steps())]
        return tuple(dict.fromkeys(rounded(value) for value in values))

    @property
    def probes(self) -> tuple[Any, ...]:
        """Values to validate on behalf of the dimension: all of them, or for a range its ends and a point inside."""
        if self.listed is not None:
            return self.listed
        assert self.low is not None
        assert self.high is not None
        inner = () if self.whole else (rounded(self.low + 0.381966 * (self.high - self.low)),)
        return (self.low, self.high, *inner)

    def holds(self, value: Any) -> bool:
        """Whether the dimension contains a value."""
        if self.choices is not None:
            return value in self.choices
        assert self.low is not None
        assert self.high is not None
        if isinstance(value, bool) or not isinstance(value, int if self.whole else (int, float)):
            return False
        return value in self.listed if self.listed is not None else self.low <= value <= self.high

    def _steps(self) -> int:
        assert self.low is not None
        assert self.high is not None
        assert self.step is not None
        if self.scale == "log":
            return int(math.log(self.high / self.low) / math.log(self.step) + 1e-9) + 1
        # The small number makes up for rounding: 0.3 / 0.1 is 2.9999999999999996, but 3 steps.
        return int((self.high - self.low) / self.step + 1e-9) + 1


class Tuning(Strict):
    """Keys of [tuner]."""

    space: dict[str, Dimension] = Field(min_length=1)
    """Dotted key of [network] or [training] -> its values; not network.name and training.seed."""
    method: Literal["random", "hyperband", "bayesian"] = "random"
    """hyperband: many trials with few epochs, the best third continued with three times as many; bayesian: a third
    sampled at random, the others guided by earlier trials."""
    trials: int = Field(default=20, ge=2)
    """Largest number of trials; the first is the config's own values. hyperband takes the largest complete sweep within
    it."""
    epochs: int | None = Field(default=None, ge=1)
    """Largest number of epochs of a trial. Unset: training.epochs."""
    parallel: int | None = Field(default=None, ge=1)
    """Number of trials at a time, at most one per core, each a process with two threads. Unset: half the cores."""
    objective: str = "loss"
    """Metric to optimize on the eval split, at the epoch whose weights are kept: the loss without regularization terms,
    or another metric of training.monitor."""
    seed: int = Field(default=1, ge=0, lt=2**31)
    """Seed of the sampled values."""

    @property
    def direction(self) -> Literal["min", "max"]:
        """Whether to minimize or maximize the objective."""
        return "max" if self.objective.endswith("accuracy") else "min"

    @field_validator("space", mode="before")
    @classmethod
    def _flat(cls, space: Any) -> Any:
        return dict(sorted(_leaves(space))) if isinstance(space, dict) else space


def merge(sections: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Merge values into the sections of a config.

    Args:
        sections: Sections as plain dicts, at least those that the keys name.
        values: Dotted key -> value.

    Returns:
        New sections; the arguments are not changed.

    Raises:
        ValueError: A key leads through a value that is not a table or list.
    """
    merged: dict[str, Any] = copy.deepcopy(dict(sections))
    for key, value in values.items():
        container: Any = merged
        *path, leaf = key.split(".")
        for part, following in zip(path, [*path[1:], leaf], strict=True):
            inner = container[_position(container, part, key)] if _has(container, part) else None
            if inner is None:
                inner = {}
                container[_position(container, part, key)] = inner
            if not isinstance(inner, dict | list):
                raise ValueError(f"{key}: {part} is {inner!r}, which has no {following}")
            container = inner
        container[_position(container, leaf, key)] = copy.deepcopy(value)
    return merged


def find(sections: Any, key: str) -> Any:
    """Return the value at a dotted key of plain sections; None if there is none."""
    container = sections
    for part in key.split("."):
        if not _has(container, part):
            return None
        container = container[int(part) if isinstance(container, list) else part]
    return container


def keys(sections: Mapping[str, Any]) -> list[str]:
    """List the dotted keys of plain sections, down to the innermost tables."""
    names: list[str] = []
    for name, value in sections.items():
        if isinstance(value, dict) and value:
            names.extend(f"{name}.{key}" for key in keys(value))
        else:
            names.append(name)
    return names


def rounded(value: Any) -> Any:
    """Round a float to DIGITS significant digits; return any other value unchanged."""
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def encode(choices: tuple[Any, ...]) -> list[Any]:
    """Encode choices for keras-tuner, which takes numbers or strings of one type; others become JSON strings."""
    kinds = {type(choice) for choice in choices}
    if kinds <= {int, float}:
        return list(choices) if len(kinds) == 1 else [float(choice) for choice in choices]
    return list(choices) if kinds == {str} else [json.dumps(choice) for choice in choices]


def decode(value: Any) -> Any:
    """Decode a value of keras-tuner that `encode` encoded."""
    if isinstance(value, str) and (value[:1] in ("[", "{", '"') or value in ("true", "false")):
        return json.loads(value)
    return value


def best(hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of keras-tuner's HyperParameters as a dict for `merge`.

    Args:
        hyperparameters: JSON form of the hyperparameters, with `space` and `values`; keys with a slash are internal.
    """
    return {key: decode(value) for key, value in hyperparameters["values"].items() if "/" not in key}


def _leaves(space: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted keys and dimensions; TOML parses unquoted dotted keys to nested tables.

    A dimension is a table whose values are not all tables.
    """
    for key, value in space.items():
        if isinstance(value, dict) and value and all(isinstance(inner, dict) for inner in value.values()):
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _has(container: Any, part: str) -> bool:
    if isinstance(container, list):
        return part.isdecimal() and int(part) < len(container)
    return isinstance(container, dict) and part in container


def _position(container: Any, part: str, key: str) -> Any:
    if isinstance(container, list):
        if not _has(container, part):
            raise ValueError(f"{key}: the list has {len(container)} entries, counted from 0, and no {part}")
        return int(part)
    return part
