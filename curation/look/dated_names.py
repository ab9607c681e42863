"""File names with a date or a number, of which there may be a new file every week."""

import datetime
import os
import re

_DAY = re.compile(r"(?<!\d)(\d{4})([-_.]?)(\d{2})\2(\d{2})(?!\d)")
_DAY_BEFORE_YEAR = re.compile(r"(?<!\d)(\d{2})([-_.])(\d{2})\2(\d{4})(?!\d)")
_MONTH = re.compile(r"(?<!\d)(\d{4})([-_.]?)(\d{2})(?![-_.]?\d|[a-z])", re.IGNORECASE)
_WEEK = re.compile(r"(?<!\d)\d{4}[-_.]?(?:w|kw|week)[-_.]?\d{1,2}(?!\d)", re.IGNORECASE)
_NUMBER = re.compile(r"(?<=[-_.])(?:w|week|span)?(\d{1,6})$", re.IGNORECASE)
_YEARS = range(1900, 2100)


def pattern(path: str) -> tuple[str, str] | None:
    """Return a pattern that matches later files too, and what the name holds: a date or a number.

    Args:
        path: Path of a file.

    Returns:
        The path with {YYYY}, {MM} and {DD}, or with {SPAN}; None if the name holds neither a date nor, at its end, a
        number, or a date of which no pattern matches all later files: a week of a year, or a day that may be a month.
    """
    folder, name = os.path.split(path)
    forms = _dates(name)
    if len(forms) == 1:
        [(date, parts, sign)] = forms
        dated = sign.join(f"{{{part}}}" for part in parts)
        return os.path.join(folder, name[: date.start()] + dated + name[date.end() :]), "date"
    if forms or _WEEK.search(name):
        return None
    stem, dot, extension = name.partition(".")
    if match := _NUMBER.search(stem):
        return os.path.join(folder, f"{stem[: match.start(1)]}{{SPAN}}{dot}{extension}"), "number"
    return None


def _dates(name: str) -> list[tuple[re.Match[str], tuple[str, ...], str]]:
    """Return how the date in a name can be read: its place, its parts in their order and the sign between them."""
    if (match := _DAY.search(name)) and _is_date(match[1], match[3], match[4]):
        return [(match, ("YYYY", "MM", "DD"), match[2])]
    if match := _DAY_BEFORE_YEAR.search(name):
        first, sign, second, year = match.groups()
        day_first = [(match, ("DD", "MM", "YYYY"), sign)] if _is_date(year, second, first) else []
        month_first = [(match, ("MM", "DD", "YYYY"), sign)] if _is_date(year, first, second) else []
        return [*day_first, *month_first]
    if (match := _MONTH.search(name)) and _is_date(match[1], match[3], "1"):
        return [(match, ("YYYY", "MM"), match[2])]
    return []


def _is_date(year: str, month: str, day: str) -> bool:
    try:
        datetime.date(int(year), int(month), int(day))
    except ValueError:
        return False
    return int(year) in _YEARS
