"""A task of your own: the number of events, such as calls per hour, by a Poisson regression.

Copy this file into your project as my_task.py, and name it in the config:

    [label]
    column = "calls"
    task = "my_task"

    [evaluation]
    metrics = ["my_task.poisson_deviance"]
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from components.evaluator.metric import Metric, Predictions
from models.tasks.targets import Array, TargetBase
from spec.columns.label import Label
from spec.columns.task import Task

# The kind decides the rest: checks of [label] and of the data, signatures, metrics, and the networks that fit.
TASK = Task(kind="regression", losses=("poisson",), monitors=("loss",))


@dataclass(frozen=True)
class CountTarget(TargetBase):
    """The network outputs the logarithm of the expected number, in units of the mean of the train split."""

    unit: float
    names: None = None
    units: int = 1

    @property
    def loss(self) -> Any:
        """Negative log-likelihood of a Poisson distribution, but for a constant."""
        # Configs are read without TensorFlow and Keras.
        import keras

        from models.tasks.losses import RowLoss

        def likelihood(count: Any, log_rate: Any) -> Any:
            return keras.ops.sum(keras.ops.exp(log_rate) - count * log_rate, axis=-1)

        return RowLoss(likelihood, "poisson")

    @property
    def metrics(self) -> list[Any]:
        """No further metrics of each epoch."""
        return []

    def scale(self, transformed: Array) -> Array:
        """Convert the label to that unit, float32 (rows, 1)."""
        return (transformed / self.unit).astype(np.float32)

    def answer(self, outputs: Any) -> dict[str, Any]:
        """Convert outputs, float32 (batch, 1), to `prediction`, float32 (batch,)."""
        import tensorflow as tf

        return {"prediction": tf.exp(tf.squeeze(outputs, axis=-1)) * self.unit}


def target(label: Label, transformed: Array, classes: tuple[str, ...] | None, loss: str) -> CountTarget:
    """Return the target for the labels of the train split, (rows, 1)."""
    if not (transformed >= 0).all() or not transformed.any():
        raise ValueError(f"label {label.column!r}: a number of events is 0 or more, and not always 0")
    return CountTarget(float(transformed.mean()))


def deviance(label: Array, predictions: Predictions) -> Array:
    """Return the Poisson deviance of each row, (n,)."""
    expected = np.maximum(predictions["prediction"].astype(np.float64), 1e-9)
    ratio = np.where(label > 0, label / expected, 1.0)
    return 2 * (label * np.log(ratio) - label + expected)


poisson_deviance = Metric(name="poisson_deviance", tasks=("my_task",), rows=deviance, better="lower", low=0.0)
