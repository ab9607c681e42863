"""Values that may stand for a missing cell, and spellings of one category; for `new` and for the gates."""

import math
import re
from collections.abc import Iterable, Mapping

from spec.cells.cleaning import folded

MOST_FREQUENT = 0.01
"""Share of the cells from which on a number far outside of the others stands for a missing one."""
DATES = ("0000-00-00", "0001-01-01", "1111-11-11", "1899-12-30", "1899-12-31", "1900-01-01", "1970-01-01", "9999-12-31")
"""Dates that programs write where there is none."""
TEXTS = ("nan", "<na>", "nat", "null", "n/a", "n.a.", "#n/a", "#na", "#value!", "#ref!", "#div/0!", "nil")
"""Texts that programs write where there is no value, in lower case."""
BOOLEANS = ("y", "n", "t", "f", "on", "no", "yes", "off", "true", "false")
"""Words for truths, in lower case."""
_NINES = re.compile(r"-?99+|-9")


def is_marker(number: float) -> bool:
    """Whether a number is written with nines alone, as -999, or is -1."""
    return (
        math.isfinite(number) and number == int(number) and (number == -1 or bool(_NINES.fullmatch(str(int(number)))))
    )


def stands_out(number: float, share: float, low: float, high: float) -> bool:
    """Whether a number surely stands for a missing value.

    Args:
        number: It.
        share: Its share of the cells.
        low: Least of all other numbers.
        high: Greatest of these.
    """
    far = max(low - number, number - high)
    return number != -1 and is_marker(number) and share >= MOST_FREQUENT and far > max(high - low, 1.0)


def spellings(counts: Mapping[str, float]) -> list[list[str]]:
    """Values that differ by case or by whitespace around them alone.

    Args:
        counts: Value -> its rows.

    Returns:
        Groups of two and more, the most frequent value first.
    """
    alike: dict[str, list[str]] = {}
    for value in sorted(counts, key=lambda value: (-counts[value], value)):
        alike.setdefault(folded(value.strip()), []).append(value)
    return [values for values in alike.values() if len(values) > 1]


def one_word(groups: Iterable[list[str]]) -> bool:
    """Whether values that differ by case surely are the same: a or A may be two codes."""
    return all(len(group[0].strip()) > 2 or folded(group[0].strip()) in BOOLEANS for group in groups)


def shown(groups: Iterable[list[str]], counts: Mapping[str, float], most: int = 3) -> str:
    """Groups of spellings in words."""
    parts = [", ".join(f"{value!r} ({counts[value]:,.0f})" for value in group[:4]) for group in groups]
    more = f" and {len(parts) - most} more" if len(parts) > most else ""
    return "; ".join(parts[:most]) + more
