"""Piecewise-linear embeddings of numbers.

Gorishniy et al., "On Embeddings for Numerical Features in Tabular Deep Learning", NeurIPS 2022; the form with a linear
part and without an activation is the one that TabM uses.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

Array = np.ndarray[Any, Any]


def spaced(quantiles: Sequence[float], bins: int) -> list[float]:
    """Choose the edges of bins from finer quantiles.

    Args:
        quantiles: Ascending quantiles at equal distances of rank, the minimum first, the maximum last.
        bins: Largest number of bins.

    Returns:
        bins + 1 ascending edges of bins of equal count, each value once; the last one is repeated to the full length.

    Raises:
        ValueError: There are no quantiles.
    """
    if not quantiles:
        raise ValueError("the transform graph keeps no quantiles of its numbers: run the stage transformation again")
    ranks = np.linspace(0, len(quantiles) - 1, bins + 1).round().astype(int)
    edges = np.unique(np.asarray(quantiles, np.float32)[ranks])
    if len(edges) < 2:
        # A constant column: one bin, in which the constant is 0.
        edges = np.array([edges[0], edges[0] + 1.0], np.float32)
    return [float(edge) for edge in np.pad(edges, (0, bins + 1 - len(edges)), mode="edge")]


@keras.saving.register_keras_serializable(package="pipeline")
class PiecewiseLinear(keras.layers.Layer):  # type: ignore[misc]
    """Embeds each number x as x · w + b + PLE(x) · W.

    PLE(x) has one value a bin: (x - lower edge) / width, clipped to [0, 1], but the first is not clipped below and the
    last not above. W starts at 0, w and b are uniform in ±1/sqrt(size). The edges are weights that training does not
    change, so that a saved model has them.

    Input: float32 (batch, numbers). Output: float32 (batch, numbers * size).

    Args:
        edges: For each number the same number of ascending edges; a repeated edge makes a bin that is unused.
        size: Length of the embedding of a number.
    """

    def __init__(self, edges: Sequence[Sequence[float]], size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.edges, self.size = [list(map(float, row)) for row in edges], size

    def build(self, input_shape: Any) -> None:
        """Create the edges and the weights."""
        numbers, bins = len(self.edges), len(self.edges[0]) - 1
        limit = self.size**-0.5
        self.knots = self.add_weight(shape=(numbers, bins + 1), initializer="zeros", trainable=False, name="edges")
        self.knots.assign(np.asarray(self.edges, np.float32))
        uniform = keras.initializers.RandomUniform(-limit, limit)
        self.slope = self.add_weight(shape=(numbers, self.size), initializer=uniform, name="slope")
        self.bias = self.add_weight(shape=(numbers, self.size), initializer=uniform, name="bias")
        self.kernel = self.add_weight(shape=(numbers, bins, self.size), initializer="zeros", name="kernel")

    def call(self, inputs: Any) -> Any:
        """Embed the numbers of a batch."""
        ops = keras.ops
        lower, width = self.knots[:, :-1], self.knots[:, 1:] - self.knots[:, :-1]
        has_width = width > 0.0
        share = (inputs[:, :, None] - lower) / ops.where(has_width, width, 1.0)
        is_first = np.arange(len(self.edges[0]) - 1) == 0
        is_last = ops.logical_and(
            has_width, ops.logical_not(ops.pad(has_width[:, 1:], [[0, 0], [0, 1]], constant_values=False))
        )
        share = ops.where(is_first, share, ops.maximum(share, 0.0))
        share = ops.where(is_last, share, ops.minimum(share, 1.0))
        share = ops.where(has_width, share, 0.0)
        vectors = inputs[:, :, None] * self.slope + self.bias + ops.einsum("bfm,fmd->bfd", share, self.kernel)
        return ops.reshape(vectors, (-1, len(self.edges) * self.size))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, int]:
        """Return (batch, numbers * size)."""
        return (input_shape[0], len(self.edges) * self.size)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "edges": self.edges, "size": self.size}
