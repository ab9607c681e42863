"""Dates: parts of YYYY-MM-DD, and days since 1970."""

import tensorflow as tf

from models.transform_graph import raw_columns

_LEAP = r"(\d\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)"
_CALENDAR = (
    r"(\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|(0[469]|11)-(0[1-9]|[12]\d|30)|02-(0[1-9]|1\d|2[0-8]))"
    rf"|{_LEAP}-02-29)(?s:.*)"
)
"""A date of the Gregorian calendar and anything after it, as a regular expression of RE2."""
_BEFORE_MARCH = (1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
_DAYS_BEFORE = (306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275)
"""Days of a year that begins in March before each month, January first."""
_CLOCK = r"^(?s:.{10})(?:[T\s]+(\d{1,2})(?::?\d{2}(?::?\d{2}(?:[.,]\d+)?)?)?\s*(?:([AaPp])\.?[Mm]\.?)?)?(?s:.*)$"
EPOCH = "1970-01-01"
"""Value of a null before it is replaced; no statistic includes it."""


def checked_parts(text: tf.Tensor, column: str, *, hour: bool) -> dict[str, tf.Tensor]:
    """Split dates into parts.

    Args:
        text: Dates written YYYY-MM-DD, string (batch, 1).
        column: Name of the column, for messages.
        hour: Whether to read the hour of the time of day too.

    Returns:
        Parts as `split` returns them, int64 (batch, 1), and `hour` if it is read. Evaluating them fails if a text is
        not a date.
    """
    # Year 0 matches the expression.
    is_date = tf.strings.regex_full_match(text, _CALENDAR) & tf.not_equal(tf.strings.substr(text, 0, 4), "0000")
    text = raw_columns.require(text, is_date, column, "must hold dates of the calendar written YYYY-MM-DD")
    parts = split(text)
    if hour:
        parts["hour"] = _hour(text)
        text = raw_columns.require(text, parts["hour"] < 24, column, "must hold hours up to 23")
    with tf.control_dependencies([text]):
        return {name: tf.identity(part) for name, part in parts.items()}


def _hour(text: tf.Tensor) -> tf.Tensor:
    """Return the hour of the time of day as written, ignoring an offset from UTC; 0 without one; int64 (batch, 1)."""
    digits = tf.strings.regex_replace(text, _CLOCK, r"\1")
    hour = tf.strings.to_number(tf.where(tf.equal(digits, ""), "0", digits), tf.int64)
    half = tf.strings.lower(tf.strings.regex_replace(text, _CLOCK, r"\2"))
    # 12 AM is midnight; an hour above 12 is of a 24-hour clock.
    hour = tf.where((half != "") & (hour == 12), tf.zeros_like(hour), hour)
    return hour + tf.where((half == "p") & (hour < 12), tf.constant(12, tf.int64), tf.constant(0, tf.int64))


def civil(days: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Convert days since 1970-01-01 to (year, month, day), each from 1; civil_from_days of the source of `split`."""
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
    numbers = tf.strings.to_number(tf.strings.substr(text, [[0, 5, 8]], [[4, 2, 2]]), tf.int64)
    year, month, day = tf.split(numbers - tf.constant([0, 1, 1], tf.int64), 3, axis=1)
    from_march = year - tf.gather(tf.constant(_BEFORE_MARCH, tf.int64), month)
    centuries = from_march // tf.constant([4, 100, 400], tf.int64) * tf.constant([1, -1, 1], tf.int64)
    leap_days = tf.reduce_sum(centuries, axis=1, keepdims=True)
    days_before_month = tf.gather(tf.constant([days - 719468 for days in _DAYS_BEFORE], tf.int64), month)
    days = 365 * from_march + leap_days + days_before_month + day
    return {"year": year, "month": month, "day": day, "day_of_week": (days + 3) % 7, "days": days}
