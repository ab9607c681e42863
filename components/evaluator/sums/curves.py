"""Areas under curves, from histograms of a score: the weight of each class in each bin.

A bin is one float32 number, so that areas are exact: probabilities and scores are float32. Neighboring numbers are
merged only if there are more than accumulators.EXACT_SCORES. TFMA's histogram of 10,000 buckets is here too, for plots
and for TFMA's own values of the same metrics.
"""

from typing import Any

import numpy as np

from components.evaluator.sums.accumulators import Array, Proportion

BINS = 9_999
"""TFMA's bins of a probability: its histogram has 10,000 buckets and its curve as many thresholds."""
_EPSILON = 1e-7
_HALF = int(np.float32(0.5).view(np.uint32))
PROBABILITY_BINS = 2 * _HALF + 1
"""Float32 numbers from 0 to 1/2, and as many from 1/2 to 1, counted by their distance from 1."""
SCORE_BINS = 1 << 31
"""Float32 numbers of 0 or more."""


def _bins() -> Array:
    """Return the interval between TFMA's thresholds of each of its 10,001 buckets; a bucket at 1 is in the last."""
    buckets = np.arange(10_001) / 10_000
    thresholds = np.arange(1, BINS) / BINS + _EPSILON
    return np.minimum(np.searchsorted(thresholds, buckets, "right"), BINS - 1)


_BINS = _bins()


def probability_bin(probability: Array) -> Array:
    """Return TFMA's bin of each probability, float64 (n,), in [0, BINS)."""
    return _BINS[np.clip(probability * 10_000, 0, 10_000).astype(np.int64)]


def score_bin(score: Array) -> Array:
    """Return the bin of each score, (n,), in [0, SCORE_BINS): float32 numbers are ordered like their bits."""
    # A negative score counts as 0; -0 has its first bit set.
    return np.abs(np.maximum(score, 0).astype(np.float32)).view(np.uint32).astype(np.int64)


def exact_bin(probability: Array) -> Array:
    """Return the bin of each probability, (n,) from 0 to 1, in [0, PROBABILITY_BINS).

    Above 1/2 the distance from 1 is used, which float32 represents exactly: merged bins are then as fine near 1 as near
    0, as on a scale of log odds.
    """
    probability = np.clip(probability, 0, 1).astype(np.float32)
    upper = probability > np.float32(0.5)
    float_bits = np.where(upper, np.float32(1) - probability, probability).view(np.uint32).astype(np.int64)
    return np.where(upper, 2 * _HALF - float_bits, float_bits)


def probability_at(bins: Array) -> Array:
    """Return the probability of each bin, float64 (n,): the inverse of `exact_bin`."""
    upper = bins > _HALF
    number = np.where(upper, 2 * _HALF - bins, bins).astype(np.uint32).view(np.float32).astype(np.float64)
    return np.where(upper, 1.0 - number, number)


def tfma_histogram(bins: Array, weights: Array) -> tuple[Array, Array]:
    """Return the weights of the two classes in each of TFMA's bins, (BINS,) each.

    Args:
        bins: int64 (u,): twice the probability's bin, and 1 more for the second class.
        weights: float64 (u,).
    """
    coarse = probability_bin(probability_at(bins >> 1))
    table: Any = np.bincount(2 * coarse + (bins & 1), weights, 2 * BINS).reshape(BINS, 2)
    return table[:, 0], table[:, 1]


def by_class(bins: Array, weights: Array) -> tuple[Array, Array]:
    """Return the weights of the first and the second class in each score that occurs, (k,) each, highest score first.

    Args:
        bins: int64 (u,), ascending: twice the score's bin, and 1 more for the second class.
        weights: float64 (u,).
    """
    scores = bins >> 1
    order = np.cumsum(np.diff(scores, prepend=-1) > 0) - 1
    count = int(order[-1]) + 1 if len(order) else 0
    table = np.bincount(order * 2 + (bins & 1), weights, 2 * count).reshape(count, 2)[::-1]
    return table[:, 0], table[:, 1]


def auc(negative: Array, positive: Array) -> float:
    """Compute the area under the ROC curve by the trapezoid rule; NaN without both classes.

    With one bin per score it is the share of pairs of rows of both classes in the right order, where a pair of equal
    scores counts half (Mann and Whitney's statistic).

    Args:
        negative: Weights of the first class, from `by_class`.
        positive: Weights of the second class.
    """
    if not negative.sum() or not positive.sum():
        return float("nan")
    true = np.concatenate([[0.0], np.cumsum(positive)]) / positive.sum()
    return float(((true[1:] + true[:-1]) / 2 * negative).sum() / negative.sum())


def pr_auc(negative: Array, positive: Array) -> float:
    """Compute the area under the precision-recall curve as average precision; NaN without the second class.

    Σ (R_n - R_{n-1}) P_n over falling scores, with precision P and recall R: the sum of scikit-learn's
    average_precision_score. The curve is not interpolated between two points.

    Args:
        negative: Weights of the first class, from `by_class`.
        positive: Weights of the second class.
    """
    total = positive.sum()
    if not total:
        return float("nan")
    true, predicted = np.cumsum(positive), np.cumsum(positive + negative)
    return float((positive * true / np.where(predicted > 0, predicted, 1.0)).sum() / total)


def interpolated_pr_auc(negative: Array, positive: Array) -> float:
    """Compute the area under the precision-recall curve as TFMA's AUCPrecisionRecall; NaN without the second class.

    Between two points true and false positives grow linearly, and precision is their ratio (Davis and Goadrich, The
    relationship between precision-recall and ROC curves, 2006, section 4).
    """
    total = positive.sum()
    if not total:
        return float("nan")
    true_positives, predicted = np.cumsum(positive), np.cumsum(positive + negative)
    count = positive + negative
    predicted_before: Array = predicted - count
    slope = positive / np.where(count > 0, count, 1.0)
    intercept = true_positives - positive - slope * predicted_before
    ratio = np.where(predicted_before > 0, predicted / np.where(predicted_before > 0, predicted_before, 1.0), 1.0)
    return float((slope * (positive + intercept * np.log(ratio))).sum() / total)


def precision_at(negative: Array, positive: Array, limit: float | None) -> Proportion:
    """Compute the share of the second class among the rows with the highest scores.

    Rows of equal score that are only partly among them count by that part.

    Args:
        negative: Weights of the first class, from `by_class`.
        positive: Weights of the second class.
        limit: Number of rows; None for the number of rows of the second class, which is also called R-precision
            (Manning, Raghavan and Schütze, Introduction to Information Retrieval, section 8.4).
    """
    limit = positive.sum() if limit is None else min(limit, (negative + positive).sum())
    total = negative + positive
    selected = np.clip(limit - (np.cumsum(total) - total), 0, total)
    right = float((selected * positive / np.where(total > 0, total, 1.0)).sum()) if positive.sum() else float("nan")
    return Proportion(right, float(limit))
