"""Faults that must not end the scheduler: each is logged once, and again when it changes or is gone."""

import contextlib
import traceback
from collections.abc import Callable, Iterator

from errors import PipelineError


class Faults:
    """What is wrong now, by subject.

    Args:
        say: Logs a line.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._known: dict[str, str] = {}

    def set(self, subject: str, reason: str | None) -> None:
        """Note that a subject has a fault, or has none any more.

        Args:
            subject: A file, or what was being done.
            reason: Why it cannot be used; None where it can.
        """
        before = self._known.get(subject)
        if reason is None and before is not None:
            del self._known[subject]
            self._say(f"{subject}: the fault is gone")
        elif reason is not None and reason != before:
            self._known[subject] = reason
            self._say(reason if reason.startswith(subject) else f"{subject}: {reason}")

    @contextlib.contextmanager
    def within(self, subject: str) -> Iterator[None]:
        """Turn any error of the block into a fault of the subject."""
        try:
            yield
        except Exception as error:  # the next look tries again
            self.set(subject, described(error, subject))
        else:
            self.set(subject, None)


def described(error: Exception, subject: str) -> str:
    """One message for an error: ours as they are, others with their type and place.

    Args:
        error: What was raised.
        subject: What it is about.
    """
    if isinstance(error, PipelineError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{subject}: {type(error).__name__}: {error}{place}"
