"""Targets: map the label to the training target, and the network's outputs to predictions; one per task."""

from typing import Any, Protocol, TypeVar

import numpy as np

from spec.columns import task
from spec.columns.label import Label

Array = np.ndarray[Any, Any]
_Self = TypeVar("_Self")


class Target(Protocol):
    """Training target of a network, and its predictions.

    Attributes:
        names: Names of the classes in order; None without classes.
        units: Number of outputs of the network; None if the network determines it.
        loss: Keras loss between `scale`d labels and outputs.
        metrics: Keras metrics to measure.
    """

    @property
    def names(self) -> tuple[str, ...] | None: ...  # noqa: D102
    @property
    def units(self) -> int | None: ...  # noqa: D102
    @property
    def loss(self) -> Any: ...  # noqa: D102
    @property
    def metrics(self) -> list[Any]: ...  # noqa: D102

    def rows(self, transformed: Array) -> Array:
        """Return which rows are trained on, bool (rows,), given the transformed label (rows, 1)."""

    def scale(self, transformed: Array) -> Array:
        """Convert the transformed label (rows, 1) to the training target."""

    def settle(self, outputs: Array, quantile: float) -> "Target":
        """Return the final target, given the outputs of the trained network on the train rows."""

    def answer(self, outputs: Any) -> dict[str, Any]:
        """Convert network outputs to named predictions."""


class TargetBase:
    """Base of targets that train on all rows and need nothing of the trained network."""

    def rows(self, transformed: Array) -> Array:
        """Return all rows."""
        return np.ones(len(transformed), bool)

    def settle(self: _Self, outputs: Array, quantile: float) -> _Self:
        """Return the target unchanged."""
        return self


def target(label: Label, transformed: Array, classes: tuple[str, ...] | None = None, loss: str | None = None) -> Target:
    """Return the target of a label.

    Args:
        label: Settings of the label.
        transformed: The transformed label of the train split.
        classes: Names of the classes of the train split, if the config does not list them.
        loss: Name of the loss; None: the default of the task.

    Raises:
        ValueError: The labels of the train split do not fit the task.
    """
    file = task.load(label.task)
    result: Target = file.target(label, transformed, classes, loss or file.TASK.losses[0])
    return result
