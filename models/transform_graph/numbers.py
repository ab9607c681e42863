"""Numeric columns: scaled, bucketized or multiplied; all columns of a role form one matrix with one operation for all.

Arithmetic is in float64, rounded to float32 at the end: the last bit of a logarithm depends on the row's position in
its batch, and subtracting the mean makes that bit ten times larger.

All statistics ignore nulls, so that the replacement of nulls and the scale are computed in one pass over the data.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from models.transform_graph import column_analyzers, raw_columns
from models.transform_graph.column_batch import ColumnBatch
from models.transform_graph.raw_columns import Cells

MEDIAN_ERROR = 1e-3
"""Maximum error of the median's rank, as a share of the rows; a smaller one costs memory and time."""
QUANTILE_ERROR = 1e-2
"""Maximum error of a bucket boundary's rank, TFT's default; for more than 100 buckets it is one bucket."""
UNBOUNDED = (float("-inf"), float("inf"))
"""Bounds of a column that is not clipped."""


@dataclass(frozen=True)
class Rule:
    """Settings of one numeric column.

    Attributes:
        column: Name of the column.
        missing: Replacement of nulls: "mean", "median" or a constant; with any other text the role replaces them.
        clip: Lower and upper bound; None for no clipping.
        scale: `scale` of the role `numeric`: z_score, min_max, unit, log1p or none.
    """

    column: str
    missing: Any = None
    clip: tuple[float, float] | None = None
    scale: str = "none"


@dataclass(frozen=True)
class Block:
    """Numeric columns as one matrix.

    Attributes:
        rules: Settings of the columns, in the order of the matrix.
        value: float64 (batch, columns), clipped; arbitrary where null.
        present: bool (batch, columns); None if nulls are not allowed.
        filled: float64 (batch, columns), nulls replaced.
    """

    rules: tuple[Rule, ...]
    value: tf.Tensor
    present: tf.Tensor | None
    filled: tf.Tensor


def blocks(columns: ColumnBatch, rules: Iterable[Rule], *, infinite: bool = False) -> list[Block]:
    """Read numeric columns: those without nulls as one block, those that allow nulls as another.

    Args:
        columns: Batch of raw columns.
        rules: Settings of the columns to read.
        infinite: Whether infinite numbers are valid in a column without nulls; in a column that allows nulls they are
            nulls.
    """
    dense: list[Rule] = []
    nullable: list[Rule] = []
    for rule in sorted(rules, key=lambda rule: _order(columns[rule.column].dtype, rule.scale)):
        raw_columns.check_rule(columns[rule.column], rule.column, rule.missing)
        (nullable if isinstance(columns[rule.column], tf.SparseTensor) else dense).append(rule)
    stacked = []
    if dense:
        value = _join([columns[rule.column] for rule in dense])
        if any(columns[rule.column].dtype.is_floating for rule in dense):
            is_valid = tf.logical_not(tf.math.is_nan(value)) if infinite else tf.math.is_finite(value)
            demand = "must hold numbers" if infinite else "must hold finite numbers"
            value = raw_columns.require(value, is_valid, [rule.column for rule in dense], demand)
        value = _clip(value, dense)
        stacked.append(Block(tuple(dense), value, None, value))
    if nullable:
        value, present = raw_columns.densify_all([columns[rule.column] for rule in nullable])
        value = _clip(value, nullable)
        filled = tf.where(present, value, _replacements(masked(value, present), nullable))
        stacked.append(Block(tuple(nullable), value, present, filled))
    return stacked


def column(candidates: Iterable[Block], name: str) -> tuple[Cells, tf.Tensor]:
    """Return a column of the blocks by name: its cells, and float64 (batch, 1) with nulls replaced."""
    block, place = next(
        (block, place) for block in candidates for place, rule in enumerate(block.rules) if rule.column == name
    )
    place_slice = slice(place, place + 1)
    cells = Cells(block.value[:, place_slice], None if block.present is None else block.present[:, place_slice])
    return cells, block.filled[:, place_slice]


def scaled(parts: Iterable[Block]) -> dict[str, tf.Tensor]:
    """Scale each column of the blocks by its rule.

    Returns:
        Column -> float32 (batch, 1).
    """
    return {column: feature for block in parts for column, feature in _scaled(block).items()}


def _scaled(block: Block) -> dict[str, tf.Tensor]:
    scales = [rule.scale for rule in block.rules]
    filled = _log1p(block.filled, scales)
    ratio = _scale(masked(filled, block.present), filled, ["z_score" if name == "log1p" else name for name in scales])
    return dict(zip([rule.column for rule in block.rules], split(ratio), strict=True))


def z_score(cells: Cells, filled: tf.Tensor) -> tf.Tensor:
    """Scale (batch, 1) to mean 0 and variance 1 over the cells that are not null; a constant column is 0."""
    return _scale(masked(cells.value, cells.present), filled, ["z_score"])


def product(factors: Iterable[tuple[Cells, tf.Tensor]]) -> tf.Tensor:
    """Multiply columns and z-score the product, float32 (batch, 1); a null factor counts as its replacement."""
    cells, filled = Cells(tf.constant(1.0, tf.float64)), tf.constant(1.0, tf.float64)
    for factor, factor_filled in factors:
        masks = [mask for mask in (cells.present, factor.present) if mask is not None]
        present = tf.reduce_all(tf.stack(masks), axis=0) if masks else None
        cells, filled = Cells(cells.value * factor.value, present), filled * factor_filled
    return z_score(cells, filled)


