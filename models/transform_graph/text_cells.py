"""Conversion of CSV cells in the graph, as ingestion converts them.

The counterpart of components/ingestion/parsing/casting.py, with the same whitespace, null values, number formats and
dates. A cell that ingestion would refuse fails with a message that names the column. So do hexadecimal integers, which
Arrow reads and TensorFlow does not.
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from models.transform_graph import raw_columns, served_cells
from spec.cells import null_cells
from spec.cells.cleaning import Rules
from spec.cells.date_format import ISO
from spec.cells.number_format import IN_PARENTHESES, NOT_FINITE, SIGN_IN_PARENTHESES, NumberFormat

_LARGEST = str(tf.int64.max)
_BELOW = "|".join(
    rf"{_LARGEST[:place]}[0-{int(digit) - 1}]\d{{{len(_LARGEST) - place - 1}}}"
    for place, digit in enumerate(_LARGEST)
    if digit != "0"
)
INTEGER = rf"^-?0*(?:\d{{1,{len(_LARGEST) - 1}}}|{_BELOW}|{_LARGEST})$|^{tf.int64.min}$"
"""Any int64: of fewer digits than the largest, or with a smaller digit where it first differs from the largest."""
_FLOAT = r"^-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"
_NAN = r"^-?(?i:nan)(?:\(\w*\))?$"
_INFINITE = r"^(-?)(?i:inf(?:inity)?)$"
LONGEST, DIGITS = 32, 20
"""`kFastToBufferSize` of tensorflow/core/platform/numbers.cc; and digits that determine a float32."""
UNCLEANED = Rules(strip=False, null_values=("",))
"""Rules for data of a format that ingestion does not clean: an empty cell is null."""


def parse(texts: tf.Tensor, dtype: Any, rules: Rules, columns: Sequence[str], *, nullable: bool) -> tf.Tensor:
    """Convert the cells of columns with the same rules; tracing many columns costs as much as tracing one.

    Args:
        texts: string (batch, columns), each as in a CSV file, without quotes.
        dtype: int64, float32 or string.
        rules: Cleaning rules of the columns.
        columns: Names of the columns, for messages.
        nullable: Whether a cell may be null.

    Returns:
        Cells of (batch, columns), nulls as in `spec.cells.null_cells`. Evaluating them fails if a cell is not a number
        or date of the columns' format, or is null and the columns are not nullable.
    """
    if dtype == tf.string:
        cells, is_null = _texts(texts, rules, columns)
    else:
        cells, is_null = _numbers(texts, dtype, rules, columns)
    if nullable:
        return tf.where(is_null, tf.constant(null_cells.BY_DTYPE[dtype.name], dtype), cells)
    raw_cells = raw_columns.require(texts, tf.logical_not(is_null), columns, "must have a value in every row")
    with tf.control_dependencies([raw_cells]):
        return tf.identity(cells)


def _texts(texts: tf.Tensor, rules: Rules, columns: Sequence[str]) -> tuple[tf.Tensor, tf.Tensor]:
    """Clean texts; return (cells, which are null), (batch, columns) each."""
    cells = served_cells.texts(texts, rules)
    is_null = tf.equal(cells, "")
    if "" not in rules.null_values:
        is_null = tf.logical_and(is_null, tf.not_equal(served_cells.stripped(texts) if rules.strip else texts, ""))
    if rules.date is not None:
        is_date = tf.logical_or(is_null, tf.strings.regex_full_match(cells, f"(?:{ISO})(?s:.*)"))
        cells = raw_columns.require(cells, is_date, columns, f"must hold dates written {rules.date.text} or YYYY-MM-DD")
    return cells, is_null


def _numbers(texts: tf.Tensor, dtype: Any, rules: Rules, columns: Sequence[str]) -> tuple[tf.Tensor, tf.Tensor]:
    """Convert numbers; return (cells, which are null), (batch, columns) each."""
    texts = served_cells.without(served_cells.stripped(texts), rules.null_values)
    is_null = tf.equal(texts, "")
    if "" not in rules.null_values:
        is_null = tf.zeros_like(is_null)
    form = rules.numbers
    fits = tf.ones_like(is_null)
    plain = tf.strings.regex_replace(texts, r"^\+([0-9.])", r"\1")
    if not form.plain:
        fits, plain = _fits(texts, form), _plain(texts, form)
    if dtype == tf.int64:
        fits = tf.logical_and(fits, tf.strings.regex_full_match(plain, INTEGER))
    else:
        plain = tf.strings.regex_replace(tf.strings.regex_replace(plain, _NAN, "nan"), _INFINITE, r"\1inf")
        is_float = tf.strings.regex_full_match(plain, f"{_FLOAT}|^nan$|^-?inf$")
        fits = tf.logical_and(fits, is_float)
    kind = "integers" if dtype == tf.int64 else "numbers"
    number_format = "" if form.plain else f" with {form}"
    texts = raw_columns.require(texts, tf.logical_or(is_null, fits), columns, f"must hold {kind}{number_format}")
    with tf.control_dependencies([texts]):
        plain = tf.where(is_null, "0", plain)
        numbers = tf.strings.to_number(plain if dtype == tf.int64 else _shortened(plain), dtype)
    return numbers, tf.logical_or(is_null, served_cells.is_null_number(numbers, rules))


def _shortened(texts: tf.Tensor) -> tf.Tensor:
    """Shorten floats of LONGEST characters or more, which TensorFlow cannot parse, to DIGITS digits."""
    is_long = tf.strings.length(texts) >= LONGEST
    return tf.cond(tf.reduce_any(is_long), lambda: tf.where(is_long, _scientific(texts), texts), lambda: texts)


def _scientific(texts: tf.Tensor) -> tf.Tensor:
    """Write each number as 0.DIGITSeEXPONENT, with a sign."""
    sign = tf.strings.regex_replace(texts, r"^(-?).*$", r"\1")
    integer = tf.strings.regex_replace(texts, r"^-?0*(\d*).*$", r"\1")
    fraction = tf.strings.regex_replace(tf.strings.regex_replace(texts, r"^[^.]*\.?", ""), r"[eE].*$", "")
    exponent = tf.strings.regex_replace(texts, r"^[^eE]*[eE]?\+?", "")
    exponent = tf.strings.regex_replace(exponent, r"^(-?)0+(\d)", r"\1\2")
    power = tf.strings.to_number(tf.where(tf.equal(exponent, ""), "0", exponent), tf.float64)
    digits = tf.strings.join([integer, fraction])
    significant = tf.strings.regex_replace(digits, "^0+", "")
    shift = tf.strings.length(integer) - (tf.strings.length(digits) - tf.strings.length(significant))
    power = tf.cast(tf.clip_by_value(power, -99_999.0, 99_999.0), tf.int32) + shift
    return tf.strings.join([sign, "0.", tf.strings.substr(significant, 0, DIGITS), "e", tf.strings.as_string(power)])


def _fits(texts: tf.Tensor, form: NumberFormat) -> tf.Tensor:
    """Return which texts are numbers in this format; see components/ingestion/parsing/number_parsing.py."""
    signed = tf.strings.regex_full_match(texts, SIGN_IN_PARENTHESES)
    if form.in_parentheses:
        texts = tf.strings.regex_replace(texts, IN_PARENTHESES, r"\1")
    is_number = tf.strings.regex_full_match(texts, f"{form.pattern}|{NOT_FINITE}")
    return tf.logical_and(is_number, tf.logical_not(signed))


def _plain(texts: tf.Tensor, form: NumberFormat) -> tf.Tensor:
    """Rewrite numbers of this format in the notation that TensorFlow parses."""
    inner = tf.strings.regex_replace(texts, IN_PARENTHESES, r"\1") if form.in_parentheses else texts
    for pattern, rewrite in form.steps():
        inner = tf.strings.regex_replace(inner, pattern, rewrite)
    if not form.in_parentheses:
        return inner
    negative = tf.strings.regex_full_match(texts, IN_PARENTHESES)
    return tf.where(negative, tf.strings.join(["-", inner]), inner)
