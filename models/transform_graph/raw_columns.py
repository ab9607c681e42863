"""Cells of one raw column and their nulls.

A column without nulls is a dense tensor, one that allows nulls a SparseTensor with at most one value per row. In a
dense serving request a null is NaN, "" or the smallest int64, so these count as null in a column that allows nulls.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

NO_RULE = (None, "drop")
"""Values of `missing` for a column that has no nulls after ingestion."""
FINDING = "finding"
"""Prefix of messages of `require`, to find them in the error of a stage."""


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
        column: Its name.
        rule: The role's `missing`.

    Raises:
        ValueError: The schema allows nulls, and the role has no rule for them.
    """
    if not isinstance(raw, tf.SparseTensor):
        return Cells(raw)
    if rule in NO_RULE:
        raise ValueError(
            f"column {column!r} may be missing by its schema, and its role says nothing of that: give it `missing`, "
            "or make the column complete in the schema"
        )
    cells = densify(raw)
    return Cells(cells.value, tf.logical_and(cells.present, is_there(cells.value)))


def densify(raw: tf.SparseTensor) -> Cells:
    """Convert a SparseTensor with at most one value per row to cells."""
    shape = tf.stack([raw.dense_shape[0], tf.constant(1, tf.int64)])
    value = tf.sparse.to_dense(tf.SparseTensor(raw.indices, raw.values, shape))
    present = tf.sparse.to_dense(tf.SparseTensor(raw.indices, tf.ones_like(raw.values, tf.bool), shape))
    return Cells(tf.reshape(value, [-1, 1]), tf.reshape(present, [-1, 1]))


def sparsify(dense: tf.Tensor) -> tf.SparseTensor:
    """Convert cells of (batch,), with nulls as NaN, "" or the smallest int64, to a sparse column.

    Returns:
        SparseTensor of (batch, 1), as tf.io.parse_example gives it.
    """
    rows = tf.where(is_there(dense))
    indices = tf.concat([rows, tf.zeros_like(rows)], axis=1)
    shape = tf.stack([tf.shape(dense, tf.int64)[0], tf.constant(1, tf.int64)])
    return tf.SparseTensor(indices, tf.boolean_mask(dense, is_there(dense)), shape)


def is_there(value: tf.Tensor) -> tf.Tensor:
    """Return which values are not null; an infinite number counts as null."""
    if value.dtype == tf.string:
        return tf.not_equal(value, "")
    if value.dtype.is_integer:
        return tf.not_equal(value, value.dtype.min)
    return tf.math.is_finite(value)


def require(value: tf.Tensor, good: tf.Tensor, column: str, demand: str) -> tf.Tensor:
    """Fail with a message that names the column if a value is not valid.

    Args:
        value: (batch, 1).
        good: bool, of the same shape.
        column: The column's name.
        demand: What its values must be, as the end of a sentence.

    Returns:
        The value itself.
    """
    bad = tf.boolean_mask(value, tf.logical_not(good))[:1]
    said = [f"{FINDING}: column {column!r} {demand}; it holds", bad]
    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(good), said)]):
        return tf.identity(value)
