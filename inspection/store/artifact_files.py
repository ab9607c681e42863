"""Files of artifacts on this machine."""

import gzip
import json
import os
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO, TypeVar

from google.protobuf import text_format
from google.protobuf.message import DecodeError, Message

import manifest
from errors import ResourceError, UserError
from inspection.store import file_rights
from manifest import Shard

_Message = TypeVar("_Message", bound=Message)
_Value = TypeVar("_Value")
_FIRST = ("train", "eval", "test")
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
    if file_rights.hidden(path) or (os.path.exists(path) and not file_rights.readable(path)):
        raise ResourceError(f"{what}: {file_rights.refusal(path, 'read')}")
    if not os.path.exists(path):
        raise ResourceError(f"{what}: {path} is not there: it was deleted, or made on another machine")
    return path


def splits(path: str, names: str = "") -> dict[str, str]:
    """Maps the splits of an artifact to their folders, train, eval and test first.

    Args:
      path: The artifact's folder.
      names: Its splits as the property `split_names` has them, a JSON list; empty where it has none, for all folders.

    Raises:
      ResourceError: A split has no folder.
    """
    found = {}
    for name in _listed(path):
        inner = os.path.join(path, name)
        if os.path.isdir(inner) and re.match(r"Split-|split_", name):
            found[re.sub(r"^(Split-|split_)", "", name)] = inner
    if not found and any(name in _FIRST for name in _listed(path)):  # TFX before 1.0
        found = {name: os.path.join(path, name) for name in _listed(path) if os.path.isdir(os.path.join(path, name))}
    declared = _split_names(names)
    for name in declared:
        if name not in found:
            raise ResourceError(f"{path} has no folder of split {name!r}; {manifest.AGAIN}")
    return _ordered({name: found[name] for name in declared or found})


def _split_names(text: str) -> list[str]:
    try:
        names = json.loads(text or "[]")
    except ValueError:
        return []
    return [str(name) for name in names] if isinstance(names, list) else []


def _ordered(splits: dict[str, _Value]) -> dict[str, _Value]:
    return dict(sorted(splits.items(), key=lambda item: (_FIRST.index(item[0]) if item[0] in _FIRST else 3, item[0])))


class _Storage:
    """Files of this machine."""

    def read(self, path: str) -> bytes | None:
        return read(path) if os.path.exists(path) else None

    def names(self, folder: str) -> list[str]:
        return _listed(folder) if os.path.isdir(folder) else []


def examples(uri: str, what: str) -> dict[str, list[Shard]]:
    """Maps the splits of an Examples artifact to the files that it declares, train, eval and test first.

    Args:
      uri: Where ML Metadata says that it is.
      what: How a message names the artifact.

    Raises:
      UserError: It is in a bucket.
      ResourceError: It is gone, a file is missing, or it does not tell its files.
    """
    path = folder(uri, what)
    found = {
        split: [replace(shard, path=os.path.join(path, shard.path)) for shard in shards]
        for split, shards in manifest.read(path, _Storage()).splits.items()
    }
    for shard in (shard for shards in found.values() for shard in shards):
        if not os.path.isfile(shard.path):
            raise ResourceError(manifest.missing(shard.path))
    return _ordered(found)


def rows(shards: Sequence[Shard]) -> Iterator[bytes]:
    """Reads the records of a split's files, and checks that each file holds as many as are declared.

    Raises:
      ResourceError: A file is damaged, or holds more or fewer.
    """
    for shard in shards:
        count = 0
        for record in records(shard.path):
            yield record
            count += 1
        if shard.rows is not None and count != shard.rows:
            raise ResourceError(manifest.rows_differ(shard.path, count, shard.rows))


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


def sharded(path: str, pattern: str) -> list[str]:
    """Returns the files of a folder that fit a regular expression, which are one file or one complete set of shards.

    Raises:
      ResourceError: A shard is missing, or is of another set.
    """
    found = [os.path.basename(file) for file in named(path, pattern)]
    if any("-of-" in name for name in found):
        found = manifest.complete(path, found)
    return [os.path.join(path, name) for name in found]


def named(path: str, pattern: str) -> list[str]:
    """Returns the files of a folder whose whole name fits a regular expression, in order."""
    return [os.path.join(path, name) for name in _listed(path) if re.fullmatch(pattern, name)]
