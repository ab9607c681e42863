"""Dates, taken apart."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from models.features import numeric, raw_columns
from models.features.raw_columns import Cells
from spec.columns import role_kinds as kinds

_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_CLOCK = r"^(?s:.{10})(?:[T\s]+(\d{1,2})(?::?\d{2}(?::?\d{2}(?:[.,]\d+)?)?)?\s*(?:([AaPp])\.?[Mm]\.?)?)?(?s:.*)$"
_EPOCH = "1970-01-01"
"""What a missing cell holds until its stand-in is there; no figure sees it."""


def date(raw: Any, role: kinds.Date) -> dict[str, tf.Tensor]:
    """Each part that the role names: int64 (batch, 1) from 0, or a z-scored float32 (batch, 1)."""
    made = raw_columns.read(raw, role.column, role.missing)
    text = made.fill(_EPOCH if role.missing in raw_columns.NO_RULE else role.missing)
    text = raw_columns.require(
        text,
        tf.strings.regex_full_match(text, kinds.DATE + r"(?s:.*)"),
        role.column,
        "must hold dates written YYYY-MM-DD",
    )
    parts = take_apart(text)
    text = raw_columns.require(text, _in_calendar(parts), role.column, "must hold dates that the calendar has")
    if "hour" in role.parts:
        parts["hour"] = _hour(text)
        text = raw_columns.require(text, parts["hour"] < 24, role.column, "must hold hours up to 23")
    with tf.control_dependencies([text]):
        parts = {name: tf.identity(part) for name, part in parts.items()}
    outputs: dict[str, tf.Tensor] = {}
    for part in role.parts:
        value = parts[part]
        if not kinds.DATE_PARTS[part]:
            value = tf.cast(value, tf.float64)
            value = numeric.z_score(Cells(value, made.present), value)
        outputs[part] = value
    return outputs


def _in_calendar(parts: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """Whether the month of each date has its day, bool (batch, 1)."""
    year, month = parts["year"], parts["month"]
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    length = tf.gather(tf.constant(_MONTH_DAYS, tf.int64), month) + tf.cast(leap & (month == 1), tf.int64)
    return (parts["day"] < length) & (year > 0)


def _hour(text: tf.Tensor) -> tf.Tensor:
    """The hour of the time of day, int64: as it is written, whatever offset from UTC follows; 0 without one."""
    digits = tf.strings.regex_replace(text, _CLOCK, r"\1")
    hour = tf.strings.to_number(tf.where(tf.equal(digits, ""), "0", digits), tf.int64)
    half = tf.strings.lower(tf.strings.regex_replace(text, _CLOCK, r"\2"))
    # 12 AM is midnight; an hour above 12 is of 24 already.
    hour = tf.where((half != "") & (hour == 12), tf.zeros_like(hour), hour)
    return hour + tf.where((half == "p") & (hour < 12), tf.constant(12, tf.int64), tf.constant(0, tf.int64))


def civil(days: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Year, month and day, from 1, of days since 1970-01-01: civil_from_days of the same source as `take_apart`."""
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
    """A number, 0 or more, with zeros before it."""
    return tf.strings.as_string(number, width=width, fill="0")


def take_apart(text: tf.Tensor) -> dict[str, tf.Tensor]:
    """Take YYYY-MM-DD apart, as int64 (batch, 1) each.

    Days since 1970-01-01 in the proleptic Gregorian calendar: H. Hinnant, "chrono-Compatible Low-Level Date
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
