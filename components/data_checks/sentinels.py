"""Values that stand for null, and spellings of one category; for `new` and for the gates."""

import math
import re
from collections.abc import Iterable, Mapping

from spec.cells.cleaning import folded

MIN_SHARE = 0.01
"""Share of the rows from which a number far from all others counts as a sentinel."""
DATES = ("0000-00-00", "0001-01-01", "1111-11-11", "1899-12-30", "1899-12-31", "1900-01-01", "1970-01-01", "9999-12-31")
"""Dates that programs write instead of null."""
TEXTS = (
    *("nan", "<na>", "nat", "nil"),
    # Exports of databases: MySQL and PostgreSQL write \N, their tools and those of SQL Server and Oracle the others.
    *("null", "(null)", "[null]", "<null>", r"\n"),
    # Errors of spreadsheets, also of German and French ones.
    *("n/a", "n.a.", "#n/a", "#na", "#value!", "#ref!", "#div/0!", "#name?", "#num!", "#null!"),
    *("#nv", "#wert!", "#bezug!", "#zahl!", "#valeur!", "#nom?", "#nombre!"),
)
"""Text that programs write instead of null, in lower case."""
BOOLEANS = ("y", "n", "t", "f", "on", "no", "yes", "off", "true", "false")
"""Names of truth values, in lower case."""
_NINES = re.compile(r"-?99+|-9")


def is_marker(number: float) -> bool:
    """Return whether a number consists of nines, such as -999, or is -1."""
    return (
        math.isfinite(number) and number == int(number) and (number == -1 or bool(_NINES.fullmatch(str(int(number)))))
    )


def is_sentinel(number: float, share: float, low: float, high: float) -> bool:
    """Return whether a number almost certainly stands for null.

    Args:
        number: The number.
        share: Share of the rows with this number.
        low: Smallest of the other numbers.
        high: Largest of the other numbers.
    """
    distance = max(low - number, number - high)
    return number != -1 and is_marker(number) and share >= MIN_SHARE and distance > max(high - low, 1.0)


def spellings(counts: Mapping[str, float]) -> list[list[str]]:
    """Group values that differ only by case or surrounding whitespace.

    Args:
        counts: Value -> number of rows.

    Returns:
        Groups of two or more values, the most frequent value first.
    """
    groups: dict[str, list[str]] = {}
    for value in sorted(counts, key=lambda value: (-counts[value], value)):
        groups.setdefault(folded(value.strip()), []).append(value)
    return [values for values in groups.values() if len(values) > 1]


def are_same_words(groups: Iterable[list[str]]) -> bool:
    """Return whether values that differ by case are spellings of one word; short ones such as `a` may be codes."""
    return all(len(group[0].strip()) > 2 or folded(group[0].strip()) in BOOLEANS for group in groups)


def listing(groups: Iterable[list[str]], counts: Mapping[str, float], limit: int = 3) -> str:
    """List the first groups of spellings with their counts."""
    parts = [", ".join(f"{value!r} ({counts[value]:,.0f})" for value in group[:4]) for group in groups]
    more = f" and {len(parts) - limit} more" if len(parts) > limit else ""
    return "; ".join(parts[:limit]) + more
