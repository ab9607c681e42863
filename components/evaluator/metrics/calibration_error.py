"""Expected calibration error with training.calibration, for the calibrated and the original probabilities.

The mean distance between probability and observed share over 15 bins of equal width: of the second class, if there are
two classes, otherwise of the most likely class of each row, whose share is that of the rows where it is right (Guo,
Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, section 2). A row whose label is not a
class (-1) belongs to none.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from components.evaluator.metric import Metric, Predictions
from components.evaluator.sums.accumulators import Array

BINS = 15
CALIBRATED, UNCALIBRATED = "probabilities", "uncalibrated"
"""Predictions of the evaluator: the second is there only if the model has a temperature."""


def uncalibrated(probabilities: Array, temperature: float) -> Array:
    """Return the probabilities of logits that were not divided by the temperature, float64 (n, classes).

    Calibrated probabilities are proportional to exp(logit / temperature).
    """
    powers = probabilities.astype(np.float64) ** temperature
    normalized: Array = powers / powers.sum(axis=1, keepdims=True)
    return normalized


def _gaps(name: str) -> Callable[[Array, Predictions], Array]:
    """Return a function to probability minus outcome in the bin of each row, and 1 if the metric is measured."""

    def rows(label: Array, predictions: Predictions) -> Array:
        numbers = np.zeros((len(label), BINS + 1))
        if UNCALIBRATED not in predictions:
            return numbers
        probabilities = predictions[name].astype(np.float64)
        finite = np.isfinite(probabilities).all(axis=1)
        index = np.ones(len(label), np.int64) if probabilities.shape[1] == 2 else probabilities.argmax(axis=1)
        probability = np.where(finite, probabilities[np.arange(len(label)), index], 0.0)
        bin_index = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
        numbers[np.arange(len(label)), bin_index] = np.where(finite, probability - (label == index), np.nan)
        numbers[:, BINS] = 1.0
        return numbers

    return rows


def _error(means: Any) -> float | None:
    return float(np.abs(means[:BINS]).sum()) if means[BINS] else None


METRICS = tuple(
    Metric(
        name=name,
        tasks=("binary", "classes"),
        value=_error,
        rows=_gaps(source),
        width=BINS + 1,
        better="lower",
        low=0.0,
        high=1.0,
    )
    for name, source in (("calibration_error", CALIBRATED), ("uncalibrated_error", UNCALIBRATED))
)
