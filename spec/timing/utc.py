"""The form of points in time in outputs, records and names of files: UTC, whatever the zone of the machine."""

import time

_FORM = "%Y-%m-%dT%H:%M:%SZ"
_NAME = "%Y%m%d-%H%M%S"


def text(seconds: float | None = None) -> str:
    """Format a point in time as 2026-01-31T06:00:00Z.

    Args:
        seconds: Seconds since the epoch; None for now.
    """
    return time.strftime(_FORM, time.gmtime(seconds))


def name() -> str:
    """Return the current time as a part of a file's name, 20260131-060000, which sorts by time."""
    return time.strftime(_NAME, time.gmtime())
