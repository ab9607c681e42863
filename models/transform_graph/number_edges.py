"""Quantiles of the numbers in the train split, for networks that embed numbers.

One analyzer computes them for all numbers, of the features as the network sees them. They are named constants of the
transform graph, on which each number depends: otherwise they would not be part of the graph's function.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from spec.columns.duties import WEIGHT
from spec.columns.label import LABEL
from spec.columns.role import Output

COUNT = 240
"""Number of bins of equal count; 240 has many divisors, so that a network can take fewer edges at equal distances."""
ERROR = 1e-3
"""Largest error of a quantile's rank, as a share of the rows."""
_LOW, _INNER, _HIGH = "number_edges_low", "number_edges_inner", "number_edges_high"


def numbers_of(tensors: Mapping[str, tf.Tensor], outputs: Iterable[Output]) -> list[str]:
    """Return the names of the numbers among model features.

    Args:
        tensors: The features, and possibly the label and the weight.
        outputs: The features of roles; empty if a user-defined function makes the features.
    """
    kinds = {output.name: output.kind for output in outputs}
    if kinds:
        return [name for name in tensors if kinds.get(name) == "number"]
    return [
        name
        for name, tensor in tensors.items()
        if tensor.dtype == tf.float32 and tensor.shape[1] == 1 and name not in (LABEL, WEIGHT)
    ]


def keep(tensors: Mapping[str, tf.Tensor], numbers: Collection[str]) -> dict[str, tf.Tensor]:
    """Compute the quantiles, and keep them in the graph.

    Args:
        tensors: Model features by name.
        numbers: Names of the numbers, each float32 (batch, 1).

    Returns:
        The features with unchanged values.
    """
    names = sorted(numbers)
    if not names:
        return dict(tensors)
    matrix = tf.concat([tensors[name] for name in names], axis=1)
    # Results of analyzers without arithmetic: tft.min negates, so the largest of the negated numbers is kept.
    constants = [
        tf.identity(tft.max(-matrix, reduce_instance_dims=False, name="number_low"), name=_LOW),
        tf.identity(
            tft.quantiles(matrix, COUNT, epsilon=ERROR, reduce_instance_dims=False, name="number_quantiles"),
            name=_INNER,
        ),
        tf.identity(tft.max(matrix, reduce_instance_dims=False, name="number_high"), name=_HIGH),
    ]
    with tf.control_dependencies(constants):
        return {**tensors, **{name: tf.identity(tensors[name]) for name in names}}


def read(constant: Callable[[str], Any], numbers: Collection[str]) -> dict[str, tuple[float, ...]]:
    """Read the quantiles from a transform graph.

    Args:
        constant: Returns a named constant of the graph; None if it has none of this name.
        numbers: Names of the numbers among the model features.

    Returns:
        Number -> COUNT + 1 ascending values, the minimum of the train split first, the maximum last; empty if the
        graph keeps none.
    """
    low, inner, high = (constant(name) for name in (_LOW, _INNER, _HIGH))
    if inner is None:
        return {}
    columns = np.concatenate([-low[:, None], inner, high[:, None]], axis=1)
    return {name: tuple(map(float, row)) for name, row in zip(sorted(numbers), columns, strict=True)}
