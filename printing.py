r"""The one way to standard output and standard error: what comes from data is shown, never obeyed.

Names of columns, categories, cells, files, values of a config and texts of exceptions may hold anything: an escape
sequence that rewrites the screen, a line break whose next line looks like ours, a mark that turns letters round. Two
things keep them apart from what we print:

- `line` prints one line, whatever its text holds; `error` indents all lines but the first; `block` is for texts that
  are of several lines on purpose, whose parts went through `visible`.
- Within `guarded`, in which every command runs, whatever else is written to either stream, by any library, loses its
  control characters but line breaks and tabs. `Styled` passes as it is, and rich prints by inspection/console.py.

A reader that has seen enough, as `head`, ends no command, and neither does a stream that is closed from the start; what
cannot be written for another reason ends it with ResourceError.

It imports no library, because stages import it, whose cache keys hold the versions of their libraries.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from errors import ResourceError

_OURS = "\n\t"
"""Control characters of a text that is of several lines on purpose."""


class Styled(str):
    """Text with escape sequences of ours."""

    __slots__ = ()


def visible(text: str, keep: str = "") -> str:
    r"""Write control characters as \x1b, \n, \u202e and so on.

    Args:
        text: Any text. Everything that Python counts as not printable is written out: C0 and C1 controls, DEL, line and
            paragraph separators, bidirectional and zero-width marks, lone surrogates, blanks other than the space.
        keep: Characters that stay as they are.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char in keep else char.encode("unicode_escape").decode() for char in text
    )


def in_a_line(text: str) -> str:
    """A text of several lines as one, its line breaks as blanks."""
    return visible(" ".join(text.split()))


def line(*texts: str, to: TextIO | None = None) -> None:
    """Print each text as one line.

    Args:
        texts: With anything in them.
        to: Standard output, where it is left out.
    """
    _write("".join(f"{visible(text)}\n" for text in texts), to or sys.stdout)


def block(text: str, to: TextIO | None = None) -> None:
    """Print a text of several lines as it is; what comes from data must be `visible` in it already.

    Args:
        text: With its line breaks, also the last one; or Styled.
        to: Standard output, where it is left out.
    """
    _write(text, to or sys.stdout)


def error(message: str, head: str = "error") -> None:
    """Print to standard error; lines after the first are indented, so that none can pass for another message.

    Args:
        message: In one or more lines.
        head: What it is, in front of it.
    """
    first, *rest = message.split("\n")
    line(f"{head}: {first}", *(f"{' ' * len(head)}  {text}" for text in rest), to=sys.stderr)


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Let no control character but line breaks and tabs through to either stream."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (_Guard(raw(stream or _nowhere())) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class _Outlet:
    """A text stream whose reader may go away."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write a text, while somebody reads."""
        with self._read():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Hand on what is written, while somebody reads."""
        with self._read():
            self._stream.flush()

    @contextlib.contextmanager
    def _read(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:  # the reader, such as head, has seen enough
            self._silence()
        except OSError as error:
            path = self._path()
            self._silence()
            raise ResourceError(f"{path} cannot be written: {error.strerror or error}") from error

    def _path(self) -> str:
        """The file behind the stream, such as a stage's log; the stream's name where there is none."""
        with contextlib.suppress(OSError, ValueError):
            path = os.readlink(f"/proc/self/fd/{self._stream.fileno()}")
            if os.path.isfile(path):
                return path
        return self._stream.name

    def _silence(self) -> None:
        """Let nothing be written any more, so that the interpreter's own flush does not complain."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")


class _Guard:
    """A text stream that shows control characters."""

    def __init__(self, stream: Any) -> None:
        self.guarded = stream if isinstance(stream, _Outlet) else _Outlet(stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.guarded, name)

    def write(self, text: str) -> int:
        """Write a text, in what the stream's encoding can say."""
        clean = text if isinstance(text, Styled) else visible(text, keep=_OURS)
        encoding = self.guarded.encoding or "utf-8"
        self.guarded.write(clean.encode(encoding, "backslashreplace").decode(encoding))
        if "\n" in clean:
            self.guarded.flush()  # not when the interpreter ends, where nobody is told
        return len(text)

    def writelines(self, texts: Any) -> None:
        """Write texts one after the other."""
        for text in texts:
            self.write(text)


def raw(stream: TextIO) -> Any:
    """The stream behind a guard, for what writes styles of its own and cleans its texts itself."""
    return stream.guarded if isinstance(stream, _Guard) else stream


def _write(text: str, stream: TextIO | None) -> None:
    guard = stream if isinstance(stream, _Guard) else _Guard(stream or _nowhere())
    guard.write(text)
    guard.flush()
