"""How far a long stage is: rows, rows a second and the time left, told every few seconds."""

import math
import time
from collections.abc import Callable

FIRST_SECONDS = 3.0
"""Nothing is told before: most stages are done by then."""
EVERY_SECONDS = 5.0

_listeners: list[Callable[[str], None]] = []


def listen(listener: Callable[[str], None]) -> None:
    """Have a function told how far a stage is, for the rest of this process."""
    _listeners[:] = [listener]


def tell(text: str) -> None:
    """Tell how far the stage is that runs now."""
    for listener in _listeners:
        listener(text)


class Meter:
    """Counts what is done, and tells it now and then.

    Args:
        unit: What is counted, in the plural.
        total: How many there will be; infinite where that is unknown.
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
        """Say how many there will be, once that is known."""
        self._total = total

    def add(self, number: int, more: str = "") -> None:
        """Count some.

        Args:
            number: How many were done since the last call.
            more: What else to say, where something is said.
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
