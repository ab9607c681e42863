"""Areas under curves, from histograms of a score: the weight of each class in each bin."""

import numpy as np

from components.evaluator.metrics import Array, Share

BINS = 9_999
"""Places of a probability: those of TFMA, whose histogram has 10,000 buckets and whose curve as many thresholds."""
_EPSILON = 1e-7
_SHIFT = 10
SCORE_BINS = 1 << (32 - _SHIFT)
"""Places of any float32 score of 0 or more: each is 1.2e-4 of its size wide, so no range has to be known before."""


def _bins() -> Array:
    """TFMA's 10,001 buckets -> the interval between two of its thresholds; those at 1 belong to the last."""
    buckets = np.arange(10_001) / 10_000
    thresholds = np.arange(1, BINS) / BINS + _EPSILON
    return np.minimum(np.searchsorted(thresholds, buckets, "right"), BINS - 1)


_BINS = _bins()


def probability_bin(probability: Array) -> Array:
    """Place of each probability, float64 (n,), in [0, BINS)."""
    return _BINS[np.clip(probability * 10_000, 0, 10_000).astype(np.int64)]


def score_bin(score: Array) -> Array:
    """Place of each score, (n,), in [0, SCORE_BINS): the order of float32 numbers is that of their bits."""
    # A negative score counts as 0.
    return np.maximum(score, 0).astype(np.float32).view(np.uint32).astype(np.int64) >> _SHIFT


def joined(places: Array, weights: Array) -> tuple[Array, Array]:
    """Weights of the first and the second class over the same bins, (bins,) each, the highest bin first.

    Args:
        places: int64 (u,), rising: twice the bin, and 1 more for the second class.
        weights: float64 (u,).
    """
    bins = places >> 1
    order = np.cumsum(np.diff(bins, prepend=-1) > 0) - 1
    number = int(order[-1]) + 1 if len(order) else 0
    table = np.bincount(order * 2 + (places & 1), weights, 2 * number).reshape(number, 2)[::-1]
    return table[:, 0], table[:, 1]


def auc(negative: Array, positive: Array) -> float:
    """Area under the ROC curve by the trapezoid rule, as TFMA's AUC; NaN where a class is missing.

    Args:
        negative: Weights of the first class, from `joined`.
        positive: Those of the second.
    """
    if not negative.sum() or not positive.sum():
        return float("nan")
    true = np.concatenate([[0.0], np.cumsum(positive)]) / positive.sum()
    return float(((true[1:] + true[:-1]) / 2 * negative).sum() / negative.sum())


def pr_auc(negative: Array, positive: Array) -> float:
    """Area under the precision-recall curve, as TFMA's AUCPrecisionRecall; NaN without the second class.

    Between two points true and false positives grow in a line, and precision is their ratio (Davis and Goadrich, The
    relationship between precision-recall and ROC curves, 2006, section 4).
    """
    total = positive.sum()
    if not total:
        return float("nan")
    true, all_ = np.cumsum(positive), np.cumsum(positive + negative)
    before = all_ - positive - negative
    slope = positive / (positive + negative)
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
