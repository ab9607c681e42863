"""Weights to carry over of embeddings, scales and smooth clips of numbers, and of the members of an ensemble."""

from collections.abc import Callable
from typing import Any

import numpy as np

from models.warm_start.feature_matching import NOWHERE, Match

Array = np.ndarray[Any, Any]


def embedded(match: Match, size: int) -> Match:
    """Return the match of the embeddings of numbers, given that of the numbers.

    Args:
        match: Match of the numbers.
        size: Length of an embedding.
    """
    source = np.where(_usable(match)[:, None], match.source[:, None] * size + np.arange(size), NOWHERE)
    return Match.of(source.reshape(-1), match.width * size)


def scaled(match: Match) -> Match:
    """Return the match of the outputs of a learned scale of inputs, which takes up the scales of its inputs."""
    return Match.of(match.source, match.width, stands_in=match.stands_in)


def embedding(layer: Any, arrays: list[Array], match: Match) -> list[Array] | str:
    """Return slope, bias, kernel and edges of PiecewiseLinear; edges and slope are rescaled as their number is."""
    if arrays[2].shape[1:] != tuple(layer.kernel.shape[1:]):
        return f"{arrays[2].shape[1]} bins, now {layer.kernel.shape[1]}"
    weights = [np.array(weight, np.float64) for weight in layer.weights]
    usable = _usable(match)
    slope, bias, kernel, edges = (array.astype(np.float64)[match.source[usable]] for array in arrays)
    scale, shift = match.scale[usable, None], match.shift[usable, None]
    for weight, carried in zip(
        weights, (slope * scale, bias + slope * shift, kernel, (edges - shift) / scale), strict=True
    ):
        weight[usable] = carried
    return weights


def periodic(layer: Any, arrays: list[Array], match: Match) -> list[Array]:
    """Return the weights of PeriodicEmbedding; median and factor are rescaled as their number is."""
    weights = [np.array(weight, np.float64) for weight in layer.weights]
    usable = _usable(match)
    carried = [array.astype(np.float64)[match.source[usable]] for array in arrays]
    *learned, median, factor = carried
    scale, shift = match.scale[usable], match.shift[usable]
    for weight, values in zip(weights, (*learned, (median - shift) / scale, factor * scale), strict=True):
        weight[usable] = values
    return weights


def clipped(layer: Any, arrays: list[Array], match: Match) -> list[Array]:
    """Return middle and factor of SmoothClip, rescaled as their number is.

    A number without a scale is 0 now: it gets the value that stands for what it was.
    """
    weights = [np.array(weight, np.float64) for weight in layer.weights]
    has_source = match.source != NOWHERE
    middle, factor = (array.astype(np.float64)[match.source[has_source]] for array in arrays)
    scale, shift = match.scale[has_source], match.shift[has_source]
    constant = scale == 0.0
    divisor = np.where(constant, 1.0, scale)
    weights[0][has_source] = np.where(constant, (middle - shift) * factor, (middle - shift) / divisor)
    weights[1][has_source] = np.where(constant, 1.0, factor * scale)
    return weights


def scale(layer: Any, arrays: list[Array], match: Match) -> list[Array] | str:
    """Return the learned scales of inputs, (members, width) or (1, width).

    Members that the earlier model lacks keep their initial scales.
    """
    if match.shift.any():
        return "its inputs are shifted"
    earlier_scales, weights, has_source = arrays[0], np.array(layer.weights[0]), match.source != NOWHERE
    count = min(len(earlier_scales), len(weights))
    weights[:count, has_source] = earlier_scales[:count][:, match.source[has_source]] * match.scale[has_source]
    return [weights]


def head(
    layer: Any, arrays: list[Array], match: Match, labelled: Callable[[Array, Array, Array], tuple[Array, Array] | str]
) -> list[Array] | str:
    """Return kernel and bias of MemberDense; members that the earlier model lacks keep their initial ones.

    Args:
        layer: The layer.
        arrays: Kernel and bias of the earlier model.
        match: Match of its input, which must be the identity.
        labelled: Adapts a kernel (width, units) and its bias to the current label, given the initial kernel.
    """
    if not match.is_same:
        return "its inputs changed"
    kernel, bias = (np.array(weight, np.float64) for weight in layer.weights)
    for member in range(min(len(kernel), len(arrays[0]))):
        carried = labelled(kernel[member], arrays[0][member].astype(np.float64), arrays[1][member].astype(np.float64))
        if isinstance(carried, str):
            return carried
        if carried[0].shape != kernel[member].shape:
            return f"{carried[0].shape[1]} units, now {kernel.shape[2]}"
        kernel[member], bias[member] = carried
    return [kernel, bias]


def _usable(match: Match) -> Array:
    """Return a mask of the numbers that an earlier embedding fits, bool (width,)."""
    return np.asarray((match.source != NOWHERE) & (match.scale > 0.0))
