"""Metrics of binary classification, by the probability p of the second class.

A row is predicted as the second class if p is above the threshold. Accuracy is the share of rows predicted as their own
class; precision the share of the second class among the rows predicted as it; recall the share predicted as it among
its rows; F1 = 2 · precision · recall / (precision + recall). Log loss is the mean of -ln(p of the own class), with p at
least 1e-7 as in Keras. AUC and PR-AUC are those of sums/curves.py over each distinct p; `tfma_auc` and `tfma_pr_auc`,
which are only in the evaluation's files, are over TFMA's 10,000 buckets. Calibration is the mean p divided by the share
of the second class, 1 if both agree (TFMA's Calibration). A row whose label is not a class (-1) is wrong, with the log
loss of p = 0.
"""

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.evaluator.metric import Measure, Metric, Predictions
from components.evaluator.sums import curves
from components.evaluator.sums.accumulators import Array, Proportion, Sums

EPSILON = 1e-7
HISTOGRAM = 4
"""First bin of the histogram; the bins before it are the confusion matrix."""
CALIBRATION_BUCKETS = 10
_SPAN = HISTOGRAM + 2 * curves.PROBABILITY_BINS
_TASKS = ("binary",)


@dataclass(frozen=True)
class Totals:
    """Sums of a cell, with values that several metrics use."""

    sums: Sums

    @property
    def is_finite(self) -> bool:
        """Whether every prediction is finite: rows with others are in no bin, so that metrics would be too good."""
        return math.isfinite(self.loss)

    @property
    def loss(self) -> float:
        """Sum of -ln(p of the own class)."""
        return float(self.sums.numbers[0])

    @functools.cached_property
    def matrix(self) -> list[list[float]]:
        """Weights of rows of label i predicted as j."""
        return confusion(self.sums)

    @functools.cached_property
    def curve(self) -> tuple[Array, Array]:
        """Weights of the two classes by p, highest first."""
        return curves.by_class(*self.sums.at(HISTOGRAM, _SPAN))

    @functools.cached_property
    def tfma_curve(self) -> tuple[Array, Array]:
        """Weights of the two classes by TFMA's buckets, highest first."""
        negative, positive = histogram(self.sums)
        return negative[::-1], positive[::-1]

    @property
    def f1(self) -> float:
        """F1; NaN if no row is or is predicted as the second class."""
        (_, false_positive), (false_negative, true_positive) = self.matrix
        total = 2 * true_positive + false_positive + false_negative
        return 2 * true_positive / total if total else math.nan

    @property
    def calibration(self) -> float:
        """Mean p divided by the share of the second class."""
        probability, label = (float(number) for number in self.sums.numbers[1:3])
        return probability / label if label else math.nan


def _finite(compute: Callable[[Totals], float]) -> Callable[[Totals], float]:
    """Return a function that is NaN if a prediction is not finite."""
    return lambda totals: compute(totals) if totals.is_finite else math.nan


def _positive_share(matrix: Sequence[Sequence[float]], total: float) -> Proportion:
    return Proportion(matrix[1][1], total)


METRICS = (
    Metric(
        name="accuracy",
        tasks=_TASKS,
        value=lambda totals: Proportion(totals.matrix[0][0] + totals.matrix[1][1], totals.sums.weight),
        low=0.0,
        high=1.0,
        is_share=True,
        tfma_class="BinaryAccuracy",
        always_defined=True,
    ),
    Metric(
        name="log_loss",
        tasks=_TASKS,
        value=lambda totals: totals.loss / totals.sums.weight if totals.sums.weight else math.nan,
        better="lower",
        low=0.0,
        tfma_class="BinaryCrossentropy",
        always_defined=True,
    ),
    Metric(
        name="auc",
        tasks=_TASKS,
        value=_finite(lambda totals: curves.auc(*totals.curve)),
        low=0.0,
        high=1.0,
        tfma_class="AUC",
        chance=(0.5, "guessing"),
    ),
    Metric(
        name="pr_auc",
        tasks=_TASKS,
        value=_finite(lambda totals: curves.pr_auc(*totals.curve)),
        low=0.0,
        high=1.0,
        tfma_class="AUCPrecisionRecall",
    ),
    Metric(
        name="precision",
        tasks=_TASKS,
        value=_finite(lambda totals: _positive_share(totals.matrix, totals.matrix[0][1] + totals.matrix[1][1])),
        low=0.0,
        high=1.0,
        is_share=True,
        tfma_class="Precision",
    ),
    Metric(
        name="recall",
        tasks=_TASKS,
        value=_finite(lambda totals: _positive_share(totals.matrix, sum(totals.matrix[1]))),
        low=0.0,
        high=1.0,
        is_share=True,
        tfma_class="Recall",
    ),
    Metric(name="f1", tasks=_TASKS, value=_finite(lambda totals: totals.f1), low=0.0, high=1.0, tfma_class="F1Score"),
    Metric(
        name="calibration",
        tasks=_TASKS,
        value=lambda totals: totals.calibration,
        better=1.0,
        low=0.0,
        tfma_class="Calibration",
    ),
    Metric(
        name="tfma_auc",
        tasks=_TASKS,
        value=_finite(lambda totals: curves.auc(*totals.tfma_curve)),
        tfma_class="AUC",
        only_tfma=True,
    ),
    Metric(
        name="tfma_pr_auc",
        tasks=_TASKS,
        value=_finite(lambda totals: curves.interpolated_pr_auc(*totals.tfma_curve)),
        tfma_class="AUCPrecisionRecall",
        only_tfma=True,
    ),
)


