"""Metrics of one of two classes, by the probability p of the second.

A row is answered with the second class where p is above the threshold. Accuracy is the share of rows answered with
their own class; precision the share of the second class among the rows answered so; recall the share answered so among
the rows of the second class; F1 = 2 · precision · recall / (precision + recall). Log loss is the mean of -ln(p of the
own class), p not below 1e-7 as in Keras. AUC and PR-AUC are those of curves.py over each distinct
p; `tfma_auc` and `tfma_pr_auc`, in the evaluation's files alone, those over TFMA's 10,000 buckets. Calibration is the
mean p over the share of the second class, 1 where both agree (TFMA's Calibration). A row whose label is no class (-1)
is wrong, and its log loss that of p = 0.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from components.evaluator.metrics import curves
from components.evaluator.metrics.accumulators import Array, Share, Sums

EPSILON = 1e-7
HISTOGRAM = 4
"""First place of the histogram; before it is the confusion matrix."""
CALIBRATION_BUCKETS = 10
ORDER = ("accuracy", "log_loss", "auc", "pr_auc", "precision", "recall", "f1", "calibration")


class Binary:
    """Numbers are -ln p(own), p and label; places the confusion matrix, then a histogram of p by class.

    Args:
        names: The two classes.
        threshold: p above which a row is answered with the second class.
    """

    width = 3
    span = HISTOGRAM + 2 * curves.PROBABILITY_PLACES
    weighted = True
    centred: int | None = None
    scores: int | None = HISTOGRAM

    def __init__(self, names: Sequence[str], threshold: float) -> None:
        self._names, self._threshold = list(names), threshold

    def rows(self, label: Array, answer: Mapping[str, Array]) -> tuple[Array, Array]:
        """See Measure; `answer` holds `probabilities` (n, 2)."""
        probability = answer["probabilities"][:, 1].astype(np.float64)
        counted = (label >= 0) & np.isfinite(probability)
        score = curves.probability_place(np.where(counted, probability, 0.0))
        places = np.stack(
            [label * 2 + self._answered(answer), HISTOGRAM + 2 * score + label],
            axis=1,
        )
        numbers = np.stack([self.errors(label, answer), probability, np.maximum(label, 0)], axis=1)
        return numbers, np.where(counted[:, None], places, -1)

    def _answered(self, answer: Mapping[str, Array]) -> Array:
        # float32 against float32, as the model gave it: 0.1 is above 0.1 in float64.
        return answer["probabilities"][:, 1] > np.float32(self._threshold)

    def values(self, sums: Sums, *, shares: bool = True) -> dict[str, float]:
        """See the module; NaN where there is no such row, as the AUC of one class alone."""
        loss, probability, label = (float(number) for number in sums.numbers)
        (kept, false), (missed, found) = self._matrix(sums)
        # One answer that is no number takes its row out of all that follows, which would then tell too little.
        whole = math.isfinite(loss)
        negative, positive = curves.joined(*sums.at(HISTOGRAM, self.span))
        figures: dict[str, float] = {
            "log_loss": loss / sums.weight if sums.weight else math.nan,
            "auc": curves.auc(negative, positive) if whole else math.nan,
            "pr_auc": curves.pr_auc(negative, positive) if whole else math.nan,
            "f1": 2 * found / (2 * found + false + missed) if whole and 2 * found + false + missed else math.nan,
            "calibration": probability / label if label else math.nan,
        }
        if not shares:
            return figures
        counted = {
            "accuracy": Share(kept + found, sums.weight),
            "precision": Share(found, found + false) if whole else math.nan,
            "recall": Share(found, found + missed) if whole else math.nan,
        }
        return {name: (figures | counted)[name] for name in ORDER}

    def stock(self, sums: Sums) -> dict[str, float]:
        """TFMA's values of metrics that are exact here: too coarse where nearly all p are in a few buckets."""
        negative, positive = (weights[::-1] for weights in histogram(sums))
        whole = math.isfinite(float(sums.numbers[0]))
        return {
            "tfma_auc": curves.auc(negative, positive) if whole else math.nan,
            "tfma_pr_auc": curves.interpolated_pr_auc(negative, positive) if whole else math.nan,
        }

    def _matrix(self, sums: Sums) -> list[list[float]]:
        found: list[list[float]] = sums.dense(0, HISTOGRAM).reshape(2, 2).tolist()
        return found

    def details(self, sums: Sums) -> dict[str, Any]:
        """`confusion`: rows of label i answered j; `calibration`: by tenths of p, the mean p and the share seen."""
        middle = (np.arange(curves.BINS) + 0.5) / curves.BINS
        bucket = (middle * CALIBRATION_BUCKETS).astype(np.int64)
        negative, positive = histogram(sums)
        weights = np.bincount(bucket, negative + positive, CALIBRATION_BUCKETS)
        answers = np.bincount(bucket, (negative + positive) * middle, CALIBRATION_BUCKETS)
        seen = np.bincount(bucket, positive, CALIBRATION_BUCKETS)
        return {
            "confusion": self._matrix(sums),
            "threshold": self._threshold,
            "calibration": [
                {
                    "from": number / CALIBRATION_BUCKETS,
                    "to": (number + 1) / CALIBRATION_BUCKETS,
                    "weight": float(weights[number]),
                    "mean_probability": float(answers[number] / weights[number]) if weights[number] else None,
                    "share": float(seen[number] / weights[number]) if weights[number] else None,
                }
                for number in range(CALIBRATION_BUCKETS)
            ],
        }

    def errors(self, label: Array, answer: Mapping[str, Array]) -> Array:
        """-ln(p of the own class)."""
        return own_loss(label, answer["probabilities"])

    def shown(self, label: Array, answer: Mapping[str, Array], row: int) -> tuple[Any, Any]:
        """Names of the classes, and p of the second."""
        return _name(self._names, int(label[row])), float(answer["probabilities"][row, 1])


def histogram(sums: Sums) -> tuple[Array, Array]:
    """Weights of the two classes in each of TFMA's bins of p, (BINS,) each."""
    return curves.in_bins(*sums.at(HISTOGRAM, Binary.span))


def own_loss(label: Array, probabilities: Array) -> Array:
    """-ln(p of the own class), float64 (n,); p = 0 for a label that is no class, NaN where an answer is no number.

    Args:
        label: int64 (n,), -1 for none.
        probabilities: (n, classes).
    """
    own = probabilities[np.arange(len(label)), np.maximum(label, 0)].astype(np.float64)
    # One probability that is no number leaves none of its row's that can be trusted.
    own = np.where(np.isfinite(probabilities).all(axis=1), np.where(label >= 0, own, 0.0), np.nan)
    loss: Array = -np.log(np.clip(own, EPSILON, 1.0))
    return loss


def _name(names: Sequence[str], index: int) -> str | None:
    return names[index] if 0 <= index < len(names) else None
