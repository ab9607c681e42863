"""Times of rows: their order, and the cuts of a split by time."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from errors import UserError
from models.data import arrow

MERGE = 1 << 20
"""Number of times that are buffered before equal ones are merged into counts."""
_TIME = (
    r"^\s*(?P<year>\d{4})[-/]?(?P<month>\d{2})[-/]?(?P<day>\d{2})"
    r"(?:[T\s]*(?P<hour>\d{1,2}):?(?P<minute>\d{2})(?::?(?P<second>\d{2})(?:[.,](?P<part>\d+))?)?)?"
    r"\s*(?P<half>[AaPp])?(?:\.?[Mm]\.?)?"
    r"\s*(?:Z|z|UTC|GMT)?(?:(?P<sign>[+-])(?P<ahead>\d{1,2})(?::?(?P<ahead_minutes>\d{2}))?)?(?:\[[^\]]*\])?\s*$"
)
"""A date, a time of day with AM or PM, an offset from UTC, and a zone's name in brackets as Java writes it."""
_FORMS = (
    "a time is a number, or a text YYYY-MM-DD, YYYY/MM/DD or YYYYMMDD with a time of day as 14:30:05.25 or 2:30 PM and "
    "an offset from UTC as Z or +02:00 after it"
)
_INSTANTS = 10**18
"""Offset of instants in microseconds since 1970, so that they differ from any number in a table."""
_DAY_US, _HOUR_US, _MINUTE_US, _SECOND_US = 86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000

Keys = np.ndarray[Any, Any]
"""int64 or float64 (rows,), ascending with time."""


def keys(column: pa.Array, name: str, path: str) -> Keys:
    """Convert times to numbers in the same order.

    Args:
        column: n numbers, or strings with a date and optionally a time of day. A time without an offset is in UTC.
        name: Name of the column.
        path: Path of the file, for messages.

    Returns:
        (n,): the number itself; for a string its instant in microseconds, so that `are_instants` is true.

    Raises:
        UserError: a cell is null or not a time.
    """
    if column.null_count:
        rows_without = "1 row has" if column.null_count == 1 else f"{column.null_count:,} rows have"
        raise UserError(
            f"{path}: {rows_without} no {name!r}, which [columns] time names: fill it in, or leave such rows out with "
            f'data.exclude = ["{name} is missing"]'
        )
    if not (pa.types.is_string(column.type) or pa.types.is_binary(column.type)):
        numbers = column.to_numpy(zero_copy_only=False)
        if pa.types.is_floating(column.type) and not np.isfinite(numbers).all():
            raise UserError(f"{path}: column {name!r}, which [columns] time names, holds a number that is not finite")
        row_keys: Keys = numbers.astype(np.float64 if pa.types.is_floating(column.type) else np.int64)
        return row_keys
    coded = pc.dictionary_encode(column.cast(pa.string()))
    texts = coded.dictionary
    parts = pc.extract_regex(texts, pattern=_TIME)
    if parts.null_count:
        cell = texts[pc.index(pc.is_null(parts), True).as_py()].as_py()
        raise UserError(f"{path}: column {name!r}, which [columns] time names, holds {cell!r}: {_FORMS}")
    instants, exists = _instants(parts)
    if not exists.all():
        cell = texts[int(np.flatnonzero(~exists)[0])].as_py()
        raise UserError(
            f"{path}: column {name!r}, which [columns] time names, holds {cell!r}, which the calendar or the clock "
            f'does not have: correct it, or leave such rows out with data.exclude = ["{name} == {cell!r}"]'
        )
    row_keys = instants[coded.indices.to_numpy(zero_copy_only=False)]
    return row_keys


