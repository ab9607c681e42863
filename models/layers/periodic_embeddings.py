"""Periodic embeddings of numbers, with robust scaling.

Holzmüller, Grinsztajn, Steinwart, "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular Data",
NeurIPS 2024: robust scaling with smooth clipping, and the embedding PBLD.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

LIMIT = 3.0
"""Absolute value that a smoothly clipped number stays below."""


def robust(quantiles: Sequence[float]) -> tuple[float, float]:
    """Return median and factor of the robust scaling of a number.

    Args:
        quantiles: Ascending quantiles at equal distances of rank, the minimum first, the maximum last; their number
            minus 1 is a multiple of 4.

    Returns:
        The median, and 1 / (interquartile range); 2 / (maximum - minimum) if that range is 0, and 0 for a constant.

    Raises:
        ValueError: There are no quantiles.
    """
    if not quantiles:
        raise ValueError("the transform graph keeps no quantiles of its numbers: run the stage transformation again")
    last_rank = len(quantiles) - 1
    spread = quantiles[3 * last_rank // 4] - quantiles[last_rank // 4] or (quantiles[-1] - quantiles[0]) / 2
    return float(quantiles[last_rank // 2]), float(1.0 / spread) if spread else 0.0


@keras.saving.register_keras_serializable(package="pipeline")
class PeriodicEmbedding(keras.layers.Layer):  # type: ignore[misc]
    """Embeds each number as itself and size - 1 linear combinations of cosines, after robust scaling.

    z = (x - median) · factor, smoothly clipped to z / sqrt(1 + (z/3)²), becomes [z, cos(2π w z + b) · W + c]. Median
    and factor are weights that training does not change, so that a saved model has them.

    Input: float32 (batch, numbers). Output: float32 (batch, numbers * size).

    Args:
        scaling: Median and factor of each number.
        frequencies: Number of cosines.
        size: Length of the embedding of a number.
    """

    def __init__(self, scaling: Sequence[Sequence[float]], frequencies: int, size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scaling, self.frequencies, self.size = [list(map(float, row)) for row in scaling], frequencies, size

    def build(self, input_shape: Any) -> None:
        """Create the scaling and the weights."""
        numbers, initializers = len(self.scaling), keras.initializers
        self.frequency = self.add_weight(
            shape=(numbers, self.frequencies), initializer=initializers.RandomNormal(stddev=0.1), name="frequency"
        )
        self.phase = self.add_weight(
            shape=(numbers, self.frequencies), initializer=initializers.RandomUniform(-np.pi, np.pi), name="phase"
        )
        limit = self.frequencies**-0.5
        uniform = initializers.RandomUniform(-limit, limit)
        inner = (numbers, self.frequencies, self.size - 1)
        self.kernel = self.add_weight(shape=inner, initializer=uniform, name="kernel")
        self.bias = self.add_weight(shape=(numbers, self.size - 1), initializer=uniform, name="bias")
        self.median = self.add_weight(shape=(numbers,), initializer="zeros", trainable=False, name="median")
        self.factor = self.add_weight(shape=(numbers,), initializer="zeros", trainable=False, name="factor")
        self.median.assign([median for median, _ in self.scaling])
        self.factor.assign([factor for _, factor in self.scaling])

    def call(self, inputs: Any) -> Any:
        """Embed the numbers of a batch."""
        ops = keras.ops
        scaled = (inputs - self.median) * self.factor
        clipped = (scaled / ops.sqrt(1.0 + ops.square(scaled / LIMIT)))[:, :, None]
        waves = ops.cos(2.0 * np.pi * clipped * self.frequency + self.phase)
        vectors = ops.concatenate([clipped, ops.einsum("bfk,fko->bfo", waves, self.kernel) + self.bias], axis=-1)
        return ops.reshape(vectors, (-1, len(self.scaling) * self.size))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, int]:
        """Return (batch, numbers * size)."""
        return (input_shape[0], len(self.scaling) * self.size)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        config = {"scaling": self.scaling, "frequencies": self.frequencies, "size": self.size}
        return {**super().get_config(), **config}
