"""Texts of the cells of an Excel sheet."""

import datetime
from typing import Any

_MIDNIGHT = datetime.time()


def text(cell: Any) -> str | None:
    """Convert a cell to its text in CSV; None for an error value."""
    value = cell.value
    if cell.data_type == "e":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        # Excel has no date type: pandas writes dates as midnights.
        return value.date().isoformat() if value.time() == _MIDNIGHT else value.isoformat(" ", "seconds")
    if isinstance(value, datetime.timedelta):
        return f"{value.total_seconds():.12g}"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value)