class Binary(Measure):
    """Sums of -ln p(own), p and label; bins are the confusion matrix, then a histogram of p by class.

    Args:
        names: The two classes.
        threshold: Probability above which a row is predicted as the second class.
    """

    task = "binary"
    check_metric = "log_loss"
    predictions = ("probabilities",)
    metrics = METRICS
    width = 3
    span = _SPAN
    scores = HISTOGRAM

    def __init__(self, names: Sequence[str], threshold: float) -> None:
        self.classes, self._threshold = list(names), threshold

    def own_rows(self, label: Array, predictions: Predictions) -> tuple[Array, Array]:
        """See Measure; predictions are `probabilities` (n, 2)."""
        probability = predictions["probabilities"][:, 1].astype(np.float64)
        counted = (label >= 0) & np.isfinite(probability)
        score = curves.exact_bin(np.where(counted, probability, 0.0))
        # Compare as float32, as the model computed it: 0.1 is above 0.1 in float64.
        predicted = predictions["probabilities"][:, 1] > np.float32(self._threshold)
        bins = np.stack([label * 2 + predicted, HISTOGRAM + 2 * score + label], axis=1)
        numbers = np.stack([self.errors(label, predictions), probability, np.maximum(label, 0)], axis=1)
        return numbers, np.where(counted[:, None], bins, -1)

    def totals(self, sums: Sums) -> Totals:
        """Return the sums with values that several metrics use."""
        return Totals(sums)

    def details(self, sums: Sums) -> dict[str, Any]:
        """Return `confusion`, rows of label i predicted as j, and `calibration`, mean p and share by tenths of p."""
        middle = (np.arange(curves.BINS) + 0.5) / curves.BINS
        bucket = (middle * CALIBRATION_BUCKETS).astype(np.int64)
        negative, positive = histogram(sums)
        weights = np.bincount(bucket, negative + positive, CALIBRATION_BUCKETS)
        probabilities = np.bincount(bucket, (negative + positive) * middle, CALIBRATION_BUCKETS)
        positives = np.bincount(bucket, positive, CALIBRATION_BUCKETS)
        return {
            "confusion": confusion(sums),
            "threshold": self._threshold,
            "calibration": [
                {
                    "from": number / CALIBRATION_BUCKETS,
                    "to": (number + 1) / CALIBRATION_BUCKETS,
                    "weight": float(weights[number]),
                    "mean_probability": float(probabilities[number] / weights[number]) if weights[number] else None,
                    "share": float(positives[number] / weights[number]) if weights[number] else None,
                }
                for number in range(CALIBRATION_BUCKETS)
            ],
        }

    def errors(self, label: Array, predictions: Predictions) -> Array:
        """Return -ln(p of the own class)."""
        return own_loss(label, predictions["probabilities"])

    def shown(self, label: Array, predictions: Predictions, row: int) -> tuple[Any, Any]:
        """Return the label's class, and p."""
        names, index = self.classes or [], int(label[row])
        return names[index] if 0 <= index < len(names) else None, float(predictions["probabilities"][row, 1])


def confusion(sums: Sums) -> list[list[float]]:
    """Return the weights of rows of label i predicted as j."""
    matrix: list[list[float]] = sums.dense(0, HISTOGRAM).reshape(2, 2).tolist()
    return matrix


def histogram(sums: Sums) -> tuple[Array, Array]:
    """Return the weights of the two classes in each of TFMA's bins of p, (BINS,) each."""
    return curves.tfma_histogram(*sums.at(HISTOGRAM, _SPAN))


def own_loss(label: Array, probabilities: Array) -> Array:
    """Compute -ln(p of the own class), float64 (n,).

    Args:
        label: int64 (n,), -1 for none, with the loss of p = 0.
        probabilities: (n, classes); the loss is NaN if one of a row is not finite.
    """
    probability = probabilities[np.arange(len(label)), np.maximum(label, 0)].astype(np.float64)
    probability = np.where(np.isfinite(probabilities).all(axis=1), np.where(label >= 0, probability, 0.0), np.nan)
    loss: Array = -np.log(np.clip(probability, EPSILON, 1.0))
    return loss
