"""Raw columns of a served row, cleaned as ingestion cleans the cells of a file."""

from collections.abc import Iterable, Mapping
from typing import Any

import tensorflow as tf

from models.cleaning import DOTTED, FINAL, WHITESPACE, Cleaning, Rules
from models.number_text import quoted
from models.transforms import cells

_BLANKS = "[" + "".join(f"\\x{{{ord(character):x}}}" for character in WHITESPACE) + "]+"
_AROUND = f"^{_BLANKS}|{_BLANKS}$"


def columns(raw: Mapping[str, Any], cleaning: Cleaning, skip: Iterable[str] = ()) -> dict[str, Any]:
    """Clean raw columns.

    Args:
        raw: Column name -> tensor of (batch, 1), or SparseTensor of (batch, 1) where a cell may be missing.
        cleaning: The rules.
        skip: Columns whose cells are no texts, as encoded images.

    Returns:
        The same columns. A cell that stands for a missing value is absent from a SparseTensor; a column that must be
        complete has no word for it: "" for a text, and a number stays.
    """
    skipped = set(skip)
    return {name: value if name in skipped else column(value, cleaning.rules(name)) for name, value in raw.items()}


def column(raw: Any, rules: Rules) -> Any:
    """Clean one raw column."""
    if isinstance(raw, tf.SparseTensor):
        values = _texts(raw.values, rules) if raw.dtype == tf.string else raw.values
        cleaned = tf.SparseTensor(raw.indices, values, raw.dense_shape)
        return tf.sparse.retain(cleaned, tf.logical_and(cells.is_there(values), ~_is_null_number(values, rules)))
    return _texts(raw, rules) if raw.dtype == tf.string else raw


def _texts(values: tf.Tensor, rules: Rules) -> tf.Tensor:
    if rules.strip:
        values = tf.strings.regex_replace(values, _AROUND, "")
    null_values = "|".join(quoted(text) for text in rules.null_values if text)
    values = tf.strings.regex_replace(values, f"^(?:{null_values})$", "") if null_values else values
    if rules.fold_case:
        values = tf.strings.lower(tf.strings.regex_replace(values, *DOTTED), encoding="utf-8")
        values = tf.strings.regex_replace(values, *FINAL)
    return values


def _is_null_number(values: tf.Tensor, rules: Rules) -> tf.Tensor:
    numbers = () if values.dtype == tf.string else rules.null_numbers
    if values.dtype.is_integer:
        numbers = rules.null_integers()
    if not numbers:
        return tf.zeros_like(values, tf.bool)
    return tf.reduce_any(tf.equal(values[:, tf.newaxis], tf.constant(numbers, values.dtype)), axis=1)
