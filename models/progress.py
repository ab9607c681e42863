"""Progress of a long stage: rows, rows per second and the remaining time, reported every few seconds."""

import math
import time
from collections.abc import Callable

FIRST_SECONDS = 3.0
"""Nothing is reported before: most stages are done by then."""
EVERY_SECONDS = 5.0

_listeners: list[Callable[[str], None]] = []


def listen(listener: Callable[[str], None]) -> None:
    """Register the function that receives progress, for the rest of this process."""
    _listeners[:] = [listener]


def tell(text: str) -> None:
    """Report the progress of the current stage."""
    for listener in _listeners:
        listener(text)


class Meter:
    """Counts finished work, and reports it from time to time.

    Args:
        unit: What is counted, in the plural.
        total: Expected number; infinity if unknown.
        clock: Seconds, from any start.
    """

    def __init__(
        self, unit: str = "rows", total: float = math.inf, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._unit, self._total, self._clock = unit, total, clock
        self._started = clock()
        self._due = self._started + FIRST_SECONDS
        self._done = 0

    def expect(self, total: float) -> None:
        """Set the expected number, once it is known."""
        self._total = total

    def add(self, number: int, more: str = "") -> None:
        """Count finished units.

        Args:
            number: Units since the last call.
            more: Text to append to a report.
        """
        self._done += number
        now = self._clock()
        if now < self._due:
            return
        self._due = now + EVERY_SECONDS
        rate = self._done / (now - self._started)
        parts = [self._counted(), f"{rate:,.0f} {self._unit}/s" if rate >= 1 else f"{1 / rate:.0f} s each"]
        if self._known and self._done < self._total:
            parts.append(f"about {_clock(max(self._total - self._done, 0) / rate)} left")
        tell(", ".join([*parts, *([more] if more else [])]))

    @property
    def _known(self) -> bool:
        return math.isfinite(self._total)

    def _counted(self) -> str:
        if not self._known:
            return f"{self._done:,} {self._unit}"
        return f"{self._done:,} of {max(self._total, self._done):,.0f} {self._unit}"


def _clock(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
