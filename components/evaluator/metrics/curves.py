"""Areas under curves, from histograms of a score: the weight of each class in each place.

A place is one float32 number, so that the areas are exact: probabilities and scores are float32. Only where a ledger
holds more than it keeps do neighbouring numbers share a place. TFMA's own histogram of 10,000 buckets is here too, for
the plots and for TFMA's values of the same metrics.
"""

from typing import Any

import numpy as np

from components.evaluator.metrics.accumulators import Array, Share

BINS = 9_999
"""TFMA's places of a probability: its histogram has 10,000 buckets and its curve as many thresholds."""
_EPSILON = 1e-7
_HALF = int(np.float32(0.5).view(np.uint32))
PROBABILITY_PLACES = 2 * _HALF + 1
"""Float32 numbers from 0 to 1/2, and as many from 1/2 to 1, counted by their distance from 1."""
SCORE_PLACES = 1 << 31
"""Float32 numbers of 0 or more."""


def _bins() -> Array:
    """TFMA's 10,001 buckets -> the interval between two of its thresholds; those at 1 belong to the last."""
    buckets = np.arange(10_001) / 10_000
    thresholds = np.arange(1, BINS) / BINS + _EPSILON
    return np.minimum(np.searchsorted(thresholds, buckets, "right"), BINS - 1)


_BINS = _bins()


def probability_bin(probability: Array) -> Array:
    """Place of each probability, float64 (n,), in [0, BINS)."""
    return _BINS[np.clip(probability * 10_000, 0, 10_000).astype(np.int64)]


def score_place(score: Array) -> Array:
    """Place of each score, (n,), in [0, SCORE_PLACES): the order of float32 numbers is that of their bits."""
    # A negative score counts as 0; -0 has its first bit set.
    return np.abs(np.maximum(score, 0).astype(np.float32)).view(np.uint32).astype(np.int64)


def probability_place(probability: Array) -> Array:
    """Place of each probability, (n,) from 0 to 1, in [0, PROBABILITY_PLACES).

    Above 1/2 the distance from 1 counts, which float32 holds exactly there: places that are joined later are then as
    fine near 1 as near 0, as on a scale of log odds.
    """
    given = np.clip(probability, 0, 1).astype(np.float32)
    upper = given > np.float32(0.5)
    bits = np.where(upper, np.float32(1) - given, given).view(np.uint32).astype(np.int64)
    return np.where(upper, 2 * _HALF - bits, bits)


def probability_at(place: Array) -> Array:
    """The probability of each place, float64 (n,): the inverse of `probability_place`."""
    upper = place > _HALF
    number = np.where(upper, 2 * _HALF - place, place).astype(np.uint32).view(np.float32).astype(np.float64)
    return np.where(upper, 1.0 - number, number)


def in_bins(places: Array, weights: Array) -> tuple[Array, Array]:
    """Weights of the two classes in each of TFMA's bins, (BINS,) each.

    Args:
        places: int64 (u,): twice the probability's place, and 1 more for the second class.
        weights: float64 (u,).
    """
    bins = probability_bin(probability_at(places >> 1))
    table: Any = np.bincount(2 * bins + (places & 1), weights, 2 * BINS).reshape(BINS, 2)
    return table[:, 0], table[:, 1]


def joined(places: Array, weights: Array) -> tuple[Array, Array]:
    """Weights of the first and the second class over the same places, (k,) each, the highest place first.

    Args:
        places: int64 (u,), rising: twice the place, and 1 more for the second class.
        weights: float64 (u,).
    """
    bins = places >> 1
    order = np.cumsum(np.diff(bins, prepend=-1) > 0) - 1
    number = int(order[-1]) + 1 if len(order) else 0
    table = np.bincount(order * 2 + (places & 1), weights, 2 * number).reshape(number, 2)[::-1]
    return table[:, 0], table[:, 1]


def auc(negative: Array, positive: Array) -> float:
    """Area under the ROC curve by the trapezoid rule; NaN where a class is missing.

    With one place for each score it is the share of pairs of rows of both classes that are in the right order, a pair
    of equal scores counting half (Mann and Whitney's statistic).

    Args:
        negative: Weights of the first class, from `joined`.
        positive: Those of the second.
    """
    if not negative.sum() or not positive.sum():
        return float("nan")
    true = np.concatenate([[0.0], np.cumsum(positive)]) / positive.sum()
    return float(((true[1:] + true[:-1]) / 2 * negative).sum() / negative.sum())


def pr_auc(negative: Array, positive: Array) -> float:
    """Area under the precision-recall curve as average precision; NaN without the second class.

    Σ (R_n - R_{n-1}) P_n over falling scores, with precision P and recall R: the sum of scikit-learn's
    average_precision_score. Between two points the curve is not interpolated.

    Args:
        negative: Weights of the first class, from `joined`.
        positive: Those of the second.
    """
    total = positive.sum()
    if not total:
        return float("nan")
    true, answered = np.cumsum(positive), np.cumsum(positive + negative)
    return float((positive * true / np.where(answered > 0, answered, 1.0)).sum() / total)


def interpolated_pr_auc(negative: Array, positive: Array) -> float:
    """Area under the precision-recall curve, as TFMA's AUCPrecisionRecall; NaN without the second class.

    Between two points true and false positives grow in a line, and precision is their ratio (Davis and Goadrich, The
    relationship between precision-recall and ROC curves, 2006, section 4).
    """
    total = positive.sum()
    if not total:
        return float("nan")
    true, all_ = np.cumsum(positive), np.cumsum(positive + negative)
    both = positive + negative
    before: Array = all_ - both
    slope = positive / np.where(both > 0, both, 1.0)
    intercept = true - positive - slope * before
    ratio = np.where(before > 0, all_ / np.where(before > 0, before, 1.0), 1.0)
    return float((slope * (positive + intercept * np.log(ratio))).sum() / total)


def precision_at(negative: Array, positive: Array, number: float | None) -> Share:
    """Share of the second class among the rows of highest score.

    Args:
        negative: Weights of the first class, from `joined`.
        positive: Those of the second.
        number: How many rows; None for as many as the second class has, which is also called R-precision (Manning,
            Raghavan and Schütze, Introduction to Information Retrieval, section 8.4). Of the rows of one place that
            are only partly among them, each counts by that part.
    """
    number = positive.sum() if number is None else min(number, (negative + positive).sum())
    both = negative + positive
    taken = np.clip(number - (np.cumsum(both) - both), 0, both)
    found = float((taken * positive / np.where(both > 0, both, 1.0)).sum()) if positive.sum() else float("nan")
    return Share(found, float(number))
