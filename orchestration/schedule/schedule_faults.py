"""Current errors of a scheduler, which must not end it: each is logged when it occurs, changes or is resolved."""

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
        earlier_reason = self._known.get(subject)
        if reason is None and earlier_reason is not None:
            del self._known[subject]
            self._say(f"{subject}: resolved")
        elif reason is not None and reason != earlier_reason:
            self._known[subject] = reason
            self._say(reason if reason.startswith(subject) else f"{subject}: {reason}")

    @contextlib.contextmanager
    def within(self, subject: str) -> Iterator[None]:
        """Record an exception of the block as the error of the subject, and suppress it."""
        try:
            yield
        except Exception as error:  # the next check tries again
            self.set(subject, described(error, subject))
        else:
            self.set(subject, None)


def described(error: Exception, subject: str) -> str:
    """Return the message of an error; for an error that is not a PipelineError, with its type and location.

    Args:
        error: The exception.
        subject: A file or an activity.
    """
    if isinstance(error, PipelineError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    location = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{subject}: {type(error).__name__}: {error}{location}"
