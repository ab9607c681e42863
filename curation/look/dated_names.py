"""File names with a date or a number, of which there may be a new file every week."""

import datetime
import os
import re

_DATE = re.compile(r"(?<!\d)(\d{4})([-_.]?)(\d{2})\2(\d{2})(?!\d)")
_NUMBER = re.compile(r"(?<=[-_.])(?:w|week|span)?(\d{1,6})$", re.IGNORECASE)
_YEARS = range(1900, 2100)


def pattern(path: str) -> tuple[str, str] | None:
    """Return a pattern that matches later files too, and what the name holds: a date or a number.

    Args:
        path: Path of a file.

    Returns:
        The path with {YYYY}, {MM} and {DD}, or with {SPAN}; None if the name holds neither a date nor, at its end, a
        number.
    """
    folder, name = os.path.split(path)
    if match := _DATE.search(name):
        year, sign, month, day = match.groups()
        if _is_date(int(year), int(month), int(day)):
            dated = f"{{YYYY}}{sign}{{MM}}{sign}{{DD}}"
            return os.path.join(folder, name[: match.start()] + dated + name[match.end() :]), "date"
    stem, dot, extension = name.partition(".")
    if match := _NUMBER.search(stem):
        return os.path.join(folder, f"{stem[: match.start(1)]}{{SPAN}}{dot}{extension}"), "number"
    return None


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        datetime.date(year, month, day)
    except ValueError:
        return False
    return year in _YEARS
