"""Processes that tests start, and waiting for what they do."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

WAIT = 120.0
"""Seconds after which an event is missing, and not merely late: a process that imports TensorFlow may take a minute,
as CI runs five test processes on two cores."""


def wait_until(
    condition: Callable[[], object],
    missing: Callable[[], object] = lambda: "it did not happen",
    *,
    seconds: float = WAIT,
) -> None:
    """Wait until a condition holds.

    Args:
        condition: Whether the event has happened.
        missing: The message of the failure if it does not happen.
        seconds: Time after which it no longer will.
    """
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, missing()
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Return whether a process is running, and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def left(pids: Iterable[int]) -> list[int]:
    """Return the processes that do not end."""
    pids, end = list(pids), time.monotonic() + WAIT
    while time.monotonic() < end and any(map(alive, pids)):
        time.sleep(0.02)
    return list(filter(alive, pids))
