"""classes: the label is one of several classes."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.tasks.targets import Array, TargetBase
from spec.columns.label import Label
from spec.columns.task import Task

TASK = Task(
    kind="classes",
    label_keys=("tiers", "classes"),
    losses=("cross_entropy", "focal", "mse", "mae", "huber", "sum_of_squares"),
    monitors=("loss", "accuracy"),
)


def target(label: Label, transformed: Array, classes: tuple[str, ...] | None, loss: str) -> "ClassTarget":
    """Return the target; see models/tasks/__init__.py."""
    return ClassTarget(class_names(label, transformed, classes), loss_name=loss)


def class_names(label: Label, transformed: Array, classes: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the names of the classes, in the order of their indices.

    Raises:
        ValueError: The train split has fewer than two classes.
    """
    present = np.unique(transformed[transformed >= 0])
    if len(present) < 2:
        raise ValueError(f"label {label.column!r}: the train split has {len(present)} class; two or more are needed")
    return label.names or classes or ()


@dataclass(frozen=True)
class ClassTarget(TargetBase):
    """The network outputs the logit of the second of two classes, or one per class.

    Attributes:
        names: Names of the classes, in the order of their indices.
        binary: Whether there is one logit, that of the second class.
        loss_name: Name of the loss.
        temperature: Divisor of the logits (models/tasks/temperature.py); None without calibration.
    """

    names: tuple[str, ...]
    binary: bool = False
    loss_name: str = "cross_entropy"
    temperature: float | None = None

    @property
    def units(self) -> int:
        """One logit, or one per class."""
        return 1 if self.binary else len(self.names)

    @property
    def loss(self) -> Any:
        """Cross-entropy on logits, or another loss on probabilities."""
        from models.tasks import losses

        return losses.of_classes(self.loss_name, self.units)

    @property
    def metrics(self) -> list[Any]:
        """Accuracy; a logit above 0 is a probability above one half."""
        import keras

        if self.binary:
            return [keras.metrics.BinaryAccuracy("accuracy", threshold=0.0)]
        return [keras.metrics.SparseCategoricalAccuracy("accuracy")]

    def rows(self, transformed: Array) -> Array:
        """Return the rows whose label is a known class."""
        return np.asarray(transformed[:, 0] >= 0)

    def scale(self, transformed: Array) -> Array:
        """Cast the class index (rows, 1) as the loss needs it."""
        return transformed.astype(np.float32 if self.binary else np.int64)

    def answer(self, outputs: Any) -> dict[str, Any]:
        """Convert logits to `probabilities`, float32 (batch, classes), and `classes`, the most likely name (batch,).

        The first of equal probabilities wins. An infinite logit is a probability of 0 or 1.
        """
        import tensorflow as tf

        logits = tf.cast(outputs, tf.float64)
        if self.temperature is not None:
            logits /= self.temperature
        if self.binary:
            positive = tf.sigmoid(logits)
            probabilities = tf.concat([tf.sigmoid(-logits), positive], axis=1)
        else:
            probabilities = tf.nn.softmax(logits)
        best = tf.gather(tf.constant(self.names), tf.argmax(probabilities, axis=1))
        return {"probabilities": tf.cast(probabilities, tf.float32), "classes": best}
