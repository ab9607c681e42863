"""Metrics of a number.

With error e = prediction - label over n rows: MAE = Σ|e| / n, RMSE = sqrt(Σe² / n),
R² = 1 - Σe² / (Σy² - (Σy)² / n), the coefficient of determination. All in the label's own unit, float64.
"""

import math
from collections.abc import Mapping

import numpy as np

from components.evaluator.metrics import Array, Sums, add_by_cell


class Regression:
    """Sums are n, Σ|e|, Σe², Σ(y - shift), Σ(y - shift)².

    Args:
        shift: A constant near the label's mean, by default that of the first batch: the sums of squares stay small
            with it, so nothing cancels.
    """

    def __init__(self, shift: float | None = None) -> None:
        self._shift = shift

    def sums(self, label: Array, answer: Mapping[str, Array], cells: Array, num_cells: int) -> Array:
        """See Measure; `answer` holds `prediction` (n,)."""
        label, prediction = label.astype(np.float64), answer["prediction"].astype(np.float64)
        if self._shift is None:
            self._shift = float(label.mean())
        error, shifted = prediction - label, label - self._shift
        rows = np.stack([np.ones_like(error), np.abs(error), error**2, shifted, shifted**2], axis=1)
        return add_by_cell(rows, cells, num_cells)

    def values(self, total: Sums) -> dict[str, float]:
        """MAE, RMSE and R²; R² is NaN where all labels of the slice are equal."""
        count, absolute, squared, shifted, shifted_squared = (float(number) for number in total)
        spread = shifted_squared - shifted**2 / count
        return {
            "example_count": count,
            "mae": absolute / count,
            "rmse": math.sqrt(squared / count),
            "r2": 1.0 - squared / spread if spread > 1e-12 * shifted_squared else math.nan,
        }
