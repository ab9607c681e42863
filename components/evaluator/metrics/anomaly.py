"""Metrics of an anomaly score: the higher, the less like a normal row.

AUC, PR-AUC and precision at k are those of curves.py on the score, anomalies the second class; flagged is
the share of rows above the model's threshold, precision the share of anomalies among them, recall the share
of anomalies that is flagged. A row whose label is neither (-1) counts for flagged and the mean score alone.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from components.evaluator.metrics import curves
from components.evaluator.metrics.accumulators import Array, Share, Sums

_MATRIX = 4


class Anomaly:
    """Numbers are score and flag; places the confusion matrix, then a histogram of the score by class.

    Args:
        precision_at: k; None for the number of anomalies.
    """

    width = 2
    span = _MATRIX + 2 * curves.SCORE_PLACES
    weighted = True
    centred: int | None = None
    scores: int | None = _MATRIX

    def __init__(self, precision_at: int | None) -> None:
        self._number = precision_at
        self._centre: float | None = None

    def rows(self, label: Array, answer: Mapping[str, Array]) -> tuple[Array, Array]:
        """See Measure; `answer` holds `score` (n,) and `anomaly` (n,)."""
        score, flag = answer["score"].astype(np.float64), answer["anomaly"] > 0
        counted = (label >= 0) & np.isfinite(score)
        place = curves.score_place(np.where(counted, score, 0.0))
        places = np.stack([label * 2 + flag, _MATRIX + 2 * place + label], axis=1)
        return np.stack([score, flag], axis=1).astype(np.float64), np.where(counted[:, None], places, -1)

    def values(self, sums: Sums, *, shares: bool = True) -> dict[str, float]:
        """See the module; NaN where there is no such row, as the AUC without an anomaly."""
        score, flagged = (float(number) for number in sums.numbers)
        whole = math.isfinite(score)
        normal, anomalies = curves.joined(*sums.at(_MATRIX, self.span))
        figures: dict[str, float] = {
            "auc": curves.auc(normal, anomalies) if whole else math.nan,
            "pr_auc": curves.pr_auc(normal, anomalies) if whole else math.nan,
        }
        if shares:
            (_, false), (missed, found) = sums.dense(0, _MATRIX).reshape(2, 2).tolist()
            figures |= {
                "precision_at_k": curves.precision_at(normal, anomalies, self._number) if whole else math.nan,
                "precision": Share(found, found + false) if whole else math.nan,
                "recall": Share(found, found + missed) if whole else math.nan,
                "flagged": Share(flagged, sums.weight) if whole else math.nan,
            }
        return figures | {"mean_score": score / sums.weight if sums.weight else math.nan}

    def details(self, sums: Sums) -> dict[str, Any]:
        """`confusion`: normal rows and anomalies, by not flagged and flagged; `k` of precision at k."""
        matrix = sums.dense(0, _MATRIX).reshape(2, 2)
        return {"confusion": matrix.tolist(), "k": self._number or float(matrix[1].sum())}

    def errors(self, label: Array, answer: Mapping[str, Array]) -> Array:
        """ln(score) above that of a usual row of the first batch, negated for anomalies; -inf for neither."""
        height = np.log(np.maximum(answer["score"].astype(np.float64), 1e-30))
        if self._centre is None:
            self._centre = float(np.median(height))
        height = height - self._centre
        return np.where(label == 1, -height, np.where(label == 0, height, -np.inf))

    def shown(self, label: Array, answer: Mapping[str, Array], row: int) -> tuple[Any, Any]:
        """Normal or anomaly, and the score."""
        return {0: "normal", 1: "anomaly"}.get(int(label[row])), float(answer["score"][row])
