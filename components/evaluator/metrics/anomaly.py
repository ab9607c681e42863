"""Metrics of anomaly detection: the higher the score, the less a row is like normal rows.

AUC, PR-AUC and precision at k are those of sums/curves.py on the score, with anomalies as the second class; flagged is
the share of rows above the model's threshold, precision the share of anomalies among them, recall the share of
anomalies that are flagged. A row whose label is neither (-1) only counts for flagged and the mean score.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.evaluator.metric import Measure, Metric, Predictions
from components.evaluator.sums import curves
from components.evaluator.sums.accumulators import Array, Proportion, Sums

_MATRIX = 4
_SPAN = _MATRIX + 2 * curves.SCORE_BINS
_TASKS = ("anomaly",)


@dataclass(frozen=True)
class Totals:
    """Sums of a cell, with values that several metrics use."""

    sums: Sums
    precision_at: int | None

    @property
    def score(self) -> float:
        """Sum of the scores."""
        return float(self.sums.numbers[0])

    @functools.cached_property
    def matrix(self) -> list[list[float]]:
        """Weights of normal rows and anomalies, by not flagged and flagged."""
        matrix: list[list[float]] = self.sums.dense(0, _MATRIX).reshape(2, 2).tolist()
        return matrix

    @functools.cached_property
    def curve(self) -> tuple[Array, Array]:
        """Weights of normal rows and anomalies by score, highest first."""
        return curves.by_class(*self.sums.at(_MATRIX, _SPAN))

    def precision_at_k(self) -> Proportion:
        """Return the share of anomalies among the rows with the highest scores."""
        return curves.precision_at(*self.curve, self.precision_at)


def _finite(compute: Callable[[Totals], float]) -> Callable[[Totals], float]:
    """Return a function that is NaN if a score is not finite."""
    return lambda totals: compute(totals) if math.isfinite(totals.score) else math.nan


METRICS = (
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
        name="precision_at_k",
        tasks=_TASKS,
        value=_finite(lambda totals: totals.precision_at_k()),
        low=0.0,
        high=1.0,
        is_share=True,
        tfma_class="PrecisionAtK",
    ),
    Metric(
        name="precision",
        tasks=_TASKS,
        value=_finite(lambda totals: Proportion(totals.matrix[1][1], totals.matrix[0][1] + totals.matrix[1][1])),
        low=0.0,
        high=1.0,
        is_share=True,
        tfma_class="Precision",
    ),
    Metric(
        name="recall",
        tasks=_TASKS,
        value=_finite(lambda totals: Proportion(totals.matrix[1][1], sum(totals.matrix[1]))),
        low=0.0,
        high=1.0,
        is_share=True,
        tfma_class="Recall",
    ),
    Metric(
        name="flagged",
        tasks=_TASKS,
        value=_finite(lambda totals: Proportion(float(totals.sums.numbers[1]), totals.sums.weight)),
        better="lower",
        low=0.0,
        high=1.0,
        is_share=True,
    ),
    Metric(
        name="mean_score",
        tasks=_TASKS,
        value=lambda totals: totals.score / totals.sums.weight if totals.sums.weight else math.nan,
        better="lower",
        low=0.0,
        tfma_class="MeanPrediction",
        always_defined=True,
    ),
)


class Anomaly(Measure):
    """Sums of score and flag; bins are the confusion matrix, then a histogram of the score by class.

    Args:
        precision_at: k of precision at k; None for the number of anomalies.
    """

    task = "anomaly"
    check_metric = "mean_score"
    predictions = ("score", "anomaly")
    metrics = METRICS
    width = 2
    span = _SPAN
    scores = _MATRIX

    def __init__(self, precision_at: int | None) -> None:
        self._precision_at = precision_at
        self._median: float | None = None

    def own_rows(self, label: Array, predictions: Predictions) -> tuple[Array, Array]:
        """See Measure; predictions are `score` (n,) and `anomaly` (n,)."""
        score, is_anomaly = predictions["score"].astype(np.float64), predictions["anomaly"] > 0
        counted = (label >= 0) & np.isfinite(score)
        score_bin = curves.score_bin(np.where(counted, score, 0.0))
        bins = np.stack([label * 2 + is_anomaly, _MATRIX + 2 * score_bin + label], axis=1)
        return np.stack([score, is_anomaly], axis=1).astype(np.float64), np.where(counted[:, None], bins, -1)

    def totals(self, sums: Sums) -> Totals:
        """Return the sums with values that several metrics use."""
        return Totals(sums, self._precision_at)

    def details(self, sums: Sums) -> dict[str, Any]:
        """Return `confusion`, normal rows and anomalies by not flagged and flagged, and `k` of precision at k."""
        matrix = self.totals(sums).matrix
        return {"confusion": matrix, "k": self._precision_at or float(sum(matrix[1]))}

    def errors(self, label: Array, predictions: Predictions) -> Array:
        """Return ln(score) minus its median in the first batch, negated for anomalies; -inf without a label."""
        log_score = np.log(np.maximum(predictions["score"].astype(np.float64), 1e-30))
        if self._median is None:
            self._median = float(np.median(log_score))
        log_score = log_score - self._median
        return np.where(label == 1, -log_score, np.where(label == 0, log_score, -np.inf))

    def shown(self, label: Array, predictions: Predictions, row: int) -> tuple[Any, Any]:
        """Return normal or anomaly, and the score."""
        return {0: "normal", 1: "anomaly"}.get(int(label[row])), float(predictions["score"][row])
