"""regression: the label is a number."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from models.tasks.targets import Array, TargetBase
from spec.columns.label import ABOVE, Label
from spec.columns.task import Task

if TYPE_CHECKING:
    from models.tasks import conformal

TASK = Task(
    kind="regression",
    label_keys=("transform",),
    losses=("mse", "mae", "huber", "log_cosh", "sum_of_squares"),
    monitors=("loss", "mae", "mse"),
)


def target(label: Label, transformed: Array, classes: tuple[str, ...] | None, loss: str) -> "LabelScale":
    """Return the target; see models/tasks/__init__.py."""
    return replace(LabelScale.fit(transformed, label), loss_name=loss)


@dataclass(frozen=True)
class LabelScale(TargetBase):
    """The network is trained on a label of mean 0 and variance 1; predictions are in the unit of the label.

    Attributes:
        mean: Mean of the transformed label on the train split.
        deviation: Standard deviation of the label in the train split; 1 for a constant label.
        label: Settings of the label.
        loss_name: Name of the loss.
        interval: Interval around the outputs; None for predictions alone.
    """

    mean: float
    deviation: float
    label: Label
    loss_name: str = "mse"
    interval: "conformal.Interval | None" = None

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
        from models.tasks import losses

        return losses.of_numbers(self.loss_name)

    @property
    def metrics(self) -> list[Any]:
        """Mean absolute and squared error, in standard deviations."""
        return ["mae", "mse"]

    def scale(self, transformed: Array) -> Array:
        """Standardize the transformed label, float32."""
        return ((transformed.astype(np.float64) - self.mean) / self.deviation).astype(np.float32)

    def answer(self, outputs: Any) -> dict[str, Any]:
        """Convert network outputs, float32 (batch, 1), to `prediction`, float32 (batch,), in the unit of the label.

        With an interval also to its ends, `lower` and `upper`; see conformal.Interval for the outputs that it needs.
        Every transformation of a label rises, so that a label is inside if its transformed value is.
        """
        ends = {"prediction": outputs} if self.interval is None else self.interval.ends(outputs)
        return {name: self._in_unit(end) for name, end in ends.items()}

    def _in_unit(self, outputs: Any) -> Any:
        """Convert outputs (batch, 1) to the unit of the label, float32 (batch,).

        Computed in float64: the exponential makes a rounding error of ln(price) 13 times as large in the price.
        """
        import tensorflow as tf

        from models.tasks.label_transforms import TRANSFORMS

        value = tf.cast(tf.squeeze(outputs, axis=-1), tf.float64) * self.deviation + self.mean
        _, back = TRANSFORMS[self.label.transform]
        return tf.cast(back(value), tf.float32)
