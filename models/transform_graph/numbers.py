"""Numbers: scaled, cut into buckets, or multiplied. Columns of one role are one matrix, with one operation for all.

Arithmetic is in float64, rounded to float32 at the end: the last bit of a logarithm depends on the row's position in
its batch, and subtracting the mean makes that bit ten times larger.

All statistics are those of the cells that are not null, so that a replacement of nulls and the scale are computed in
one pass over the data.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from models.transform_graph import column_analyzers, raw_columns
from models.transform_graph.column_batch import ColumnBatch
from models.transform_graph.raw_columns import Cells

MEDIAN_ERROR = 1e-3
"""Largest error of the median's rank, as a share of the rows; a smaller one costs memory and time."""
QUANTILE_ERROR = 1e-2
"""The same for bucket boundaries, and never over one bucket; TFT's default."""
UNBOUNDED = (float("-inf"), float("inf"))
"""Clip of a column without one."""


@dataclass(frozen=True)
class Rule:
    """What a role says of one column of numbers.

    Attributes:
        column: The column's name.
        missing: Replacement of nulls: "mean", "median" or a constant; any other text leaves them to the role.
        clip: Lowest and highest value.
        scale: As for the role `numeric`.
    """

    column: str
    missing: Any = None
    clip: tuple[float, float] | None = None
    scale: str = "none"


@dataclass(frozen=True)
class Block:
    """Columns of numbers as one matrix.

    Attributes:
        rules: The columns, in the order of the matrix.
        value: float64 (batch, columns), clipped; arbitrary where null.
        present: bool (batch, columns); None if nulls are not allowed.
        filled: The values with nulls replaced.
    """

    rules: tuple[Rule, ...]
    value: tf.Tensor
    present: tf.Tensor | None
    filled: tf.Tensor


def blocks(columns: ColumnBatch, rules: Iterable[Rule], *, infinite: bool = False) -> list[Block]:
    """Read columns of numbers: those without nulls as one matrix, those that allow nulls as another.

    Args:
        columns: The batch.
        rules: Its columns to read.
        infinite: Whether infinite numbers are valid in a column without nulls; in another one they are nulls.
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
            good = tf.logical_not(tf.math.is_nan(value)) if infinite else tf.math.is_finite(value)
            demand = "must hold numbers" if infinite else "must hold finite numbers"
            value = raw_columns.require(value, good, [rule.column for rule in dense], demand)
        value = _clip(value, dense)
        stacked.append(Block(tuple(dense), value, None, value))
    if nullable:
        value, present = raw_columns.densify_all([columns[rule.column] for rule in nullable])
        value = _clip(value, nullable)
        filled = tf.where(present, value, _replacements(masked(value, present), nullable))
        stacked.append(Block(tuple(nullable), value, present, filled))
    return stacked


def column(candidates: Iterable[Block], name: str) -> tuple[Cells, tf.Tensor]:
    """Return one column of several blocks: its cells, and their (batch, 1) with nulls replaced."""
    block, place = next(
        (block, place) for block in candidates for place, rule in enumerate(block.rules) if rule.column == name
    )
    one = slice(place, place + 1)
    cells = Cells(block.value[:, one], None if block.present is None else block.present[:, one])
    return cells, block.filled[:, one]


def scaled(parts: Iterable[Block]) -> dict[str, tf.Tensor]:
    """Scale each column of some blocks by its rule.

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
    """Multiply columns of blocks, and z-score the product; a null factor counts as its replacement."""
    cells, filled = Cells(tf.constant(1.0, tf.float64)), tf.constant(1.0, tf.float64)
    for factor, factor_filled in factors:
        masks = [mask for mask in (cells.present, factor.present) if mask is not None]
        present = tf.reduce_all(tf.stack(masks), axis=0) if masks else None
        cells, filled = Cells(cells.value * factor.value, present), filled * factor_filled
    return z_score(cells, filled)


def quantile_edges(block: Block, count: int) -> tf.Tensor:
    """Return the edges between buckets of about equal count, float32 (columns, count - 1)."""
    values = tf.cast(masked(block.value, block.present), tf.float32)
    values = tf.where(tf.math.is_finite(values), values, tf.constant(float("nan")))
    return column_analyzers.quantiles(values, count, min(1 / count, QUANTILE_ERROR))


def buckets_of(edges: tf.Tensor, value: tf.Tensor) -> tf.Tensor:
    """Count the edges that are not above each value, int64 (batch, columns).

    Args:
        edges: Ascending, (columns, edges), in the dtype to compare in: float32 for a float32 column, so that 0.7 equals
            0.7.
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
    """Return the place of a column in its block: equal types side by side, and equal logarithms."""
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
        rules: The columns.
    """
    by_rule = {name: [place for place, rule in enumerate(rules) if rule.missing == name] for name in _LEARNED}
    constants = [0.0 if rule.missing is None or isinstance(rule.missing, str) else rule.missing for rule in rules]
    parts, at = [tf.constant(constants, tf.float64)], list(range(len(rules)))
    size = len(rules)
    for name, places in by_rule.items():
        if places:
            chosen = values if len(places) == len(rules) else tf.gather(values, places, axis=1)
            parts.append(_LEARNED[name](chosen))
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
    """Take the logarithm of the columns with this scale; `_order` keeps them side by side."""
    if "log1p" not in scales:
        return matrix
    count = scales.count("log1p")
    start = scales.index("log1p")
    sizes = [start, count, len(scales) - start - count]
    before, value, after = tf.split(matrix, sizes, axis=1) if count < len(scales) else (None, matrix, None)
    value = tf.math.log1p(tf.maximum(value, 0.0))
    return raw_columns.joined([part for part, size in zip((before, value, after), sizes, strict=True) if size])


def _scale(values: tf.Tensor, filled: tf.Tensor, scales: Sequence[str]) -> tf.Tensor:
    """Scale a matrix by the statistics of its columns to float32; a constant or empty column is 0.

    Args:
        values: float64 (batch, columns), nulls as NaN: what is analyzed.
        filled: The same with nulls replaced: what is scaled.
        scales: Scale of each column, as `column_analyzers.moments` takes it.
    """
    if all(scale == "none" for scale in scales):
        return tf.cast(filled, tf.float32)
    _, shift, unit = column_analyzers.moments(values, scales)
    ratio = tf.where(unit > 0, (filled - shift) / unit, tf.constant(0.0, tf.float64))
    return tf.cast(ratio, tf.float32)
