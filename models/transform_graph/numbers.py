"""Numbers: scaled, cut into buckets, or multiplied.

Arithmetic is in float64, rounded to float32 at the end: the last bit of a logarithm depends on the row's position in
its batch, and subtracting the mean makes that bit ten times larger.

All statistics are those of the cells that are not null, so that a replacement of nulls and the scale are computed in
one pass over the data.
"""

from collections.abc import Iterable
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from models.transform_graph import raw_columns
from models.transform_graph.column_batch import ColumnBatch
from models.transform_graph.raw_columns import Cells

MEDIAN_ERROR = 1e-3
"""Largest error of the median's rank, as a share of the rows; a smaller one costs memory and time."""
QUANTILE_ERROR = 1e-2
"""The same for bucket boundaries, and never over one bucket; TFT's default."""
ROUNDING = 1e-14
"""A standard deviation below this share of the mean is the rounding error of float64 in a constant column."""


def finite(
    columns: ColumnBatch, column: str, missing: Any, clip: tuple[float, float] | None = None
) -> tuple[Cells, tf.Tensor]:
    """Read a column of finite numbers.

    Args:
        columns: The batch.
        column: The column's name.
        missing: The role's rule for nulls: "mean", "median" or a constant.
        clip: Lowest and highest value.

    Returns:
        The cells in float64, clipped, and their (batch, 1) with nulls replaced.
    """
    cells = _read(columns, column, missing)
    if cells.present is None:
        is_finite = tf.math.is_finite(cells.value)
        cells = Cells(raw_columns.require(cells.value, is_finite, column, "must hold finite numbers"))
    if clip is not None:
        low, high = clip
        cells = cells.map(lambda value: tf.clip_by_value(value, low, high))
    return cells, fill(cells, missing)


def not_nan(columns: ColumnBatch, column: str, missing: Any) -> Cells:
    """Read a column of numbers, infinite ones included, in float64."""
    cells = _read(columns, column, missing)
    if cells.present is None:
        is_number = tf.logical_not(tf.math.is_nan(cells.value))
        cells = Cells(raw_columns.require(cells.value, is_number, column, "must hold numbers"))
    return cells


def fill(cells: Cells, missing: Any) -> tf.Tensor:
    """Replace nulls by the rule: (batch, 1)."""
    return cells.fill(_replacement(cells, missing))


def scaled(cells: Cells, filled: tf.Tensor, scale: str) -> tf.Tensor:
    """Scale the result of `finite`.

    Returns:
        float32 (batch, 1).
    """
    if scale == "log1p":
        cells, filled = cells.map(_log1p), _log1p(filled)
    if scale in ("z_score", "log1p"):
        return z_score(cells, filled)
    if scale == "min_max":
        lowest, highest = tft.min(cells.not_null), tft.max(cells.not_null)
        return _ratio(filled - lowest, highest - lowest)
    if scale == "unit":
        return _ratio(filled, tft.max(tf.abs(cells.not_null)))
    return tf.cast(filled, tf.float32)


def z_score(cells: Cells, filled: tf.Tensor) -> tf.Tensor:
    """Scale to mean 0 and variance 1 over the cells that are not null; a constant column is 0."""
    mean, deviation = tft.mean(cells.not_null), tf.sqrt(tft.var(cells.not_null))
    deviation = tf.where(deviation > ROUNDING * tf.abs(mean), deviation, tf.zeros_like(deviation))
    return _ratio(filled - mean, deviation)


def product(factors: Iterable[tuple[Cells, tf.Tensor]]) -> tf.Tensor:
    """Multiply results of `finite`, and z-score the product; a null factor counts as its replacement."""
    cells, filled = Cells(tf.constant(1.0, tf.float64)), tf.constant(1.0, tf.float64)
    for factor, factor_filled in factors:
        masks = [mask for mask in (cells.present, factor.present) if mask is not None]
        present = tf.reduce_all(tf.stack(masks), axis=0) if masks else None
        cells, filled = Cells(cells.value * factor.value, present), filled * factor_filled
    return z_score(cells, filled)


def quantile_edges(cells: Cells, count: int) -> tf.Tensor:
    """Return the edges between buckets of about equal count, float32 (count - 1,)."""
    values = tf.cast(cells.not_null, tf.float32)
    values = tf.boolean_mask(values, tf.math.is_finite(values))
    return tft.quantiles(values, count, epsilon=min(1 / count, QUANTILE_ERROR))[0]


def bucket_of(edges: tf.Tensor, value: tf.Tensor, is_float: bool) -> tf.Tensor:
    """Count the edges that are not above each value, int64 (batch, 1).

    Args:
        edges: Ascending.
        value: float64 (batch, 1).
        is_float: Whether the column is float32: compared as such, so that 0.7 equals 0.7.
    """
    dtype = tf.float32 if is_float else tf.float64
    flat = tf.reshape(tf.cast(value, dtype), [-1])
    return tf.reshape(tf.searchsorted(tf.cast(edges, dtype), flat, side="right", out_type=tf.int64), [-1, 1])


def _read(columns: ColumnBatch, column: str, missing: Any) -> Cells:
    return columns.cells(column, missing).map(lambda value: tf.cast(value, tf.float64))


def _replacement(cells: Cells, missing: Any) -> Any:
    """Return the scalar that replaces nulls; 0 if the train split has no value at all."""
    if cells.present is None or missing in raw_columns.NO_RULE:
        return 0.0
    if missing == "mean":
        mean = tft.mean(cells.not_null)
        return tf.where(tf.math.is_finite(mean), mean, tf.zeros_like(mean))
    if missing == "median":
        return tf.reshape(tft.quantiles(cells.not_null, 2, epsilon=MEDIAN_ERROR), [])
    return missing


def _log1p(value: tf.Tensor) -> tf.Tensor:
    return tf.math.log1p(tf.maximum(value, 0.0))


def _ratio(value: tf.Tensor, unit: tf.Tensor) -> tf.Tensor:
    """Divide to float32; 0 if the unit is 0 or, for a column without any value, not finite."""
    valid = tf.logical_and(tf.math.is_finite(unit), unit > 0)
    ratio = tf.where(valid, value / tf.where(valid, unit, tf.ones_like(unit)), tf.zeros_like(value))
    return tf.cast(ratio, tf.float32)
