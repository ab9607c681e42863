"""Targets: from the label to what the network is trained on, and from its outputs to predictions; one per task."""

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from models.tasks import conformal, losses
from models.tasks.label_transforms import TRANSFORMS
from spec.columns.label import ABOVE, Label
from spec.training import LOSSES

Array = np.ndarray[Any, Any]


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

    def answer(self, outputs: Any) -> dict[str, tf.Tensor]:
        """Convert network outputs to named predictions."""


def target(label: Label, transformed: Array, classes: tuple[str, ...] | None = None, loss: str | None = None) -> Target:
    """Return the target of a label.

    Args:
        label: Its role.
        transformed: The transformed label of the train split.
        classes: Names of the classes of the train split, if the config does not list them.
        loss: Name of the loss; None: the default of the task.

    Raises:
        ValueError: The train split has fewer than two classes, or no normal row.
    """
    name = loss or LOSSES[label.task][0]
    if label.task == "regression":
        return replace(LabelScale.fit(transformed, label), loss_name=name)
    if label.task == "clusters":
        return ClusterTarget()
    if label.task == "anomaly":
        if not (transformed == 0).any():
            raise ValueError(f"label {label.column!r}: the train split has no row labelled normal to train on")
        return AnomalyTarget(loss_name=name)
    names = label.names or classes or ()
    present = np.unique(transformed[transformed >= 0])
    if len(present) < 2:
        raise ValueError(f"label {label.column!r}: the train split has {len(present)} class; two or more are needed")
    return ClassTarget(names, binary=label.task == "binary", loss_name=name)


@dataclass(frozen=True)
class ClassTarget:
    """The network outputs the logit of the second of two classes, or one per class.

    Attributes:
        names: Names of the classes, in the order of their indices.
        binary: Whether there is one logit, that of the second class.
        loss_name: Name of the loss.
        temperature: What the logits are divided by (models/tasks/temperature.py); None for the logits themselves.
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

    def settle(self, outputs: Array, quantile: float) -> "ClassTarget":
        """Return the target unchanged."""
        return self

    def answer(self, outputs: Any) -> dict[str, tf.Tensor]:
        """Convert logits to `probabilities`, float32 (batch, classes), and `classes`, the most likely name (batch,).

        The first of equal probabilities wins. An infinite logit is a probability of 0 or 1.
        """
        logits = tf.cast(outputs, tf.float64)
        if self.temperature is not None:
            logits /= self.temperature
        if self.binary:
            second = tf.sigmoid(logits)
            probabilities = tf.concat([tf.sigmoid(-logits), second], axis=1)
        else:
            probabilities = tf.nn.softmax(logits)
        best = tf.gather(tf.constant(self.names), tf.argmax(probabilities, axis=1))
        return {"probabilities": tf.cast(probabilities, tf.float32), "classes": best}


@dataclass(frozen=True)
class LabelScale:
    """The network is trained on a label of mean 0 and variance 1; predictions are in the unit of the label.

    Attributes:
        mean: Mean of the transformed label on the train split.
        deviation: Its standard deviation there; 1 for a constant label.
        label: The label's role.
        loss_name: Name of the loss.
        interval: Interval around the outputs; None for predictions alone.
    """

    mean: float
    deviation: float
    label: Label
    loss_name: str = "mse"
    interval: conformal.Interval | None = None

    @classmethod
    def fit(cls, transformed: Array, label: Label) -> "LabelScale":
        """Compute mean and standard deviation of the transformed label of the train split.

        Raises:
            ValueError: A value is not finite.
        """
        values = transformed.astype(np.float64)
        broken = values.size - int(np.isfinite(values).sum())
        if broken:
            above = ABOVE.get(label.transform)
            hint = "" if above is None else f"; {label.transform} needs labels above {above:g}"
            raise ValueError(f"label {label.column!r}: {broken} of {values.size} train rows have no finite value{hint}")
        return cls(mean=float(values.mean()), deviation=float(values.std()) or 1.0, label=label)

    @property
    def names(self) -> None:
        """None: a number has no classes."""
        return None

    @property
    def units(self) -> int:
        """One output."""
        return 1

    @property
    def loss(self) -> Any:
        """Mean squared error, or another one, in standard deviations."""
        return losses.of_numbers(self.loss_name)

    @property
    def metrics(self) -> list[Any]:
        """Mean absolute and squared error, in standard deviations."""
        return ["mae", "mse"]

    def rows(self, transformed: Array) -> Array:
        """Return all rows."""
        return np.ones(len(transformed), bool)

    def scale(self, transformed: Array) -> Array:
        """Standardize the transformed label, float32."""
        return ((transformed.astype(np.float64) - self.mean) / self.deviation).astype(np.float32)

    def settle(self, outputs: Array, quantile: float) -> "LabelScale":
        """Return the target unchanged."""
        return self

    def answer(self, outputs: Any) -> dict[str, tf.Tensor]:
        """Convert network outputs, float32 (batch, 1), to `prediction`, float32 (batch,), in the unit of the label.

        With an interval also to its ends, `lower` and `upper`; see conformal.Interval for the outputs that it needs.
        Every transformation of a label rises, so that a label is inside if its transformed value is.
        """
        ends = {"prediction": outputs} if self.interval is None else self.interval.ends(outputs)
        return {name: self._in_unit(end) for name, end in ends.items()}

    def _in_unit(self, outputs: Any) -> tf.Tensor:
        """Convert outputs (batch, 1) to the unit of the label, float32 (batch,).

        Computed in float64: the exponential makes a rounding error of ln(price) 13 times as large in the price.
        """
        value = tf.cast(tf.squeeze(outputs, axis=-1), tf.float64) * self.deviation + self.mean
        _, back = TRANSFORMS[self.label.transform]
        return tf.cast(back(value), tf.float32)


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

    def answer(self, outputs: Any) -> dict[str, tf.Tensor]:
        """Convert errors to `score`, their mean square, float32 (batch,), and `anomaly`, int64 (batch,)."""
        score = tf.reduce_mean(tf.square(tf.cast(outputs, tf.float32)), axis=-1)
        return {"score": score, "anomaly": tf.cast(score > self.threshold, tf.int64)}


@dataclass(frozen=True)
class ClusterTarget:
    """The network outputs the distance of a row to each centre."""

    names: None = None
    units: None = None
    loss: None = None

    @property
    def metrics(self) -> list[Any]:
        """No further metrics."""
        return []

    def rows(self, transformed: Array) -> Array:
        """Return all rows, with or without a label."""
        return np.ones(len(transformed), bool)

    def scale(self, transformed: Array) -> Array:
        """Return zeros: there is no training target."""
        return np.zeros((len(transformed), 1), np.float32)

    def settle(self, outputs: Array, quantile: float) -> "ClusterTarget":
        """Return the target unchanged."""
        return self

    def answer(self, outputs: Any) -> dict[str, tf.Tensor]:
        """Convert distances to `cluster`, the nearest, int64 (batch,), and `distances`, float32 (batch, k)."""
        distances = tf.cast(outputs, tf.float32)
        return {"cluster": tf.argmin(distances, axis=-1), "distances": distances}
