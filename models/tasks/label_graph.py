"""TensorFlow graph of the label of each task, and of the weight of a row."""

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from models.tasks.label_transforms import TRANSFORMS
from models.transform_graph import raw_columns
from models.transform_graph.raw_columns import Cells
from models.transform_graph.vocabularies import as_line, lookup
from spec.columns.label import LABEL, Label


def label(raw: Any, role: Label) -> tf.Tensor:
    """Transform the label's column.

    Args:
        raw: (batch, 1), or a SparseTensor if the schema allows nulls in the label.
        role: Settings of the label.

    Returns:
        float32 (batch, 1) for a regression, NaN for a null; otherwise the int64 class index (batch, 1), -1 for a null
        or a value that is not a class.

    Raises:
        ValueError: A class of a numeric column is not a number of its type.
    """
    cells = raw_columns.densify(raw) if isinstance(raw, tf.SparseTensor) else Cells(raw)
    if role.kind == "regression":
        return _number(as_number(cells), role)
    is_present = raw_columns.is_there(cells.value)
    cells = Cells(cells.value, is_present if cells.present is None else tf.logical_and(cells.present, is_present))
    return cells.map(lambda value: _class(value, cells, role)).fill(-1)


def weight(raw: Any, column: str) -> tf.Tensor:
    """Return the weight of each row, float32 (batch, 1).

    Raises:
        ValueError: The schema allows nulls in the column.
    """
    value = tf.cast(raw_columns.read(raw, column, None).value, tf.float32)
    good = tf.logical_and(tf.math.is_finite(value), value >= 0)
    return raw_columns.require(value, good, column, "is the weight, which must be a finite number of 0 or more")


def as_number(cells: Cells) -> tf.Tensor:
    """Convert cells to float64 (batch, 1), nulls to NaN."""
    return cells.map(lambda value: tf.cast(value, tf.float64)).fill(float("nan"))


def _number(number: tf.Tensor, role: Label) -> tf.Tensor:
    learned, _ = TRANSFORMS[role.transform]
    return tf.cast(learned(number), tf.float32)


def _class(value: tf.Tensor, cells: Cells, role: Label) -> tf.Tensor:
    """Return the class index of each value, int64 (batch, 1); undefined for nulls."""
    if role.threshold is not None:
        threshold = tf.constant(role.threshold, tf.float32 if value.dtype.is_floating else tf.float64)
        return tf.cast(tf.cast(value, threshold.dtype) >= threshold, tf.int64)
    if role.tiers is not None:
        number = tf.cast(value, tf.float32)
        edges = tft.quantiles(tf.cast(cells.not_null, tf.float32), role.tiers, epsilon=min(1 / role.tiers, 0.01))
        return tft.apply_buckets(number, edges)
    if role.positive is not None:
        return tf.cast(_equal(value, role.positive, role), tf.int64)
    if role.classes:
        if value.dtype == tf.string:
            return lookup(_text(value), role.classes)
        is_class = tf.concat([_equal(value, name, role) for name in role.classes], axis=1)
        index = tf.argmax(tf.cast(is_class, tf.int64), axis=1)
        return tf.where(tf.reduce_any(is_class, axis=1), index, -tf.ones_like(index))[:, tf.newaxis]
    vocabulary = tft.vocabulary(_text(cells.not_null), vocab_filename=LABEL)
    return tft.apply_vocabulary(_text(value), vocabulary, default_value=-1)


def _equal(value: tf.Tensor, name: str, role: Label) -> tf.Tensor:
    """Compare values with a class name of the config, where 1.0 equals "1"; bool (batch, 1)."""
    if value.dtype == tf.string:
        return tf.equal(_text(value), name)
    try:
        return tf.equal(value, tf.constant(float(name) if value.dtype.is_floating else int(name), value.dtype))
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"label {role.column!r}: its column holds numbers, and {name!r} is none of its kind"
        ) from error


def _text(value: tf.Tensor) -> tf.Tensor:
    """Format values as class names, string (batch, 1): whitespace stripped, whole numbers without a decimal point."""
    if value.dtype == tf.string:
        return tf.strings.strip(as_line(value))
    if value.dtype.is_floating:
        integer = tf.strings.as_string(tf.cast(value, tf.int64))
        return tf.where(tf.equal(value, tf.round(value)), integer, tf.strings.as_string(value, shortest=True))
    return tf.strings.as_string(value)
