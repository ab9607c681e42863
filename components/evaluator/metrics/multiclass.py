"""Metrics of classification with several classes.

Accuracy is the share of rows whose most likely class is their own; top-k accuracy the share whose own class is among
the k most likely (the first of equal ones, as argmax), if there are more than k classes; log loss the mean of
-ln(p of the own class), with p at least 1e-7 as in Keras. precision[C] is the share of class C among the rows predicted
as C, recall[C] the share predicted as C among its rows; macro F1 the mean of 2 · right / (predicted + labelled) over
the classes that occur as label or prediction. A row whose label is not a class (-1) is wrong, with the log
loss of p = 0.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.evaluator.metric import Measure, Metric, Predictions
from components.evaluator.metrics.binary import own_loss
from components.evaluator.sums.accumulators import Array, Proportion, Sums

MATRIX_CLASSES = 100
"""With more classes only the largest confusions are shown, not the matrix."""
SLICE_CLASSES = 50
"""With more classes a slice has no precision and recall by class."""
CONFUSIONS = 20
_TASKS = ("classes",)


@dataclass(frozen=True)
class Totals:
    """Sums of a cell, with values that several metrics use."""

    sums: Sums
    size: int
    top_k: int

    @functools.cached_property
    def margins(self) -> tuple[Array, Array, Array]:
        """Weights of the correct rows, of the predictions and of the labels of each class, (classes,) each."""
        label, predicted = np.divmod(self.sums.bins, self.size + 1)
        right, weights = label == predicted, self.sums.weights
        correct = np.bincount(label[right], weights[right], self.size)
        return (
            correct,
            np.bincount(predicted, weights, self.size + 1)[: self.size],
            np.bincount(label, weights, self.size),
        )

    @property
    def loss(self) -> float:
        """Sum of -ln(p of the own class)."""
        return float(self.sums.numbers[0])

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the classes that occur; NaN if a prediction is not finite."""
        correct, predicted, labelled = self.margins
        total = predicted + labelled
        occurs = total > 0
        is_defined = occurs.any() and math.isfinite(self.loss)
        return float((2 * correct[occurs] / total[occurs]).mean()) if is_defined else math.nan

    def top_k_accuracy(self) -> Proportion | None:
        """Return top-k accuracy; None if it is 1 by definition."""
        return Proportion(float(self.sums.numbers[2]), self.sums.weight) if self.top_k < self.size else None


METRICS = (
    Metric(
        name="accuracy",
        tasks=_TASKS,
        value=lambda totals: Proportion(float(totals.sums.numbers[1]), totals.sums.weight),
        low=0.0,
        high=1.0,
        is_share=True,
        tfma_class="SparseCategoricalAccuracy",
        always_defined=True,
    ),
    Metric(
        name="log_loss",
        tasks=_TASKS,
        value=lambda totals: totals.loss / totals.sums.weight if totals.sums.weight else math.nan,
        better="lower",
        low=0.0,
        tfma_class="SparseCategoricalCrossentropy",
        always_defined=True,
    ),
    Metric(
        name="top_k_accuracy",
        tasks=_TASKS,
        value=lambda totals: totals.top_k_accuracy(),
        low=0.0,
        high=1.0,
        is_share=True,
        tfma_class="SparseTopKCategoricalAccuracy",
    ),
    Metric(
        name="macro_f1",
        tasks=_TASKS,
        value=lambda totals: totals.macro_f1,
        low=0.0,
        high=1.0,
        tfma_class="F1Score",
    ),
    Metric(
        name="precision",
        tasks=_TASKS,
        value=lambda totals: map(Proportion, totals.margins[0], totals.margins[1]),
        low=0.0,
        high=1.0,
        is_share=True,
        per_class=True,
        tfma_class="Precision",
    ),
    Metric(
        name="recall",
        tasks=_TASKS,
        value=lambda totals: map(Proportion, totals.margins[0], totals.margins[2]),
        low=0.0,
        high=1.0,
        is_share=True,
        per_class=True,
        tfma_class="Recall",
    ),
)


class Classes(Measure):
    """Sums of -ln p(own), right, and right among k; bins are the confusion matrix, whose last column is no prediction.

    Args:
        names: The classes.
        top_k: k.
    """

    task = "classes"
    check_metric = "log_loss"
    predictions = ("probabilities",)
    metrics = METRICS
    width = 3

    def __init__(self, names: Sequence[str], top_k: int) -> None:
        self.names, self._top_k = list(names), top_k
        self.classes, self.size = self.names, len(names)
        self.span = self.size * (self.size + 1)

    def own_rows(self, label: Array, predictions: Predictions) -> tuple[Array, Array]:
        """See Measure; predictions are `probabilities` (n, classes)."""
        probabilities = predictions["probabilities"]
        finite, has_label = np.isfinite(probabilities).all(axis=1), label >= 0
        # argmax takes NaN for the most likely class.
        predicted = np.where(finite, probabilities.argmax(axis=1), self.size)
        label_probability = probabilities[np.arange(len(label)), np.maximum(label, 0)][:, None]
        earlier = np.arange(self.size) < np.maximum(label, 0)[:, None]
        rank = ((probabilities > label_probability) | ((probabilities == label_probability) & earlier)).sum(axis=1)
        right, among = has_label & (predicted == label), has_label & finite & (rank < self._top_k)
        bins = np.where(has_label, label * (self.size + 1) + predicted, -1)
        numbers = np.stack([self.errors(label, predictions), right, among], axis=1)
        return numbers.astype(np.float64), bins[:, None]

    def totals(self, sums: Sums) -> Totals:
        """Return the sums with values that several metrics use."""
        return Totals(sums, self.size, self._top_k)

    def details(self, sums: Sums) -> dict[str, Any]:
        """Return `confusion`, rows of label i predicted as j, and `confusions`, the most frequent wrong predictions."""
        label, predicted = np.divmod(sums.bins, self.size + 1)
        wrong = np.flatnonzero((label != predicted) & (predicted < self.size))
        largest = wrong[np.argsort(-sums.weights[wrong], kind="stable")][:CONFUSIONS]
        details: dict[str, Any] = {
            "top_k": self._top_k,
            "confusions": [
                {
                    "label": self.names[label[position]],
                    "answer": self.names[predicted[position]],
                    "weight": float(sums.weights[position]),
                }
                for position in largest
            ],
        }
        if self.size <= MATRIX_CLASSES:
            matrix = sums.dense(0, self.span).reshape(self.size, self.size + 1)
            details["confusion"] = matrix[:, : self.size].tolist()
        return details

    def errors(self, label: Array, predictions: Predictions) -> Array:
        """Return -ln(p of the own class)."""
        return own_loss(label, predictions["probabilities"])

    def shown(self, label: Array, predictions: Predictions, row: int) -> tuple[Any, Any]:
        """Return the names of both classes."""
        index, predicted = int(label[row]), int(predictions["probabilities"][row].argmax())
        return self.names[index] if index >= 0 else None, self.names[predicted]