def _instants(parts: pa.StructArray) -> tuple[Keys, np.ndarray[Any, Any]]:
    """Return the instants (n,) of matches of _TIME, and bool (n,): whether date and time of day are valid."""
    names = [field.name for field in parts.type]
    texts = {name: pc.fill_null(pc.struct_field(parts, [position]), "") for position, name in enumerate(names)}

    def number(name: str) -> Keys:
        digits = arrow.if_else(pc.equal(texts[name], ""), "0", texts[name])
        return np.asarray(pc.cast(digits, pa.int64()).to_numpy(zero_copy_only=False))

    year, month, day = number("year"), number("month"), number("day")
    hour, minute, second = number("hour"), number("minute"), number("second")
    half = np.array([text.lower() for text in texts["half"].to_pylist()])
    # 12 AM is midnight; an hour above 12 is in 24-hour notation already.
    hour = np.where((half != "") & (hour == 12), 0, hour) + np.where((half == "p") & (hour <= 12), 12, 0)
    fraction = pc.utf8_rpad(pc.utf8_slice_codeunits(texts["part"], 0, 6), 6, "0")
    microsecond = np.asarray(pc.cast(fraction, pa.int64()).to_numpy(zero_copy_only=False))
    utc_offset = (number("ahead") * 60 + number("ahead_minutes")) * np.where(
        np.array(texts["sign"].to_pylist()) == "-", -1, 1
    )
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    month_start, next_month_start = months.astype("datetime64[D]"), (months + 1).astype("datetime64[D]")
    exists = (
        (year > 0)
        & (month >= 1)
        & (month <= 12)
        & (day >= 1)
        & (day <= (next_month_start - month_start).astype(np.int64))
    )
    exists &= (hour * 60 + minute <= 24 * 60) & (minute < 60) & (second <= 60) & (np.abs(utc_offset) <= 24 * 60)
    days = month_start.astype(np.int64) + day - 1
    of_day = hour * _HOUR_US + (minute - utc_offset) * _MINUTE_US + second * _SECOND_US + microsecond
    return _INSTANTS + days * _DAY_US + of_day, exists


def are_instants(keys: Keys) -> bool:
    """Return whether keys are instants, which come from strings with a date."""
    return not len(keys) or (keys.dtype == np.int64 and int(keys.min()) > _INSTANTS // 2)


def days(keys: Keys) -> Keys:
    """Convert instants to days since 1970-01-01 in UTC, int64 (n,)."""
    return (keys - _INSTANTS) // _DAY_US


def cuts(parts: Iterable[Keys], shares: Mapping[str, int]) -> list[float]:
    """Return the cuts of a split by time; rows with the same time are in the same split.

    Args:
        parts: Times of all rows, in any order; memory grows with the number of distinct times.
        shares: Split name -> share, in order of time.

    Returns:
        For each split except the first, the time at which it starts.

    Raises:
        UserError: there are fewer distinct times than splits.
    """
    values, counts = _count(parts)
    if len(values) < len(shares):
        raise UserError(
            f"data.split.by is 'time', but the rows hold {len(values)} different times for {len(shares)} splits"
        )
    rows_before = np.concatenate([[0], np.cumsum(counts)])[:-1]
    total, part = int(counts.sum()), 0
    boundaries: list[int] = []
    for number, share in enumerate(list(shares.values())[:-1]):
        part += share
        nearest = int(np.argmin(np.abs(rows_before - total * part / sum(shares.values()))))
        lowest, highest = (boundaries[-1] if boundaries else 0) + 1, len(values) - (len(shares) - 1 - number)
        boundaries.append(min(max(nearest, lowest), highest))
    return [values[boundary].item() for boundary in boundaries]


def text_of(key: float) -> str:
    """Format a time: the number, or YYYY-MM-DD in UTC with the time of day unless it is midnight."""
    if not isinstance(key, int) or not are_instants(np.array([key])):
        return str(key)
    moment = np.datetime64(key - _INSTANTS, "us")
    day, clock = str(moment.astype("datetime64[s]")).split("T")
    return day if clock == "00:00:00" else f"{day} {clock}"


def _count(parts: Iterable[Keys]) -> tuple[Keys, Keys]:
    """Return the distinct times, ascending, and the number of occurrences of each."""
    values, counts = np.empty(0, np.int64), np.empty(0, np.int64)
    arrays: list[Keys] = []

    def merge() -> None:
        nonlocal values, counts
        joined = np.concatenate([values, *arrays]) if arrays else values
        weights = np.concatenate([counts, np.ones(len(joined) - len(counts), np.int64)])
        values, positions = np.unique(joined, return_inverse=True)
        counts = np.bincount(positions, weights, len(values)).astype(np.int64)
        arrays.clear()

    for part in parts:
        arrays.append(part)
        if sum(map(len, arrays)) >= MERGE:
            merge()
    merge()
    return values, counts
