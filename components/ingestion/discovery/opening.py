"""Opening of data files: locally, in a bucket, or at another address with Beam's file systems."""

import contextlib
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

import pyarrow as pa

from components.ingestion.discovery import bucket_files, compression, folder_walk
from spec.rows.data_paths import is_remote


def within(path: str) -> list[str]:
    """List a file, or all data files below a folder in order; files that by their names are not data are skipped."""
    return [os.path.join(path, name) for name in folder_walk.walk(path)] if os.path.isdir(path) else [path]


def open_binary(path: str) -> BinaryIO:
    """Open a file without decompressing it."""
    if not is_remote(path):
        return open(path, "rb")
    if bucket_files.is_readable(path):
        return bucket_files.opened(path)
    return cast(BinaryIO, file_systems().open(path, compression_type="uncompressed"))


def head(path: str, size: int = compression.HEAD_BYTES) -> bytes:
    """Read the first bytes of a file without decompressing it."""
    with contextlib.closing(open_binary(path)) as file:
        return file.read(size)


def open_unpacked(path: str) -> BinaryIO:
    """Open a file, decompressed if its first bytes say that it is compressed."""
    kind = compression.kind(head(path))
    return compression.unpacked(path, open_binary(path), kind)


@contextlib.contextmanager
def open_arrow(path: str) -> Iterator[pa.NativeFile]:
    """Open a file as a decompressed Arrow stream; a remote file, or one that Arrow cannot decompress, is copied first.

    Arrow's CSV reader prefetches in a thread and joins it on destruction while it holds the GIL. With a Python file
    object that thread needs the GIL too, which is a deadlock: Arrow therefore opens the file itself.
    """
    with contextlib.ExitStack() as streams:
        kind = compression.kind(head(path))
        native = kind is None or kind in compression.ARROW
        local = path
        if is_remote(path) or not native:
            with contextlib.closing(open_binary(path) if native else open_unpacked(path)) as source:
                local = streams.enter_context(copied(source))
        yield streams.enter_context(pa.input_stream(local, compression=compression.ARROW.get(kind or "")))


@contextlib.contextmanager
def copied(source: Any) -> Iterator[str]:
    """Copy a stream to a temporary file, one block at a time.

    Args:
        source: An open binary file, or any object whose `read(size)` returns bytes.

    Yields:
        Path of the temporary file, which is deleted on exit.
    """
    with tempfile.NamedTemporaryFile(prefix="pipeline-data-") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)
        copy.flush()
        yield copy.name


def file_system_error() -> Any:
    """Return the error that Beam's file systems raise."""
    from apache_beam.io.filesystem import BeamIOError

    return BeamIOError


def file_systems() -> Any:
    """Return Beam's file systems."""
    # Only such addresses need Beam, and its import takes seconds.
    with warnings.catch_warnings():
        # Google's clients warn of Python versions that they will stop supporting.
        warnings.simplefilter("ignore", FutureWarning)
        from apache_beam.io.filesystems import FileSystems

    return FileSystems
