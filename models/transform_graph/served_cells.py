"""Cleaning of served raw columns in the graph, with the result of ingestion's cleaning of a file."""

from collections.abc import Iterable, Mapping
from typing import Any

import tensorflow as tf

from models.transform_graph import dates, raw_columns
from spec.cells.cleaning import DOTTED, FINAL, WHITESPACE, Cleaning, Rules
from spec.cells.date_format import EXCEL_1970, FIRST_SECOND, LAST_SECOND, MAX_DAYS, DateFormat
from spec.cells.number_format import quoted

_BLANKS = "[" + "".join(f"\\x{{{ord(character):x}}}" for character in WHITESPACE) + "]+"
_AROUND = f"^{_BLANKS}|{_BLANKS}$"


def columns(raw: Mapping[str, Any], cleaning: Cleaning, skip: Iterable[str] = ()) -> dict[str, Any]:
    """Clean raw columns.

    Args:
        raw: Column -> tensor of (batch, 1), or SparseTensor of (batch, 1) if the schema allows nulls.
        cleaning: Rules of the columns.
        skip: Columns that are not text, such as encoded images.

    Returns:
        Column -> cleaned tensor. A SparseTensor omits null values. A dense tensor cannot represent them: text becomes
        "", a number is unchanged.
    """
    skipped = set(skip)
    return {name: value if name in skipped else column(value, cleaning.rules(name)) for name, value in raw.items()}


def column(raw: Any, rules: Rules) -> Any:
    """Clean one raw column."""
    if isinstance(raw, tf.SparseTensor):
        values = texts(raw.values, rules) if raw.dtype == tf.string else raw.values
        cleaned = tf.SparseTensor(raw.indices, values, raw.dense_shape)
        return tf.sparse.retain(cleaned, tf.logical_and(raw_columns.is_there(values), ~is_null_number(values, rules)))
    return texts(raw, rules) if raw.dtype == tf.string else raw


def texts(values: tf.Tensor, rules: Rules) -> tf.Tensor:
    """Clean text, string of any shape; a null value becomes ""."""
    if rules.strip:
        values = stripped(values)
    values = without(values, rules.null_values)
    if rules.date is not None:
        values = without(_iso(values, rules.date), rules.null_values)
    if rules.fold_case:
        values = tf.strings.lower(tf.strings.regex_replace(values, *DOTTED), encoding="utf-8")
        values = tf.strings.regex_replace(values, *FINAL)
    return values


def stripped(values: tf.Tensor) -> tf.Tensor:
    """Strip whitespace from both ends of texts."""
    return tf.strings.regex_replace(values, _AROUND, "")


def without(values: tf.Tensor, null_values: Iterable[str]) -> tf.Tensor:
    """Replace null values by ""."""
    either = "|".join(quoted(text) for text in null_values if text)
    return tf.strings.regex_replace(values, f"^(?:{either})$", "") if either else values


def is_null_number(values: tf.Tensor, rules: Rules) -> tf.Tensor:
    """Return which numbers, of any shape, are null values, bool of the same shape; all false for text."""
    numbers = () if values.dtype == tf.string else rules.null_numbers
    if values.dtype.is_integer:
        numbers = rules.null_integers()
    if not numbers:
        return tf.zeros_like(values, tf.bool)
    return tf.reduce_any(tf.equal(tf.expand_dims(values, -1), tf.constant(numbers, values.dtype)), axis=-1)


def _iso(texts: tf.Tensor, form: DateFormat) -> tf.Tensor:
    """Convert dates to YYYY-MM-DD; text that does not have this format is unchanged."""
    if not form.counted:
        for pattern, rewrite in form.steps():
            texts = tf.strings.regex_replace(texts, pattern, rewrite)
        return texts
    is_count = tf.strings.regex_full_match(texts, form.pattern)
    seconds = _seconds(tf.where(is_count, texts, "0"), form.epoch)
    is_count = tf.logical_and(is_count, tf.logical_and(seconds >= FIRST_SECOND, seconds <= LAST_SECOND))
    of_day = seconds % 86_400
    date = [dates.padded(part, width) for part, width in zip(dates.civil(seconds // 86_400), (4, 2, 2), strict=True)]
    clock = [dates.padded(part, 2) for part in (of_day // 3600, of_day // 60 % 60, of_day % 60)]
    date_time = tf.strings.join([tf.strings.join(date, "-"), tf.strings.join(clock, ":")], " ")
    return tf.where(is_count, date_time, texts)


def _seconds(texts: tf.Tensor, factor: int | None) -> tf.Tensor:
    """Convert numbers to seconds since 1970, int64 (n,), as ingestion does; None stands for Excel's days."""
    if factor is not None:
        return tf.strings.to_number(tf.strings.regex_replace(texts, r"^\+|\..*$", ""), tf.int64) // factor
    days = tf.clip_by_value(tf.strings.to_number(texts, tf.float64), -MAX_DAYS, MAX_DAYS)
    return tf.cast(tf.round((days - EXCEL_1970) * 86_400), tf.int64)
