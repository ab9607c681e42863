"""Files of artifacts on this machine."""

import gzip
import os
import re
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, TypeVar

from google.protobuf import text_format
from google.protobuf.message import DecodeError, Message

from errors import ResourceError, UserError

_Message = TypeVar("_Message", bound=Message)
_MOST = 1 << 31
"""Bytes of one record: no proto can be longer, so a longer one is damage."""


def folder(uri: str, what: str) -> str:
    """Returns the path of an artifact's folder or file.

    Args:
      uri: Where ML Metadata says that it is.
      what: How a message names the artifact.

    Raises:
      UserError: It is in a bucket.
      ResourceError: It is gone, or was never on this machine.
    """
    path = uri.removeprefix("file://")
    if re.match(r"[A-Za-z][\w+.-]*://", path):
        raise UserError(f"{what} is at {uri}, which only its own tools can read: copy it to this machine first")
    if not os.path.exists(path):
        raise ResourceError(f"{what}: {path} is not there: it was deleted, or made on another machine")
    return path


def splits(path: str) -> dict[str, str]:
    """Maps the splits of an artifact to their folders, train, eval and test first."""
    first = ("train", "eval", "test")
    found = {}
    for name in _listed(path):
        inner = os.path.join(path, name)
        if os.path.isdir(inner) and re.match(r"Split-|split_", name):
            found[re.sub(r"^(Split-|split_)", "", name)] = inner
    if not found and any(name in first for name in _listed(path)):  # TFX before 1.0
        found = {name: os.path.join(path, name) for name in _listed(path) if os.path.isdir(os.path.join(path, name))}
    return dict(sorted(found.items(), key=lambda item: (first.index(item[0]) if item[0] in first else 3, item[0])))


def records(path: str) -> Iterator[bytes]:
    """Reads the records of a TFRecord file, gzipped or not.

    Raises:
      ResourceError: The file is cut off or is none.
    """
    number = 0
    try:
        with open(path, "rb") as raw:
            packed = raw.peek(2)[:2] == b"\x1f\x8b"
            with gzip.open(raw) if packed else raw as file:
                while head := file.read(12):  # length and its checksum
                    (length,) = struct.unpack("<Q", head[:8])
                    if len(head) < 12 or length > _MOST:
                        raise EOFError
                    yield _exactly(file, length)
                    _exactly(file, 4)
                    number += 1
    except (EOFError, zlib.error, gzip.BadGzipFile, struct.error) as error:
        raise ResourceError(f"{path} is damaged after record {number}: it is cut off or no TFRecord file") from error
    except OSError as error:
        raise ResourceError(f"{path} cannot be read: {error.strerror or error}") from error


def _exactly(file: "BinaryIO | gzip.GzipFile", length: int) -> bytes:
    found = file.read(length)
    if len(found) < length:
        raise EOFError
    return found


def read(path: str) -> bytes:
    """Reads a whole file; ResourceError where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ResourceError(f"{path} cannot be read: {error.strerror or error}") from error


def message(path: str, kind: "type[_Message]", content: bytes | None = None) -> _Message:
    """Parses a serialized proto or, where the file's name ends in `txt`, its text.

    Raises:
      ResourceError: The file cannot be read or holds something else.
    """
    content = read(path) if content is None else content
    try:
        parsed: _Message = kind()
        if path.endswith("txt"):
            text_format.Parse(content.decode(), parsed)
        else:
            parsed.ParseFromString(content)
    except (DecodeError, text_format.ParseError, UnicodeDecodeError) as error:
        told = str(error).strip().splitlines() or [""]
        raise ResourceError(f"{path} is damaged: it holds no {kind.__name__}: {told[0][:200]}") from error
    return parsed


def _listed(path: str) -> list[str]:
    try:
        return sorted(os.listdir(path))
    except OSError as error:
        raise ResourceError(f"{path} cannot be read: {error.strerror or error}") from error


def named(path: str, pattern: str) -> list[str]:
    """Returns the files of a folder whose whole name fits a regular expression, in order."""
    return [os.path.join(path, name) for name in _listed(path) if re.fullmatch(pattern, name)]
