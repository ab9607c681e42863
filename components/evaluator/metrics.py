"""Regression metrics as sums that add up over batches, so that slices and shards merge.

With error e = prediction - label over n rows: MAE = Σ|e| / n, RMSE = sqrt(Σe² / n),
R² = 1 - Σe² / (Σy² - (Σy)² / n), the coefficient of determination. All in the label's own unit, float64.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

LOWER_IS_BETTER = {"mae": True, "rmse": True, "r2": False}
"""Metric name -> direction."""
SliceKey = tuple[tuple[str, bytes | int | float], ...]
"""Column and value pairs; empty for all rows."""
Sums = np.ndarray[Any, Any]
"""float64 (5,): n, Σ|e|, Σe², Σ(y - shift), Σ(y - shift)²."""

_Array = np.ndarray[Any, Any]


def sums(
    label: _Array, prediction: _Array, slices: Iterable[Mapping[str, _Array]], shift: float
) -> dict[SliceKey, Sums]:
    """Sum one batch, overall and by slice.

    Args:
        label: (n,) in its own unit.
        prediction: (n,) in the same unit.
        slices: One mapping a slicing, from column name to its (n,) values.
        shift: A constant near the label's mean; the sums of squares stay small with it, so nothing cancels.

    Returns:
        Slice key -> sums; the empty key holds all rows.
    """
    label, prediction = label.astype(np.float64), prediction.astype(np.float64)
    error, shifted = prediction - label, label - shift
    rows = np.stack([np.ones_like(error), np.abs(error), error**2, shifted, shifted**2], axis=1)
    totals: dict[SliceKey, Sums] = {(): rows.sum(axis=0)}
    for columns in slices:
        codes = np.zeros(len(label), np.int64)
        values: list[_Array] = []
        for column in columns.values():
            distinct, code = np.unique(column, return_inverse=True)
            values.append(distinct)
            codes = codes * len(distinct) + code.reshape(-1)
        for cell in np.unique(codes):
            key, rest = [], int(cell)
            for name, distinct in zip(reversed(list(columns)), reversed(values), strict=True):
                rest, position = divmod(rest, len(distinct))
                key.append((name, distinct[position].item() if distinct.dtype != object else distinct[position]))
            totals[tuple(reversed(key))] = rows[codes == cell].sum(axis=0)
    return totals


def merge(totals: dict[SliceKey, Sums], batch: Mapping[SliceKey, Sums]) -> None:
    """Add one batch's sums to the totals."""
    for key, value in batch.items():
        totals[key] = totals[key] + value if key in totals else value


def values(total: Sums) -> dict[str, float]:
    """The metrics of one slice; R² is NaN where all labels of the slice are equal."""
    count, absolute, squared, shifted, shifted_squared = (float(number) for number in total)
    spread = shifted_squared - shifted**2 / count
    return {
        "example_count": count,
        "mae": absolute / count,
        "rmse": math.sqrt(squared / count),
        "r2": 1.0 - squared / spread if spread > 1e-12 * shifted_squared else math.nan,
    }
