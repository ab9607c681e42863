"""Numbers: scaled, cut into buckets, as they are, or multiplied.

Arithmetic is in float64, rounded to float32 at the end: a logarithm's last bit depends on a row's place in its batch,
and what is left after its mean is taken off shows that bit ten times larger.

All figures are those of the cells that are there, so that a missing cell's stand-in and the scale are found in one
pass over the data.
"""

from collections.abc import Iterable
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from models.features import raw_columns
from models.features.raw_columns import Cells
from spec.columns import role_kinds as kinds

MEDIAN_ERROR = 1e-3
"""How far the median's rank may be off, as a share of the rows; a smaller one costs memory and time."""
QUANTILE_ERROR = 1e-2
"""The same for bucket boundaries, and never over one bucket; TFT's own default."""
ROUNDING = 1e-14
"""A deviation below this share of the mean is what float64's rounding leaves of a constant column."""


def number(raw: Any, role: kinds.Numeric | kinds.Passthrough) -> tuple[Cells, tf.Tensor]:
    """Read a column of finite numbers.

    Returns:
        The cells in float64, clipped, and their (batch, 1) with stand-ins in the place of missing ones.
    """
    made = _read(raw, role.column, role.missing)
    if made.present is None:
        demand = "must hold finite numbers"
        made = Cells(raw_columns.require(made.value, tf.math.is_finite(made.value), role.column, demand))
    clip = role.clip if isinstance(role, kinds.Numeric) else None
    if clip is not None:
        low, high = clip
        made = made.map(lambda value: tf.clip_by_value(value, low, high))
    return made, made.fill(_stand_in(made, role.missing))


def numeric(made: Cells, filled: tf.Tensor, scale: str) -> tf.Tensor:
    """Scale what `number` read.

    Returns:
        float32 (batch, 1).
    """
    if scale == "log1p":
        made, filled = made.map(_log1p), _log1p(filled)
    if scale in ("z_score", "log1p"):
        return z_score(made, filled)
    if scale == "min_max":
        lowest, highest = tft.min(made.there), tft.max(made.there)
        return _ratio(filled - lowest, highest - lowest)
    if scale == "unit":
        return _ratio(filled, tft.max(tf.abs(made.there)))
    return tf.cast(filled, tf.float32)


def z_score(made: Cells, filled: tf.Tensor) -> tf.Tensor:
    """Mean 0 and variance 1 over the cells that are there; a constant column is 0."""
    mean, deviation = tft.mean(made.there), tf.sqrt(tft.var(made.there))
    deviation = tf.where(deviation > ROUNDING * tf.abs(mean), deviation, tf.zeros_like(deviation))
    return _ratio(filled - mean, deviation)


def product(factors: Iterable[tuple[Cells, tf.Tensor]]) -> tf.Tensor:
    """Multiply what `number` read, unscaled, and z-score the product; where a factor is missing, its stand-in acts."""
    made, filled = Cells(tf.constant(1.0, tf.float64)), tf.constant(1.0, tf.float64)
    for factor, stood_in in factors:
        masks = [mask for mask in (made.present, factor.present) if mask is not None]
        present = tf.reduce_all(tf.stack(masks), axis=0) if masks else None
        made, filled = Cells(made.value * factor.value, present), filled * stood_in
    return z_score(made, filled)


def bucketized(raw: Any, role: kinds.Bucketized) -> tf.Tensor:
    """The bucket's index, int64 (batch, 1); an edge belongs to the bucket above it."""
    made = _read(raw, role.column, role.missing)
    if made.present is None:
        demand = "must hold numbers"
        made = Cells(raw_columns.require(made.value, tf.logical_not(tf.math.is_nan(made.value)), role.column, demand))
    if role.quantiles is not None:
        there = tf.cast(made.there, tf.float32)
        there = tf.boolean_mask(there, tf.math.is_finite(there))
        edges = tft.quantiles(there, role.quantiles, epsilon=min(1 / role.quantiles, QUANTILE_ERROR))[0]
    else:
        edges = tf.constant(role.edges, tf.float64)
    own = role.missing == "category"
    filled = made.value if own else made.fill(_stand_in(made, role.missing))
    is_float = raw.dtype.is_floating or role.quantiles is not None
    index = _place(edges, filled, is_float)
    if own and made.present is not None:
        return tf.where(made.present, index, tf.constant(role.depth - 1, tf.int64))
    return index


def _read(raw: Any, column: str, rule: Any) -> Cells:
    return raw_columns.read(raw, column, rule).map(lambda value: tf.cast(value, tf.float64))


def _stand_in(made: Cells, rule: Any) -> Any:
    """The scalar for a missing cell; 0 where the train split has no value at all."""
    if made.present is None or rule in raw_columns.NO_RULE:
        return 0.0
    if rule == "mean":
        figure = tft.mean(made.there)
        return tf.where(tf.math.is_finite(figure), figure, tf.zeros_like(figure))
    if rule == "median":
        return tf.reshape(tft.quantiles(made.there, 2, epsilon=MEDIAN_ERROR), [])
    return rule


def _log1p(value: tf.Tensor) -> tf.Tensor:
    return tf.math.log1p(tf.maximum(value, 0.0))


def _ratio(value: tf.Tensor, unit: tf.Tensor) -> tf.Tensor:
    """float32, and 0 where the unit is 0 or, of a column without any value, no number."""
    good = tf.logical_and(tf.math.is_finite(unit), unit > 0)
    ratio = tf.where(good, value / tf.where(good, unit, tf.ones_like(unit)), tf.zeros_like(value))
    return tf.cast(ratio, tf.float32)


def _place(edges: tf.Tensor, value: tf.Tensor, is_float: bool) -> tf.Tensor:
    """Number of edges that are not above the value; compared as float32 where the column is, so that 0.7 is 0.7."""
    kind = tf.float32 if is_float else tf.float64
    flat = tf.reshape(tf.cast(value, kind), [-1])
    return tf.reshape(tf.searchsorted(tf.cast(edges, kind), flat, side="right", out_type=tf.int64), [-1, 1])
