"""Atomic writes of files: a reader sees the earlier content or all of the new one, even if the writer is killed."""

import contextlib
import os
from collections.abc import Iterator
from typing import BinaryIO


@contextlib.contextmanager
def opened(path: str, *, draft: str | None = None, flush: bool = False) -> Iterator[BinaryIO]:
    """Open a draft for bytes that replaces a file when the `with` block ends.

    If the block fails, the draft is removed and the file is unchanged.

    Args:
        path: File to write, in a folder that exists.
        draft: Path of the draft, on the same file system; None for the path with `.partial` appended.
        flush: Whether the content is flushed to disk before it replaces the file, so that it survives a power failure.

    Raises:
        OSError: the file cannot be written.
    """
    draft = draft or f"{path}.partial"
    # A draft that cannot be opened may be a file of the user, and stays.
    with open(draft, "wb") as file:
        try:
            yield file
            file.flush()
            if flush:
                os.fsync(file.fileno())
        except BaseException:
            with contextlib.suppress(OSError):
                os.remove(draft)
            raise
    os.replace(draft, path)


def write(path: str, content: str | bytes, *, draft: str | None = None, flush: bool = False) -> None:
    """Write a file atomically; text is encoded as UTF-8, and the other arguments and errors are those of `opened`."""
    encoded = content.encode() if isinstance(content, str) else content
    with opened(path, draft=draft, flush=flush) as file:
        file.write(encoded)


def fsync(path: str) -> None:
    """Flush a file of this machine, or the entries of a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
