"""How data files are opened: on this machine, or in a bucket by Beam's file systems."""

import contextlib
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

import pyarrow as pa

from components.ingestion.discovery import compression, folder_walk
from spec.rows.data_paths import is_remote


def within(path: str) -> list[str]:
    """A file itself, or all files below a folder, in order, but for those that stand beside data by their names."""
    return [os.path.join(path, name) for name in folder_walk.walk(path)] if os.path.isdir(path) else [path]


def open_binary(path: str) -> BinaryIO:
    """Open a file as it is, packed or not."""
    if not is_remote(path):
        return open(path, "rb")
    return cast(BinaryIO, file_systems().open(path, compression_type="uncompressed"))


def head(path: str, size: int = compression.HEAD_BYTES) -> bytes:
    """The first bytes of a file as it is."""
    with contextlib.closing(open_binary(path)) as file:
        return file.read(size)


def open_unpacked(path: str) -> BinaryIO:
    """Open a file, unpacked where its first bytes say that it is packed."""
    kind = compression.kind(head(path))
    return compression.unpacked(path, open_binary(path), kind)


@contextlib.contextmanager
def open_arrow(path: str) -> Iterator[pa.NativeFile]:
    """Open a file as an Arrow stream, unpacked; one that is remote, or that Arrow does not unpack, is copied first.

    Arrow's CSV reader reads ahead in a thread, and waits for it when it is dropped, with Python's lock in its hands.
    Where that thread needs the lock too, for a file that is Python's, both wait for ever: Arrow opens the file itself.
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
    """The path of a temporary file with what a source gives, a block at a time.

    Args:
        source: An open binary file, or anything else whose `read(size)` gives bytes.
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
    # Only buckets need it, and it takes seconds to import.
    with warnings.catch_warnings():
        # Google's clients announce which Pythons they will stop to support.
        warnings.simplefilter("ignore", FutureWarning)
        from apache_beam.io.filesystems import FileSystems

    return FileSystems
