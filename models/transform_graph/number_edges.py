"""Quantiles of the numeric features in the train split, for networks that embed numbers.

One analyzer computes the quantiles of all scaled features. They are named constants of the transform graph, and each
numeric feature depends on them: TensorFlow would prune them otherwise.
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
"""Maximum error of a quantile's rank, as a share of the rows."""
_LOW, _INNER, _HIGH = "number_edges_low", "number_edges_inner", "number_edges_high"


def numbers_of(tensors: Mapping[str, tf.Tensor], outputs: Iterable[Output]) -> list[str]:
    """Return the names of the numeric features.

    Args:
        tensors: Feature -> tensor; label and weight may be among them.
        outputs: Features that the roles declare; empty if a user-defined function makes the features.
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
    """Compute the quantiles, and make the numeric features depend on them so that they stay in the graph.

    Args:
        tensors: Feature -> tensor.
        numbers: Names of the numeric features, each float32 (batch, 1).

    Returns:
        Feature -> tensor with unchanged values.
    """
    names = sorted(numbers)
    if not names:
        return dict(tensors)
    matrix = tf.concat([tensors[name] for name in names], axis=1)
    # `constant` reads the direct result of an analyzer. tft.min negates its result, so the minimum is -max(-x).
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
        constant: Returns a named constant of the graph; None if the graph has no constant of this name.
        numbers: Names of the numeric features.

    Returns:
        Feature -> COUNT + 1 ascending values from the minimum to the maximum of the train split; empty if the graph has
        no quantiles.
    """
    low, inner, high = (constant(name) for name in (_LOW, _INNER, _HIGH))
    if inner is None:
        return {}
    columns = np.concatenate([-low[:, None], inner, high[:, None]], axis=1)
    return {name: tuple(map(float, row)) for name, row in zip(sorted(numbers), columns, strict=True)}
