"""anomaly: how unlike a row is to the rows that are labelled normal."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.tasks.targets import Array
from spec.columns.label import Label
from spec.columns.task import Task

TASK = Task(
    kind="anomaly",
    label_keys=("positive", "threshold"),
    losses=("mse", "mae", "huber", "log_cosh", "sum_of_squares"),
)


def target(label: Label, transformed: Array, classes: tuple[str, ...] | None, loss: str) -> "AnomalyTarget":
    """Return the target; see models/tasks/__init__.py.

    Raises:
        ValueError: The train split has no normal row.
    """
    if not (transformed == 0).any():
        raise ValueError(f"label {label.column!r}: the train split has no row labelled normal to train on")
    return AnomalyTarget(loss_name=loss)


@dataclass(frozen=True)
class AnomalyTarget:
    """The network outputs its reconstruction error, which training minimizes on normal rows.

    Attributes:
        threshold: Score above which a row is an anomaly.
        loss_name: Name of the loss.
    """

    threshold: float = float("inf")
    loss_name: str = "mse"
    names: tuple[str, ...] = ("normal", "anomaly")
    units: None = None

    @property
    def loss(self) -> Any:
        """Loss between zero and the error."""
        from models.tasks import losses

        return losses.of_numbers(self.loss_name)

    @property
    def metrics(self) -> list[Any]:
        """No further metrics."""
        return []

    def rows(self, transformed: Array) -> Array:
        """Return the rows labelled normal."""
        return np.asarray(transformed[:, 0] == 0)

    def scale(self, transformed: Array) -> Array:
        """Return an error of zero for each row."""
        return np.zeros(transformed.shape, np.float32)

    def settle(self, outputs: Array, quantile: float) -> "AnomalyTarget":
        """Set the threshold to a quantile of the scores of the train rows."""
        return replace(self, threshold=float(np.quantile(self.answer(outputs)["score"].numpy(), quantile)))

    def answer(self, outputs: Any) -> dict[str, Any]:
        """Convert errors to `score`, their mean square, float32 (batch,), and `anomaly`, int64 (batch,)."""
        import tensorflow as tf

        score = tf.reduce_mean(tf.square(tf.cast(outputs, tf.float32)), axis=-1)
        return {"score": score, "anomaly": tf.cast(score > self.threshold, tf.int64)}
