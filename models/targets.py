"""From the label's own unit to what the network learns, and back."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from models.label import LABEL, Label


class Target(Protocol):
    """What a network is trained towards.

    Attributes:
        units: Number of the network's outputs.
        loss: Keras loss between `scale`d labels and outputs.
        metrics: Keras metrics to watch.
        names: Names of the classes in order; None for a regression.
    """

    @property
    def names(self) -> tuple[str, ...] | None: ...  # noqa: D102

    @property
    def units(self) -> int: ...  # noqa: D102
    @property
    def loss(self) -> Any: ...  # noqa: D102
    @property
    def metrics(self) -> list[Any]: ...  # noqa: D102

    def scale(self, transformed: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Transformed label to the network's target."""

    def answer(self, outputs: Any) -> dict[str, tf.Tensor]:
        """Network outputs to named answers."""


def target(label: Label, transformed: np.ndarray[Any, Any], transform: Any) -> Target:
    """The target of a label.

    Args:
        label: Its role.
        transformed: The transformed label of the train split.
        transform: TFTransformOutput, which knows the classes that were found.

    Raises:
        ValueError: the train split holds fewer than two classes.
    """
    if label.task == "regression":
        return LabelScale.fit(transformed, label)
    names = label.names or tuple(name.decode() for name in transform.vocabulary_by_name(LABEL))
    found = np.unique(known(transformed))
    if len(found) < 2:
        raise ValueError(f"label {label.column!r}: the train split holds {len(found)} class; there must be two or more")
    return ClassTarget(names)


def known(transformed: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Class indices without those of rows whose label is no class."""
    return transformed[transformed >= 0]


@dataclass(frozen=True)
class ClassTarget:
    """The network gives a logit for the second of two classes, or one for each of several.

    Attributes:
        names: Names of the classes, in the order of their indices.
    """

    names: tuple[str, ...]

    @property
    def binary(self) -> bool:
        """Whether there are two classes."""
        return len(self.names) == 2

    @property
    def units(self) -> int:
        """One logit for two classes, else one a class."""
        return 1 if self.binary else len(self.names)

    @property
    def loss(self) -> Any:
        """Cross-entropy on logits."""
        import keras

        if self.binary:
            return keras.losses.BinaryCrossentropy(from_logits=True)
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @property
    def metrics(self) -> list[Any]:
        """Accuracy; a logit above 0 is a probability above one half."""
        import keras

        return [keras.metrics.BinaryAccuracy("accuracy", threshold=0.0) if self.binary else "accuracy"]

    def scale(self, transformed: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Class index (rows, 1) as the loss takes it."""
        return transformed.astype(np.float32 if self.binary else np.int64)

    def answer(self, outputs: Any) -> dict[str, tf.Tensor]:
        """Logits to `probabilities`, float32 (batch, classes), and `classes`, the likeliest one's name (batch,)."""
        logits = tf.cast(outputs, tf.float64)
        if self.binary:
            logits = tf.concat([tf.zeros_like(logits), logits], axis=1)
        probabilities = tf.nn.softmax(logits)
        best = tf.gather(tf.constant(self.names), tf.argmax(probabilities, axis=1))
        return {"probabilities": tf.cast(probabilities, tf.float32), "classes": best}


@dataclass(frozen=True)
class LabelScale:
    """The network learns a label of mean 0 and variance 1; answers are in the label's own unit.

    Attributes:
        mean: Mean of the transformed label on the train split.
        deviation: Its standard deviation there; 1 where the label is constant.
        label: The label's role.
    """

    mean: float
    deviation: float
    label: Label

    @classmethod
    def fit(cls, transformed: np.ndarray[Any, Any], label: Label) -> "LabelScale":
        """Measure the transformed label, any shape, of the train split.

        Raises:
            ValueError: a value is no number.
        """
        values = transformed.astype(np.float64)
        broken = values.size - int(np.isfinite(values).sum())
        if broken:
            hint = "; a logarithm needs labels above 0" if label.transform == "log" else ""
            raise ValueError(f"label {label.column!r}: {broken} of {values.size} train rows have no finite value{hint}")
        return cls(mean=float(values.mean()), deviation=float(values.std()) or 1.0, label=label)

    @property
    def names(self) -> None:
        """A number has no classes."""
        return None

    @property
    def units(self) -> int:
        """One number."""
        return 1

    @property
    def loss(self) -> Any:
        """Mean squared error, in standard deviations."""
        return "mse"

    @property
    def metrics(self) -> list[Any]:
        """Mean absolute error, in standard deviations."""
        return ["mae"]

    def scale(self, transformed: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Transformed label to the network's target, float32."""
        return ((transformed.astype(np.float64) - self.mean) / self.deviation).astype(np.float32)

    def answer(self, outputs: Any) -> dict[str, tf.Tensor]:
        """Network outputs, float32 (batch, 1), to `prediction`, float32 (batch,), in the label's own unit.

        In float64 within: an exponential turns a rounding error of ln(price) into an error of the price 13 times as
        large.
        """
        value = tf.cast(tf.squeeze(outputs, axis=-1), tf.float64) * self.deviation + self.mean
        if self.label.transform == "log":
            value = tf.exp(value)
        return {"prediction": tf.cast(value, tf.float32)}
