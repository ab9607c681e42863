"""Detection and decompression of gzip, bzip2, xz and zip files, by their first bytes."""

import bz2
import contextlib
import gzip
import lzma
import os
import re
import zipfile
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, cast

from components.ingestion.discovery import stray_files
from errors import UserError

HEAD_BYTES = 16
"""Number of first bytes that identify the compression."""
ENDINGS = (".gz", ".bz2", ".xz", ".zip")
"""Extensions of compressed files; the first bytes decide."""
FAULTS = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError)
"""Exceptions that a truncated or damaged compressed file raises."""
ARROW = {"gzip": "gzip", "bz2": "bz2"}
"""Compressions that Arrow reads itself -> its names for them."""
_MAGIC = {
    "gzip": re.compile(rb"\x1f\x8b\x08"),
    "bz2": re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"),
    "xz": re.compile(rb"\xfd7zXZ\0"),
    "zip": re.compile(rb"PK\x03\x04|PK\x05\x06"),
}
_LISTED = 3
"""Maximum number of an archive's files that a message names."""


def kind(head: bytes) -> str | None:
    """Return the compression of a file.

    Args:
        head: The first HEAD_BYTES of the file.

    Returns:
        gzip, bz2, xz or zip; None if the file is not compressed.
    """
    return next((kind for kind, magic in _MAGIC.items() if magic.match(head)), None)


def bare(path: str) -> str:
    """Return a path in lower case without the extension of its compression."""
    low = path.lower()
    return next((low.removesuffix(ending) for ending in ENDINGS if low.endswith(ending)), low)


def unpacked(path: str, file: BinaryIO, kind: str | None) -> BinaryIO:
    """Open the decompressed content of a file as a stream; closing the stream closes the file.

    Args:
        path: Path of the file, for messages.
        file: The open file; a zip archive must be seekable.
        kind: Compression, as `kind` returns it.

    Raises:
        UserError: a zip archive contains no file, several files, or an encrypted one.
    """
    if kind is None:
        return file
    if kind == "zip":
        return _member(path, file)
    opened: dict[str, Callable[[BinaryIO], Any]] = {"gzip": gzip.open, "bz2": bz2.open, "xz": lzma.open}
    return cast(BinaryIO, _Closing(opened[kind](file), file))


def member(path: str, file: BinaryIO) -> str:
    """Return the name of the only data file in a zip archive.

    Raises:
        UserError: the archive contains no data file, or several.
    """
    try:
        return _single_entry(path, zipfile.ZipFile(file)).filename
    except FAULTS as error:
        raise UserError(f"{path} cannot be read as a zip archive: {error}") from error


def beside(path: str) -> list[tuple[str, str]]:
    """Return the name and reason of each file of a local zip archive that is not data; none for any other file."""
    if not path.lower().endswith(".zip"):
        return []
    with contextlib.suppress(*FAULTS), zipfile.ZipFile(path) as archive:
        names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
        return [(name, reason) for name in names if (reason := _not_data(name)) is not None]
    return []


def _member(path: str, file: BinaryIO) -> BinaryIO:
    archive = zipfile.ZipFile(file)
    only = _single_entry(path, archive)
    if only.flag_bits & 1:
        raise UserError(f"{path} is a zip archive with a password: unpack it, as with `unzip {path}`")
    return cast(BinaryIO, _Closing(archive.open(only), file))


def _single_entry(path: str, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """Return the only data file of an archive; system files and documentation next to it do not count."""
    data = [entry for entry in archive.infolist() if not entry.is_dir() and _not_data(entry.filename) is None]
    if len(data) == 1:
        return data[0]
    names = ", ".join(entry.filename for entry in data[:_LISTED]) + (", ..." if len(data) > _LISTED else "")
    content = f"{len(data)} files ({names})" if data else "no data file"
    raise UserError(
        f"{path} is a zip archive of {content}, and one is expected: unpack it, as with `unzip {path} -d FOLDER`, and "
        "name the file or the folder in data.path"
    )


def _not_data(name: str) -> str | None:
    """Return why a file of an archive is not data; None if it may be."""
    *folders, file_name = name.split("/")
    reasons = (stray_files.reason(folder_name, folder=True) for folder_name in folders)
    return next(filter(None, reasons), None) or stray_files.reason(file_name)


class _Closing:
    """A decompressed stream that also closes its file.

    Args:
        stream: The decompressed stream.
        file: The compressed file that it reads.
    """

    def __init__(self, stream: Any, file: BinaryIO) -> None:
        self._stream, self._file = stream, file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def close(self) -> None:
        """Close the stream and its file."""
        with contextlib.closing(self._file):
            self._stream.close()


def size(path: str) -> int:
    """Return the decompressed size of a local file in bytes if the file states it, else its size on disk."""
    with open(path, "rb") as file:
        packed, size_in_bytes = kind(file.read(HEAD_BYTES)), os.path.getsize(path)
        if packed == "gzip" and size_in_bytes >= _GZIP_LEAST:
            file.seek(-4, os.SEEK_END)
            return int.from_bytes(file.read(), "little")
        if packed == "zip":
            with contextlib.suppress(*FAULTS):
                return sum(entry.file_size for entry in zipfile.ZipFile(file).infolist())
    return size_in_bytes


_GZIP_LEAST = 18
"""Size of the shortest gzip file in bytes; the last four bytes of a gzip file are its decompressed size."""
