"""Metrics of a class.

Accuracy is the share of rows whose likeliest class is their own; log loss is the mean of -ln(p of the own class), p
not below 1e-7 as in Keras. AUC is the area under the ROC curve of the second of two classes, from a histogram of its
probability with 10,000 buckets by the trapezoid rule, as TFMA has it. A row whose label is no class (-1) is wrong, and
its log loss that of p = 0.
"""

import math
from collections.abc import Mapping

import numpy as np

from components.evaluator.metrics import Array, Sums, add_by_cell

BUCKETS = 10_000
EPSILON = 1e-7


class Classification:
    """Sums are n, the number of right rows, Σ -ln p, the rows of label i answered j, and for two classes histograms.

    Args:
        num_classes: Number of classes.
    """

    def __init__(self, num_classes: int) -> None:
        self._classes = num_classes

    def sums(self, label: Array, answer: Mapping[str, Array], cells: Array, num_cells: int) -> Array:
        """See Measure; `answer` holds `probabilities` (n, classes)."""
        probabilities = answer["probabilities"].astype(np.float64)
        classes, known = self._classes, label >= 0
        own = np.where(known, probabilities[np.arange(len(label)), np.maximum(label, 0)], 0.0)
        # A NaN is the likeliest class to argmax; here it is never right.
        best = np.where(np.isfinite(probabilities).all(axis=1), probabilities.argmax(axis=1), -1)
        right = known & (best == label)
        rows = np.stack([np.ones(len(label)), right, -np.log(np.clip(own, EPSILON, 1.0))], axis=1)
        parts = [add_by_cell(rows, cells, num_cells)]
        both = known & (best >= 0)
        place = (cells[both] * classes + label[both]) * classes + best[both]
        parts.append(np.bincount(place, minlength=num_cells * classes**2).reshape(num_cells, -1))
        if classes == 2:
            bucket = np.nan_to_num(probabilities[:, 1] * BUCKETS).astype(np.int64)
            for number in (0, 1):
                chosen = known & (label == number)
                place = cells[chosen] * (BUCKETS + 1) + bucket[chosen]
                parts.append(np.bincount(place, minlength=num_cells * (BUCKETS + 1)).reshape(num_cells, -1))
        return np.concatenate(parts, axis=1).astype(np.float64)

    def values(self, total: Sums) -> dict[str, float]:
        """Accuracy and log loss; for two classes AUC, and precision and recall of the second at one half.

        A metric that the rows do not tell, such as the AUC of one class alone, is NaN.
        """
        count, right, loss = (float(number) for number in total[:3])
        figures = {"example_count": count, "accuracy": right / count, "log_loss": loss / count}
        if self._classes == 2:
            matrix = self.matrix(total)
            histograms = total[7:].reshape(2, -1)
            figures["auc"] = _auc(*histograms)
            figures["precision"] = _share(matrix[1, 1], matrix[:, 1].sum())
            figures["recall"] = _share(matrix[1, 1], matrix[1].sum())
        return figures

    def matrix(self, total: Sums) -> Array:
        """Confusion matrix (classes, classes): rows of label i answered j."""
        return total[3 : 3 + self._classes**2].reshape(self._classes, self._classes)


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else math.nan


def _auc(negatives: Array, positives: Array) -> float:
    if not negatives.sum() or not positives.sum():
        return math.nan
    true = np.concatenate([[0.0], np.cumsum(positives[::-1])]) / positives.sum()
    false = np.concatenate([[0.0], np.cumsum(negatives[::-1])]) / negatives.sum()
    return float(((true[1:] + true[:-1]) / 2 * np.diff(false)).sum())
