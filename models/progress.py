"""Progress of a long stage: rows, rows per second and the remaining time, reported every few seconds."""

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator

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


@contextlib.contextmanager
def doing(text: str) -> Iterator[None]:
    """Report the activity of a stage that cannot count yet, if it takes longer than FIRST_SECONDS."""
    timer = threading.Timer(FIRST_SECONDS, tell, [text])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Meter:
    """Counts finished work, and reports it from time to time.

    Args:
        unit: Unit of the count, in the plural.
        total: Expected number; infinity if unknown.
        clock: Seconds, from any start.
        builds: Whether a TensorFlow graph is built before the first call of `add`; the rate excludes this time.
    """

    def __init__(
        self,
        unit: str = "rows",
        total: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
        *,
        builds: bool = False,
    ) -> None:
        self._unit, self._total, self._clock, self._builds = unit, total, clock, builds
        self._started, self._unrated = clock(), 0
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
        seconds = self._clock()
        if self._builds and not self._done:
            self._started, self._unrated = seconds, number
        self._done += number
        if seconds < self._due:
            return
        self._due = seconds + EVERY_SECONDS
        tell(", ".join([self._counted(), *self._rate(seconds), *([more] if more else [])]))

    def _rate(self, seconds: float) -> list[str]:
        """Return the rate and the remaining time; nothing if no rate is known yet."""
        rated = self._done - self._unrated
        if rated <= 0 or seconds <= self._started:
            return []
        rate = rated / (seconds - self._started)
        parts = [f"{rate:,.0f} {self._unit}/s" if rate >= 1 else f"{1 / rate:.0f} s each"]
        if self._known and self._done < self._total:
            parts.append(f"about {_clock(max(self._total - self._done, 0) / rate)} left")
        return parts

    @property
    def _known(self) -> bool:
        return math.isfinite(self._total)

    def _counted(self) -> str:
        if not self._known:
            return f"{self._done:,} {self._unit}"
        return f"{self._done:,} of {max(self._total, self._done):,.0f} {self._unit}"


def _clock(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
