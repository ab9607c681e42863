"""Metrics of a number.

With error e = prediction - label over rows of weight w: MAE = Σw|e| / Σw, MSE = Σwe² / Σw, RMSE its root,
bias = Σwe / Σw, R² = 1 - Σwe² / (Σwy² - (Σwy)² / Σw), the coefficient of determination. MAE, RMSE and bias are in the
label's own unit; all is float64.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from components.evaluator.metrics.accumulators import Array, Sums


class Regression:
    """Numbers are |e|, e², e, y and its square, of which the ledger centres the last two within each cell."""

    width = 5
    span = 1
    weighted = True
    centred: int | None = 3
    scores: int | None = None

    def rows(self, label: Array, answer: Mapping[str, Array]) -> tuple[Array, Array]:
        """See Measure; `answer` holds `prediction` (n,)."""
        label, prediction = label.astype(np.float64), answer["prediction"].astype(np.float64)
        error = prediction - label
        numbers = np.stack([np.abs(error), error**2, error, label, label**2], axis=1)
        return numbers, np.zeros((len(label), 0), np.int64)

    def values(self, sums: Sums, *, shares: bool = True) -> dict[str, float]:
        """R² is NaN where all labels of the cell are equal."""
        absolute, squared, error, centred, centred_squared = (float(number) for number in sums.numbers)
        weight = sums.weight or math.nan
        spread = centred_squared - centred**2 / weight
        return {
            "mae": absolute / weight,
            "rmse": math.sqrt(squared / weight),
            "r2": 1.0 - squared / spread if spread > 1e-12 * centred_squared else math.nan,
            "mse": squared / weight,
            "bias": error / weight,
        }

    def details(self, sums: Sums) -> dict[str, Any]:
        """Nothing further."""
        return {}

    def errors(self, label: Array, answer: Mapping[str, Array]) -> Array:
        """The absolute error."""
        error: Array = np.abs(answer["prediction"].astype(np.float64) - label)
        return error

    def shown(self, label: Array, answer: Mapping[str, Array], row: int) -> tuple[Any, Any]:
        """Both in the label's own unit."""
        return float(label[row]), float(answer["prediction"][row])
