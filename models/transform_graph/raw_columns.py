"""Cells of one raw column and their nulls.

A column without nulls is a dense tensor, one that allows nulls a SparseTensor with at most one value per row. In a
dense serving request a null is a null cell (spec/cells/null_cells.py), so null cells count as null in a column that
allows nulls.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from spec.artifacts.check_messages import FINDING
from spec.cells import null_cells

NO_RULE = (None, "drop")
"""Values of `missing` for a column that has no nulls after ingestion."""


@dataclass(frozen=True)
class Cells:
    """One column of a batch.

    Attributes:
        value: (batch, 1); arbitrary where null.
        present: bool (batch, 1); None if nulls are not allowed.
    """

    value: tf.Tensor
    present: tf.Tensor | None = None

    @functools.cached_property
    def not_null(self) -> tf.Tensor:
        """The values that are not null, flat: the input of analyzers."""
        if self.present is None:
            return tf.reshape(self.value, [-1])
        return tf.boolean_mask(self.value, self.present)

    def map(self, function: Callable[[tf.Tensor], tf.Tensor]) -> "Cells":
        """Apply a function to the values."""
        return Cells(function(self.value), self.present)

    def fill(self, stand_in: Any) -> tf.Tensor:
        """Return the values, (batch, 1), with nulls replaced by a scalar."""
        if self.present is None:
            return self.value
        return tf.where(self.present, self.value, tf.cast(stand_in, self.value.dtype))


def read(raw: Any, column: str, rule: Any) -> Cells:
    """Read a raw column.

    Args:
        raw: Tensor of (batch, 1), or SparseTensor of (batch, any) with at most one value a row.
        column: Name of the column.
        rule: `missing` of the role.

    Raises:
        ValueError: The schema allows nulls, and the role has no rule for them.
    """
    if not isinstance(raw, tf.SparseTensor):
        return Cells(raw)
    check_rule(raw, column, rule)
    cells = densify(raw)
    return Cells(cells.value, tf.logical_and(cells.present, is_there(cells.value)))


def check_rule(raw: Any, column: str, rule: Any) -> None:
    """Check that a role defines a replacement for the nulls of a column.

    Raises:
        ValueError: The schema allows nulls, and the role has no rule for them.
    """
    if isinstance(raw, tf.SparseTensor) and rule in NO_RULE:
        raise ValueError(
            f"column {column!r} may be missing by its schema, and its role has no replacement: set `missing`, "
            "or make the column complete in the schema"
        )


def densify_all(raw: Sequence[tf.SparseTensor]) -> tuple[tf.Tensor, tf.Tensor]:
    """Convert columns of numbers that allow nulls, sorted by type, to one matrix.

    Returns:
        Values, float64 (batch, columns), and which of them are not null.
    """
    shape = tf.stack([raw[0].dense_shape[0], tf.constant(1, tf.int64)])
    groups: dict[tf.DType, list[tf.SparseTensor]] = {}
    for column in raw:
        groups.setdefault(column.dtype, []).append(tf.SparseTensor(column.indices, column.values, shape))
    values, presents = [], []
    for group in groups.values():
        sparse = tf.sparse.concat(1, group) if len(group) > 1 else group[0]
        value = tf.sparse.to_dense(sparse)
        present = tf.sparse.to_dense(sparse.with_values(tf.ones_like(sparse.values, tf.bool)))
        for matrix in (value, present):
            matrix.set_shape([None, len(group)])
        values.append(tf.cast(value, tf.float64))
        presents.append(tf.logical_and(present, is_there(value)))
    return joined(values), joined(presents)


def joined(matrices: Sequence[tf.Tensor]) -> tf.Tensor:
    """Join matrices of (batch, any) side by side."""
    return tf.concat(list(matrices), axis=1) if len(matrices) > 1 else matrices[0]


def densify(raw: tf.SparseTensor) -> Cells:
    """Convert a SparseTensor with at most one value per row to cells."""
    shape = tf.stack([raw.dense_shape[0], tf.constant(1, tf.int64)])
    value = tf.sparse.to_dense(tf.SparseTensor(raw.indices, raw.values, shape))
    present = tf.sparse.to_dense(tf.SparseTensor(raw.indices, tf.ones_like(raw.values, tf.bool), shape))
    return Cells(tf.reshape(value, [-1, 1]), tf.reshape(present, [-1, 1]))


def sparsify(dense: tf.Tensor) -> tf.SparseTensor:
    """Convert cells of (batch,), with nulls as in `spec.cells.null_cells`, to a sparse column.

    Returns:
        SparseTensor of (batch, 1), as tf.io.parse_example gives it.
    """
    rows = tf.where(is_there(dense))
    indices = tf.concat([rows, tf.zeros_like(rows)], axis=1)
    shape = tf.stack([tf.shape(dense, tf.int64)[0], tf.constant(1, tf.int64)])
    return tf.SparseTensor(indices, tf.boolean_mask(dense, is_there(dense)), shape)


def is_there(value: tf.Tensor) -> tf.Tensor:
    """Return whether each value is not null, bool of the same shape; an infinite number counts as null."""
    if value.dtype == tf.string:
        return tf.not_equal(value, null_cells.TEXT)
    if value.dtype.is_integer:
        return tf.not_equal(value, null_cells.INTEGER)
    return tf.math.is_finite(value)


def require(value: tf.Tensor, good: tf.Tensor, columns: str | Sequence[str], demand: str) -> tf.Tensor:
    """Fail with a message that names the column if a value is not valid.

    Args:
        value: (batch, 1), or (batch, n) of n columns.
        good: bool of the same shape: which values are valid.
        columns: Name of the column, or names of the n columns.
        demand: Requirement on the values, as the end of a sentence, such as `must hold numbers`.

    Returns:
        The unchanged value, which now depends on the check.
    """
    names = [columns] if isinstance(columns, str) else columns
    texts = [f"{FINDING}: column {name!r} {demand}; it holds" for name in names]

    def fail() -> tf.Operation:
        # Found only in a batch that fails: a valid row pays for two operations.
        place = tf.argmin(tf.cast(tf.reshape(good, [-1]), tf.int32))
        text = tf.gather(texts, place % len(texts)) if len(texts) > 1 else texts[0]
        data = [text, tf.gather(tf.reshape(value, [-1]), place)]
        # In a graph, tf.debugging.Assert would be one more condition.
        return (
            tf.debugging.Assert(False, data)
            if tf.executing_eagerly()
            else tf.raw_ops.Assert(condition=False, data=data)
        )

    with tf.control_dependencies([tf.cond(tf.reduce_all(good), tf.no_op, fail)]):
        return tf.identity(value)
