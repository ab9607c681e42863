"""Times of rows: what comes before what, and where a split by time is cut."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from errors import UserError

MERGE = 1 << 20
"""Times held before equal ones are counted together."""
_TIME = (
    r"^(?P<year>\d{4})[-/]?(?P<month>\d{2})[-/]?(?P<day>\d{2})"
    r"(?:[T ]?(?P<hour>\d{2}):?(?P<minute>\d{2})(?::?(?P<second>\d{2})(?:\.(?P<part>\d{1,4}))?)?)?"
)
_TIME_DIGITS = 18
"""YYYYMMDDhhmmss and four digits of a second: what an int64 holds."""

Keys = np.ndarray[Any, Any]
"""int64 or float64 (rows,): rises with time."""


def keys(column: pa.Array, name: str, path: str) -> Keys:
    """Numbers that rise with time.

    Args:
        column: n numbers, or texts that start as YYYY-MM-DD does, YYYYMMDD or YYYY/MM/DD.
        name: The column's name.
        path: The file's, for the message.

    Returns:
        (n,): the number itself, or YYYYMMDDhhmmss with four more digits.

    Raises:
        UserError: a cell is missing or no time.
    """
    if column.null_count:
        shown = "1 row has" if column.null_count == 1 else f"{column.null_count:,} rows have"
        raise UserError(
            f"{path}: {shown} no {name!r}, which [columns] time names: fill it in, or leave such rows out with "
            f'data.exclude = ["{name} is missing"]'
        )
    if not (pa.types.is_string(column.type) or pa.types.is_binary(column.type)):
        numbers = column.to_numpy(zero_copy_only=False)
        if pa.types.is_floating(column.type) and not np.isfinite(numbers).all():
            raise UserError(f"{path}: column {name!r}, which [columns] time names, holds a number that is not finite")
        found: Keys = numbers.astype(np.float64 if pa.types.is_floating(column.type) else np.int64)
        return found
    coded = pc.dictionary_encode(column.cast(pa.string()))
    parts = pc.extract_regex(coded.dictionary, pattern=_TIME)
    if parts.null_count:
        bad = coded.dictionary[pc.index(pc.is_null(parts), True).as_py()].as_py()
        raise UserError(
            f"{path}: column {name!r}, which [columns] time names, holds {bad!r}: a time is a number, or a text that "
            "starts as YYYY-MM-DD does"
        )
    fields = [pc.fill_null(pc.struct_field(parts, [at]), "") for at in range(parts.type.num_fields)]
    digits = pc.utf8_rpad(pc.binary_join_element_wise(*fields, ""), _TIME_DIGITS, "0")
    moments: Keys = pc.take(pc.cast(digits, pa.int64()), coded.indices).to_numpy(zero_copy_only=False)
    return moments


def cuts(parts: Iterable[Keys], shares: Mapping[str, int]) -> list[float]:
    """Where a split by time is cut, so that rows of one time stay on one side.

    Args:
        parts: Times of all rows, in any order; what is held at once grows with the number of different times.
        shares: Split name -> share, in order of time.

    Returns:
        For each split but the first, the time with which it begins.

    Raises:
        UserError: there are fewer different times than splits.
    """
    values, counts = _count(parts)
    if len(values) < len(shares):
        raise UserError(
            f"data.split.by is 'time', but the rows hold {len(values)} different times for {len(shares)} splits"
        )
    before = np.concatenate([[0], np.cumsum(counts)])[:-1]
    total, part = int(counts.sum()), 0
    found: list[int] = []
    for number, share in enumerate(list(shares.values())[:-1]):
        part += share
        nearest = int(np.argmin(np.abs(before - total * part / sum(shares.values()))))
        lowest, highest = (found[-1] if found else 0) + 1, len(values) - (len(shares) - 1 - number)
        found.append(min(max(nearest, lowest), highest))
    return [values[at].item() for at in found]


def shown(key: float) -> str:
    """A time as people write it: the number, or YYYY-MM-DD and what follows where it is not midnight."""
    text = str(key)
    if len(text) != _TIME_DIGITS or not text.isdigit():
        return text
    day = f"{text[:4]}-{text[4:6]}-{text[6:8]}"
    return day if not int(text[8:]) else f"{day} {text[8:10]}:{text[10:12]}:{text[12:14]}"


def _count(parts: Iterable[Keys]) -> tuple[Keys, Keys]:
    """Different times, rising, and how often each occurs."""
    values, counts = np.empty(0, np.int64), np.empty(0, np.int64)
    held: list[Keys] = []

    def merge() -> None:
        nonlocal values, counts
        joined = np.concatenate([values, *held]) if held else values
        weights = np.concatenate([counts, np.ones(len(joined) - len(counts), np.int64)])
        values, where = np.unique(joined, return_inverse=True)
        counts = np.bincount(where, weights, len(values)).astype(np.int64)
        held.clear()

    for part in parts:
        held.append(part)
        if sum(map(len, held)) >= MERGE:
            merge()
    merge()
    return values, counts
