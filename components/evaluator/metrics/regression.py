"""Metrics of regression.

With error e = prediction - label over rows of weight w: MAE = Σw|e| / Σw, MSE = Σwe² / Σw, RMSE its square root,
bias = Σwe / Σw, R² = 1 - Σwe² / (Σwy² - (Σwy)² / Σw), the coefficient of determination. MAE, RMSE and bias are in the
unit of the label; all sums are float64. Of a model with intervals, coverage is the share of rows whose label is in its
interval, ends included, and interval_width the mean width.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.evaluator.metric import Measure, Metric, Predictions
from components.evaluator.sums.accumulators import Array, Proportion, Sums

_TASKS = ("regression",)


@dataclass(frozen=True)
class Totals:
    """Sums of |e|, e², e, y and y², the last two around a constant, of rows in their intervals and widths, and weights.

    `with_interval` is the weight of the rows that have an interval.
    """

    absolute: float
    squared: float
    error: float
    label: float
    label_squared: float
    with_interval: float
    inside: float
    width: float
    weight: float

    @property
    def r2(self) -> float:
        """R²; NaN if all labels are equal."""
        variance = self.label_squared - self.label**2 / self.weight
        return 1.0 - self.squared / variance if variance > 1e-12 * self.label_squared else math.nan

    @property
    def coverage(self) -> Proportion | None:
        """Share of rows in their interval; None without intervals."""
        return Proportion(self.inside, self.weight) if self.with_interval else None

    @property
    def interval_width(self) -> float | None:
        """Mean width; None without intervals."""
        return self.width / self.weight if self.with_interval else None


METRICS = (
    Metric(
        name="mae",
        tasks=_TASKS,
        value=lambda totals: totals.absolute / totals.weight,
        better="lower",
        low=0.0,
        tfma_class="MeanAbsoluteError",
        always_defined=True,
    ),
    Metric(
        name="rmse",
        tasks=_TASKS,
        value=lambda totals: math.sqrt(totals.squared / totals.weight),
        better="lower",
        low=0.0,
        tfma_class="RootMeanSquaredError",
    ),
    Metric(
        name="r2",
        tasks=_TASKS,
        value=lambda totals: totals.r2,
        high=1.0,
        tfma_class="R2Score",
        chance=(0.0, "always predicting the mean"),
    ),
    Metric(
        name="mse",
        tasks=_TASKS,
        value=lambda totals: totals.squared / totals.weight,
        better="lower",
        low=0.0,
        tfma_class="MeanSquaredError",
    ),
    Metric(name="bias", tasks=_TASKS, value=lambda totals: totals.error / totals.weight, better=0.0),
    Metric(name="coverage", tasks=_TASKS, value=lambda totals: totals.coverage, low=0.0, high=1.0, is_share=True),
    Metric(name="interval_width", tasks=_TASKS, value=lambda totals: totals.interval_width, better="lower", low=0.0),
)


class Regression(Measure):
    """Sums of |e|, e², e, y and y², the last two centred within each cell; and of intervals."""

    task = "regression"
    check_metric = "mae"
    predictions = ("prediction",)
    metrics = METRICS
    width = 8
    centred = 3

    def own_rows(self, label: Array, predictions: Predictions) -> tuple[Array, Array]:
        """See Measure; predictions are `prediction` (n,), and of a model with intervals `lower` and `upper` (n,)."""
        label, prediction = label.astype(np.float64), predictions["prediction"].astype(np.float64)
        error = prediction - label
        intervals = [np.zeros(len(label))] * 3
        if "lower" in predictions and "upper" in predictions:
            lower, upper = (predictions[end].astype(np.float64) for end in ("lower", "upper"))
            inside = ((lower <= label) & (label <= upper)).astype(np.float64)
            intervals = [np.ones(len(label)), inside, upper - lower]
        numbers = np.stack([np.abs(error), error**2, error, label, label**2, *intervals], axis=1)
        return numbers, np.zeros((len(label), 0), np.int64)

    def totals(self, sums: Sums) -> Totals:
        """Return the sums by name."""
        return Totals(*map(float, [*sums.numbers[: self.width], sums.weight or math.nan]))

    def errors(self, label: Array, predictions: Predictions) -> Array:
        """Return the absolute error."""
        error: Array = np.abs(predictions["prediction"].astype(np.float64) - label)
        return error

    def shown(self, label: Array, predictions: Predictions, row: int) -> tuple[Any, Any]:
        """Return both in the unit of the label."""
        return float(label[row]), float(predictions["prediction"][row])
