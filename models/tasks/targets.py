"""From the label to what the network learns, and from the network's outputs to answers: one target a task."""

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from models.tasks import losses
from models.tasks.label_transforms import TRANSFORMS
from spec.columns.label import ABOVE, Label
from spec.training import LOSSES

Array = np.ndarray[Any, Any]


class Target(Protocol):
    """What a network is trained towards.

    Attributes:
        names: Names of the classes in order; None where there are none.
        units: Number of the network's outputs; None where the network itself tells it.
        loss: Keras loss between `scale`d labels and outputs.
        metrics: Keras metrics to watch.
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
        """Which rows are learnt from, bool (rows,), by the transformed label (rows, 1)."""

    def scale(self, transformed: Array) -> Array:
        """Transformed label (rows, 1) to the network's target."""

    def settle(self, outputs: Array, quantile: float) -> "Target":
        """The target as the model keeps it, once the outputs of the trained network on the train rows are known."""

    def answer(self, outputs: Any) -> dict[str, tf.Tensor]:
        """Network outputs to named answers."""


def target(label: Label, transformed: Array, classes: tuple[str, ...] | None = None, loss: str | None = None) -> Target:
    """The target of a label.

    Args:
        label: Its role.
        transformed: The transformed label of the train split.
        classes: Names of the classes that the train split told, where the label's role does not.
        loss: Name of the loss; None: the task's own.

    Raises:
        ValueError: the train split holds fewer than two classes, or no normal row.
    """
    name = loss or LOSSES[label.task][0]
    if label.task == "regression":
        return replace(LabelScale.fit(transformed, label), loss_name=name)
    if label.task == "clusters":
        return ClusterTarget()
    if label.task == "anomaly":
        if not (transformed == 0).any():
            raise ValueError(f"label {label.column!r}: the train split holds no normal row to learn from")
        return AnomalyTarget(loss_name=name)
    names = label.names or classes or ()
    found = np.unique(transformed[transformed >= 0])
    if len(found) < 2:
        raise ValueError(f"label {label.column!r}: the train split holds {len(found)} class; there must be two or more")
    return ClassTarget(names, binary=label.task == "binary", loss_name=name)


@dataclass(frozen=True)
class ClassTarget:
    """The network gives the logit of the second of two classes, or one for each class.

    Attributes:
        names: Names of the classes, in the order of their indices.
        binary: Whether one logit tells the second of two classes.
        loss_name: Name of the loss.
    """

    names: tuple[str, ...]
    binary: bool = False
    loss_name: str = "cross_entropy"

    @property
    def units(self) -> int:
        """One logit, or one a class."""
        return 1 if self.binary else len(self.names)

    @property
    def loss(self) -> Any:
        """Cross-entropy on logits, or another loss on what they become."""
        return losses.of_classes(self.loss_name, self.units)

    @property
    def metrics(self) -> list[Any]:
        """Accuracy; a logit above 0 is a probability above one half."""
        import keras

        if self.binary:
            return [keras.metrics.BinaryAccuracy("accuracy", threshold=0.0)]
        return [keras.metrics.SparseCategoricalAccuracy("accuracy")]

    def rows(self, transformed: Array) -> Array:
        """All rows whose label is a class."""
        return np.asarray(transformed[:, 0] >= 0)

    def scale(self, transformed: Array) -> Array:
        """Class index (rows, 1) as the loss takes it."""
        return transformed.astype(np.float32 if self.binary else np.int64)

    def settle(self, outputs: Array, quantile: float) -> "ClassTarget":
        """As it is."""
        return self

    def answer(self, outputs: Any) -> dict[str, tf.Tensor]:
        """Logits to `probabilities`, float32 (batch, classes), and `classes`, the likeliest one's name (batch,).

        Of equal probabilities the first class is taken. An infinite logit is a certain class.
        """
        logits = tf.cast(outputs, tf.float64)
        if self.binary:
            second = tf.sigmoid(logits)
            probabilities = tf.concat([tf.sigmoid(-logits), second], axis=1)
        else:
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
        loss_name: Name of the loss.
    """

    mean: float
    deviation: float
    label: Label
    loss_name: str = "mse"

    @classmethod
    def fit(cls, transformed: Array, label: Label) -> "LabelScale":
        """Measure the transformed label, any shape, of the train split.

        Raises:
            ValueError: a value is no number.
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
        """A number has no classes."""
        return None

    @property
    def units(self) -> int:
        """One number."""
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
        """All rows."""
        return np.ones(len(transformed), bool)

    def scale(self, transformed: Array) -> Array:
        """Transformed label to the network's target, float32."""
        return ((transformed.astype(np.float64) - self.mean) / self.deviation).astype(np.float32)

    def settle(self, outputs: Array, quantile: float) -> "LabelScale":
        """As it is."""
        return self

    def answer(self, outputs: Any) -> dict[str, tf.Tensor]:
        """Network outputs, float32 (batch, 1), to `prediction`, float32 (batch,), in the label's own unit.

        In float64 within: an exponential turns a rounding error of ln(price) into an error of the price 13 times as
        large.
        """
        value = tf.cast(tf.squeeze(outputs, axis=-1), tf.float64) * self.deviation + self.mean
        _, back = TRANSFORMS[self.label.transform]
        return {"prediction": tf.cast(back(value), tf.float32)}


@dataclass(frozen=True)
class AnomalyTarget:
    """The network gives how its reconstruction differs from the features, which training makes small on normal rows.

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
        """Between zero and the difference."""
        return losses.of_numbers(self.loss_name)

    @property
    def metrics(self) -> list[Any]:
        """None: the loss tells all."""
        return []

    def rows(self, transformed: Array) -> Array:
        """The rows labelled normal."""
        return np.asarray(transformed[:, 0] == 0)

    def scale(self, transformed: Array) -> Array:
        """A difference of zero, for each row."""
        return np.zeros(transformed.shape, np.float32)

    def settle(self, outputs: Array, quantile: float) -> "AnomalyTarget":
        """With the threshold at a quantile of the train rows' scores."""
        return replace(self, threshold=float(np.quantile(self.answer(outputs)["score"].numpy(), quantile)))

    def answer(self, outputs: Any) -> dict[str, tf.Tensor]:
        """Differences to `score`, their mean square, float32 (batch,), and `anomaly`, int64 (batch,)."""
        score = tf.reduce_mean(tf.square(tf.cast(outputs, tf.float32)), axis=-1)
        return {"score": score, "anomaly": tf.cast(score > self.threshold, tf.int64)}


@dataclass(frozen=True)
class ClusterTarget:
    """The network gives the distance of a row to each cluster's centre."""

    names: None = None
    units: None = None
    loss: None = None

    @property
    def metrics(self) -> list[Any]:
        """None: the loss tells all."""
        return []

    def rows(self, transformed: Array) -> Array:
        """All rows, labelled or not."""
        return np.ones(len(transformed), bool)

    def scale(self, transformed: Array) -> Array:
        """Nothing to learn from."""
        return np.zeros((len(transformed), 1), np.float32)

    def settle(self, outputs: Array, quantile: float) -> "ClusterTarget":
        """As it is."""
        return self

    def answer(self, outputs: Any) -> dict[str, tf.Tensor]:
        """Distances to `cluster`, the nearest, int64 (batch,), and `distances`, float32 (batch, k)."""
        distances = tf.cast(outputs, tf.float32)
        return {"cluster": tf.argmin(distances, axis=-1), "distances": distances}
