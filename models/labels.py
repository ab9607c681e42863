"""From the label's own unit to what the network learns, and back."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from models.roles import Label


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
