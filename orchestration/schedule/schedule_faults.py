"""Errors that must not end the scheduler: each is logged once, and again when it changes or is resolved."""

import contextlib
import traceback
from collections.abc import Callable, Iterator

from errors import PipelineError


class Faults:
    """Current errors by subject.

    Args:
        say: Logs a line.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._known: dict[str, str] = {}

    def set(self, subject: str, reason: str | None) -> None:
        """Set or clear the error of a subject.

        Args:
            subject: A file or an activity.
            reason: The error; None to clear it.
        """
        before = self._known.get(subject)
        if reason is None and before is not None:
            del self._known[subject]
            self._say(f"{subject}: resolved")
        elif reason is not None and reason != before:
            self._known[subject] = reason
            self._say(reason if reason.startswith(subject) else f"{subject}: {reason}")

    @contextlib.contextmanager
    def within(self, subject: str) -> Iterator[None]:
        """Record any exception of the block as error of the subject."""
        try:
            yield
        except Exception as error:  # the next check tries again
            self.set(subject, described(error, subject))
        else:
            self.set(subject, None)


def described(error: Exception, subject: str) -> str:
    """Return the message of an error: that of a PipelineError, any other with type and place.

    Args:
        error: The exception.
        subject: A file or an activity.
    """
    if isinstance(error, PipelineError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{subject}: {type(error).__name__}: {error}{place}"
