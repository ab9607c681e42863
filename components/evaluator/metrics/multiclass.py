"""Metrics of one of several classes.

Accuracy is the share of rows whose likeliest class is their own; top-k accuracy the share whose own class is among the
k likeliest (of equal ones the first, as argmax has it), where there are more than k; log loss the mean of
-ln(p of the own class), p not below 1e-7 as in Keras. precision[C] is the share of class C among the rows answered C,
recall[C] the share answered C among its rows; macro F1 the mean over classes, of those that a row has as label or
answer, of 2 · right / (answered + labelled).
A row whose label is no class (-1) is wrong, and its log loss that of p = 0.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from components.evaluator.metrics.accumulators import Array, Share, Sums
from components.evaluator.metrics.binary import own_loss

MATRIX_CLASSES = 100
"""A confusion matrix of more classes is shown as its largest confusions alone."""
SLICE_CLASSES = 50
"""Of more classes, a slice has no precision and recall of each."""
CONFUSIONS = 20


class Classes:
    """Numbers are -ln p(own), right and right among k; places the confusion matrix, whose last column is no answer.

    Args:
        names: The classes.
        top_k: k.
    """

    width = 3
    weighted = True
    centred: int | None = None
    scores: int | None = None

    def __init__(self, names: Sequence[str], top_k: int) -> None:
        self._names, self._top_k, self.classes = list(names), top_k, len(names)
        self.span = self.classes * (self.classes + 1)

    def rows(self, label: Array, answer: Mapping[str, Array]) -> tuple[Array, Array]:
        """See Measure; `answer` holds `probabilities` (n, classes)."""
        probabilities = answer["probabilities"]
        finite, known = np.isfinite(probabilities).all(axis=1), label >= 0
        # A NaN is the likeliest class to argmax; here it is never right.
        best = np.where(finite, probabilities.argmax(axis=1), self.classes)
        own = probabilities[np.arange(len(label)), np.maximum(label, 0)][:, None]
        earlier = np.arange(self.classes) < np.maximum(label, 0)[:, None]
        rank = ((probabilities > own) | ((probabilities == own) & earlier)).sum(axis=1)
        numbers = [self.errors(label, answer), known & (best == label), known & finite & (rank < self._top_k)]
        place = np.where(known, label * (self.classes + 1) + best, -1)
        return np.stack(numbers, axis=1).astype(np.float64), place[:, None]

    def values(self, sums: Sums, *, shares: bool = True) -> dict[str, float]:
        """See the module; NaN where there is no such row, as the recall of a class that no row has."""
        loss, right, among = (float(number) for number in sums.numbers)
        own, answered, labelled = self._margins(sums)
        both = answered + labelled
        seen = both > 0
        f1 = (2 * own[seen] / both[seen]).mean() if seen.any() and math.isfinite(loss) else math.nan
        log_loss = loss / sums.weight if sums.weight else math.nan
        if not shares:
            return {"log_loss": log_loss, "macro_f1": float(f1)}
        figures: dict[str, float] = {
            "accuracy": Share(right, sums.weight),
            "log_loss": log_loss,
            # Of all classes, each row's own is one of the likeliest.
            **({"top_k_accuracy": Share(among, sums.weight)} if self._top_k < self.classes else {}),
            "macro_f1": float(f1),
        }
        for index, name in enumerate(self._names):
            figures[f"precision[{name}]"] = Share(own[index], answered[index])
            figures[f"recall[{name}]"] = Share(own[index], labelled[index])
        return figures

    def _margins(self, sums: Sums) -> tuple[Array, Array, Array]:
        """Weight of the rows of each class that are right, answered so, labelled so: (classes,) each."""
        label, best = np.divmod(sums.places, self.classes + 1)
        right, size = label == best, self.classes
        own = np.bincount(label[right], sums.weights[right], size)
        return own, np.bincount(best, sums.weights, size + 1)[:size], np.bincount(label, sums.weights, size)

    def details(self, sums: Sums) -> dict[str, Any]:
        """`confusion`: rows of label i answered j; `confusions`: the most frequent wrong answers."""
        label, best = np.divmod(sums.places, self.classes + 1)
        wrong = np.flatnonzero((label != best) & (best < self.classes))
        largest = wrong[np.argsort(-sums.weights[wrong], kind="stable")][:CONFUSIONS]
        shown: dict[str, Any] = {
            "top_k": self._top_k,
            "confusions": [
                {
                    "label": self._names[label[place]],
                    "answer": self._names[best[place]],
                    "weight": float(sums.weights[place]),
                }
                for place in largest
            ],
        }
        if self.classes <= MATRIX_CLASSES:
            matrix = sums.dense(0, self.span).reshape(self.classes, self.classes + 1)
            shown["confusion"] = matrix[:, : self.classes].tolist()
        return shown

    def errors(self, label: Array, answer: Mapping[str, Array]) -> Array:
        """-ln(p of the own class)."""
        return own_loss(label, answer["probabilities"])

    def shown(self, label: Array, answer: Mapping[str, Array], row: int) -> tuple[Any, Any]:
        """Names of the classes."""
        index, best = int(label[row]), int(answer["probabilities"][row].argmax())
        return self._names[index] if index >= 0 else None, self._names[best]
