r"""Output to standard output and standard error, with control characters from data escaped.

Column names, categories, cells, file names, config values and exception messages may contain anything: an escape
sequence that rewrites the screen, a line break followed by a forged message, a mark that reverses the text direction.
Two measures keep them apart from the output of the project:

- `line` prints one line, even if the text contains line breaks; `error` indents all lines except the first; `block`
  prints intentional line breaks, and its caller applies `visible` to the parts.
- Every command runs within `guarded`, which escapes all control characters except line breaks and tabs in anything that
  any library writes to either stream. `Styled` passes unchanged, and rich prints through inspection/console.py.

A reader that closes the pipe early, such as `head`, does not end a command, and neither does a stream that is closed
from the start; any other write error ends it with ResourceError.

The module imports no library, because stages import it and their cache keys contain the versions of their libraries.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from errors import ResourceError

_OURS = "\n\t"
"""Control characters that are allowed in a text of several lines."""


class Styled(str):
    """Text with escape sequences of this project."""

    __slots__ = ()


def visible(text: str, keep: str = "") -> str:
    r"""Escape control characters as \x1b, \n, \u202e and so on.

    Args:
        text: Any text. Everything that Python considers not printable is escaped: C0 and C1 controls, DEL, line and
            paragraph separators, bidirectional and zero-width marks, lone surrogates, spaces other than U+0020.
        keep: Characters that are not escaped.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char in keep else char.encode("unicode_escape").decode() for char in text
    )


def in_a_line(text: str) -> str:
    """Join the lines of a text with spaces and escape its control characters."""
    return visible(" ".join(text.split()))


def line(*texts: str, to: TextIO | None = None) -> None:
    """Print each text as one line.

    Args:
        texts: Any texts; control characters are escaped.
        to: Stream; None for standard output.
    """
    _write("".join(f"{visible(text)}\n" for text in texts), to or sys.stdout)


def block(text: str, to: TextIO | None = None) -> None:
    """Print a text of several lines; the caller applies `visible` to parts that come from data.

    Args:
        text: Text with all line breaks, including the last; or Styled.
        to: Stream; None for standard output.
    """
    _write(text, to or sys.stdout)


def error(message: str, head: str = "error") -> None:
    """Print a message to standard error; lines after the first are indented, to distinguish them from other messages.

    Args:
        message: One or more lines.
        head: Prefix of the message, such as its severity.
    """
    first_line, *later_lines = message.split("\n")
    line(f"{head}: {first_line}", *(f"{' ' * len(head)}  {text}" for text in later_lines), to=sys.stderr)


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Escape control characters except line breaks and tabs in both standard streams."""
    original_streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (_Guard(raw(stream or _nowhere())) for stream in original_streams)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = original_streams


class _Outlet:
    """A text stream whose reader may close the pipe."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write a text; a closed pipe is ignored."""
        with self._read():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream; a closed pipe is ignored."""
        with self._read():
            self._stream.flush()

    @contextlib.contextmanager
    def _read(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:  # the reader, such as head, closed the pipe
            self._silence()
        except OSError as error:
            path = self._path()
            self._silence()
            raise ResourceError(f"{path} cannot be written: {error.strerror or error}") from error

    def _path(self) -> str:
        """Return the file of the stream, such as a stage's log; the stream's name if it is not a file."""
        with contextlib.suppress(OSError, ValueError):
            path = os.readlink(f"/proc/self/fd/{self._stream.fileno()}")
            if os.path.isfile(path):
                return path
        return self._stream.name

    def _silence(self) -> None:
        """Redirect the stream to /dev/null, so that the interpreter's flush at exit does not fail."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")


class _Guard:
    """A text stream that escapes control characters."""

    def __init__(self, stream: Any) -> None:
        self.guarded = stream if isinstance(stream, _Outlet) else _Outlet(stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.guarded, name)

    def write(self, text: str) -> int:
        """Write a text; characters outside the stream's encoding are escaped."""
        clean = text if isinstance(text, Styled) else visible(text, keep=_OURS)
        encoding = self.guarded.encoding or "utf-8"
        self.guarded.write(clean.encode(encoding, "backslashreplace").decode(encoding))
        if "\n" in clean:
            self.guarded.flush()  # at interpreter exit an error would not be reported
        return len(text)

    def writelines(self, texts: Any) -> None:
        """Write texts in order."""
        for text in texts:
            self.write(text)


def raw(stream: TextIO) -> Any:
    """Return the stream of a guard, for writers that print styles and escape texts themselves."""
    return stream.guarded if isinstance(stream, _Guard) else stream


def _write(text: str, stream: TextIO | None) -> None:
    guard = stream if isinstance(stream, _Guard) else _Guard(stream or _nowhere())
    guard.write(text)
    guard.flush()
