"""Names of spans in messages. In TFX and in all records a span is a number."""

import datetime

EPOCH = datetime.date(1970, 1, 1).toordinal()
WEEK_START = 3
"""Days from Monday to 1970-01-01, which was a Thursday."""


def shown(number: int, unit: str) -> str:
    """Return a span as messages show it.

    Args:
        number: The span.
        unit: What it counts from 1970: day, week or month; empty for a number in the names of files.

    Returns:
        A day as 2024-05-01, a week as its Monday, a month as 2024-05, another span as its number.
    """
    if unit == "month":
        return f"{1970 + number // 12}-{number % 12 + 1:02d}"
    if unit:
        return datetime.date.fromordinal(EPOCH + (number if unit == "day" else number * 7 - WEEK_START)).isoformat()
    return str(number)