def quantile_edges(block: Block, count: int) -> tf.Tensor:
    """Compute the edges between `count` buckets of about equal size, float32 (columns, count - 1)."""
    values = tf.cast(masked(block.value, block.present), tf.float32)
    values = tf.where(tf.math.is_finite(values), values, tf.constant(float("nan")))
    return column_analyzers.quantiles(values, count, min(1 / count, QUANTILE_ERROR))


def buckets_of(edges: tf.Tensor, value: tf.Tensor) -> tf.Tensor:
    """Return the bucket of each value, int64 (batch, columns): the number of edges that are not above it.

    Args:
        edges: Ascending, (columns, edges), in the dtype of the comparison: float32 for a float32 column, so that 0.7
            equals 0.7.
        value: float64 (batch, columns).
    """
    columns = tf.transpose(tf.cast(value, edges.dtype))
    return tf.transpose(tf.raw_ops.UpperBound(sorted_inputs=edges, values=columns, out_type=tf.int64))


def split(matrix: tf.Tensor) -> list[tf.Tensor]:
    """Split a matrix into its columns, (batch, 1) each."""
    columns: list[tf.Tensor] = tf.split(matrix, matrix.shape[1], axis=1) if matrix.shape[1] > 1 else [matrix]
    return columns


def masked(value: tf.Tensor, present: tf.Tensor | None) -> tf.Tensor:
    """Replace nulls by NaN, which the analyzers ignore."""
    return value if present is None else tf.where(present, value, tf.constant(float("nan"), value.dtype))


def _order(dtype: tf.DType, scale: str) -> tuple[bool, bool]:
    """Return the sort key of a column in its block: columns of one dtype are adjacent, and so are logarithms."""
    return dtype.is_floating, (scale == "log1p") != dtype.is_floating


def _join(tensors: Sequence[tf.Tensor]) -> tf.Tensor:
    """Join dense columns that are sorted by type to float64 (batch, columns), with one cast for each type."""
    groups: dict[tf.DType, list[tf.Tensor]] = {}
    for tensor in tensors:
        groups.setdefault(tensor.dtype, []).append(tensor)
    return raw_columns.joined([tf.cast(raw_columns.joined(group), tf.float64) for group in groups.values()])


def _clip(value: tf.Tensor, rules: Sequence[Rule]) -> tf.Tensor:
    if all(rule.clip is None for rule in rules):
        return value
    low, high = zip(*[rule.clip or UNBOUNDED for rule in rules], strict=True)
    return tf.clip_by_value(value, tf.constant(low, tf.float64), tf.constant(high, tf.float64))


def _replacements(values: tf.Tensor, rules: Sequence[Rule]) -> tf.Tensor:
    """Return the number that replaces nulls of each column, float64 (columns,); 0 if the train split has no value.

    Args:
        values: float64 (batch, columns), nulls as NaN.
        rules: Settings of the columns.
    """
    by_rule = {name: [place for place, rule in enumerate(rules) if rule.missing == name] for name in _LEARNED}
    constants = [0.0 if rule.missing is None or isinstance(rule.missing, str) else rule.missing for rule in rules]
    parts, at = [tf.constant(constants, tf.float64)], list(range(len(rules)))
    size = len(rules)
    for name, places in by_rule.items():
        if places:
            columns = values if len(places) == len(rules) else tf.gather(values, places, axis=1)
            parts.append(_LEARNED[name](columns))
            for position, place in enumerate(places):
                at[place] = size + position
            size += len(places)
    return tf.gather(tf.concat(parts, axis=0), at) if len(parts) > 1 else parts[0]


def _mean(values: tf.Tensor) -> tf.Tensor:
    return column_analyzers.moments(values, ["none"] * values.shape[1])[0]


def _median(values: tf.Tensor) -> tf.Tensor:
    return tf.cast(column_analyzers.quantiles(values, 2, MEDIAN_ERROR)[:, 0], tf.float64)


_LEARNED = {"mean": _mean, "median": _median}
"""Replacement of nulls that is learned from the train split -> function of values to float64 (columns,)."""


def _log1p(matrix: tf.Tensor, scales: Sequence[str]) -> tf.Tensor:
    """Take the logarithm of the columns with the scale log1p, which `_order` makes adjacent."""
    if "log1p" not in scales:
        return matrix
    count = scales.count("log1p")
    start = scales.index("log1p")
    sizes = [start, count, len(scales) - start - count]
    left, value, right = tf.split(matrix, sizes, axis=1) if count < len(scales) else (None, matrix, None)
    value = tf.math.log1p(tf.maximum(value, 0.0))
    return raw_columns.joined([part for part, size in zip((left, value, right), sizes, strict=True) if size])


def _scale(values: tf.Tensor, filled: tf.Tensor, scales: Sequence[str]) -> tf.Tensor:
    """Scale a matrix by the statistics of its columns to float32; a constant or empty column is 0.

    Args:
        values: float64 (batch, columns) to analyze, nulls as NaN.
        filled: float64 (batch, columns) to scale, nulls replaced.
        scales: Scale of each column, as `column_analyzers.moments` takes it.
    """
    if all(scale == "none" for scale in scales):
        return tf.cast(filled, tf.float32)
    _, shift, unit = column_analyzers.moments(values, scales)
    ratio = tf.where(unit > 0, (filled - shift) / unit, tf.constant(0.0, tf.float64))
    return tf.cast(ratio, tf.float32)
