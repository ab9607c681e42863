"""Dates: parts of YYYY-MM-DD, and days since 1970."""

from collections.abc import Mapping

import tensorflow as tf

from models.transform_graph import raw_columns

_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_CLOCK = r"^(?s:.{10})(?:[T\s]+(\d{1,2})(?::?\d{2}(?::?\d{2}(?:[.,]\d+)?)?)?\s*(?:([AaPp])\.?[Mm]\.?)?)?(?s:.*)$"
EPOCH = "1970-01-01"
"""Value of a null before it is replaced; no statistic includes it."""


def checked_parts(text: tf.Tensor, pattern: str, column: str, *, hour: bool) -> dict[str, tf.Tensor]:
    """Split dates into parts.

    Args:
        text: Dates written YYYY-MM-DD, string (batch, 1).
        pattern: Regular expression of such a date.
        column: The column's name.
        hour: Whether to read the hour of the time of day too.

    Returns:
        Parts as `split` returns them, int64 (batch, 1), and maybe `hour`. Evaluating them fails if a text is not a
        date.
    """
    is_date = tf.strings.regex_full_match(text, pattern + r"(?s:.*)")
    text = raw_columns.require(text, is_date, column, "must hold dates written YYYY-MM-DD")
    parts = split(text)
    text = raw_columns.require(text, _in_calendar(parts), column, "must hold dates of the calendar")
    if hour:
        parts["hour"] = _hour(text)
        text = raw_columns.require(text, parts["hour"] < 24, column, "must hold hours up to 23")
    with tf.control_dependencies([text]):
        return {name: tf.identity(part) for name, part in parts.items()}


def _in_calendar(parts: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """Return whether the month of each date has its day, bool (batch, 1)."""
    year, month = parts["year"], parts["month"]
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    length = tf.gather(tf.constant(_MONTH_DAYS, tf.int64), month) + tf.cast(leap & (month == 1), tf.int64)
    return (parts["day"] < length) & (year > 0)


def _hour(text: tf.Tensor) -> tf.Tensor:
    """Return the hour of the time of day as written, ignoring an offset from UTC; 0 without one; int64 (batch, 1)."""
    digits = tf.strings.regex_replace(text, _CLOCK, r"\1")
    hour = tf.strings.to_number(tf.where(tf.equal(digits, ""), "0", digits), tf.int64)
    half = tf.strings.lower(tf.strings.regex_replace(text, _CLOCK, r"\2"))
    # 12 AM is midnight; an hour above 12 is of a 24-hour clock.
    hour = tf.where((half != "") & (hour == 12), tf.zeros_like(hour), hour)
    return hour + tf.where((half == "p") & (hour < 12), tf.constant(12, tf.int64), tf.constant(0, tf.int64))


def civil(days: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Convert days since 1970-01-01 to year, month and day, from 1: civil_from_days of the same source as `split`."""
    shifted = days + 719468
    era = shifted // 146097
    day_of_era = shifted - era * 146097
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_from_march = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month_from_march + 2) // 5 + 1
    month = tf.where(month_from_march < 10, month_from_march + 3, month_from_march - 9)
    return year_of_era + era * 400 + tf.cast(month <= 2, tf.int64), month, day


def padded(number: tf.Tensor, width: int) -> tf.Tensor:
    """Write a number, 0 or more, with leading zeros."""
    return tf.strings.as_string(number, width=width, fill="0")


def split(text: tf.Tensor) -> dict[str, tf.Tensor]:
    """Split YYYY-MM-DD into year, month and day from 0, day of week from Monday, and days; int64 (batch, 1) each.

    `days` are those since 1970-01-01 in the proleptic Gregorian calendar: H. Hinnant, "chrono-Compatible Low-Level Date
    Algorithms", days_from_civil (howardhinnant.github.io/date_algorithms.html).
    """
    year = tf.strings.to_number(tf.strings.substr(text, 0, 4), tf.int64)
    month = tf.strings.to_number(tf.strings.substr(text, 5, 2), tf.int64)
    day = tf.strings.to_number(tf.strings.substr(text, 8, 2), tf.int64)
    shifted = year - tf.cast(month <= 2, tf.int64)
    era = shifted // 400
    year_of_era = shifted - era * 400
    month_from_march = (month + 9) % 12
    day_of_year = (153 * month_from_march + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    days = era * 146097 + day_of_era - 719468
    return {"year": year, "month": month - 1, "day": day - 1, "day_of_week": (days + 3) % 7, "days": days}
