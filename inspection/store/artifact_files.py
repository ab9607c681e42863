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

import buckets
import manifest
from errors import ResourceError, UserError
from inspection.store import bucket_artifacts, file_rights
from manifest import Shard
from spec.rows.data_paths import is_remote

_Message = TypeVar("_Message", bound=Message)
_Value = TypeVar("_Value")
_SPLIT_ORDER = ("train", "eval", "test")
_MAX_RECORD_BYTES = 1 << 31
"""A proto cannot be longer, so a longer record means that the file is damaged."""


def folder(uri: str, name: str) -> str:
    """Return the local path of an artifact's folder or file.

    Args:
      uri: URI of the artifact in ML Metadata.
      name: Name of the artifact in messages.

    Raises:
      UserError: The artifact is on a file system that is unknown here.
      ResourceError: The folder does not exist on this machine, or cannot be read.
    """
    path = uri.removeprefix("file://")
    if path.startswith(tuple(f"{scheme}://" for scheme in buckets.SCHEMES)):
        return bucket_artifacts.local(path, name)
    if re.match(r"[A-Za-z][\w+.-]*://", path):
        raise UserError(f"{name} is at {uri}, which cannot be read from here: copy it to this machine first")
    if file_rights.hidden(path) or (os.path.exists(path) and not file_rights.readable(path)):
        raise ResourceError(f"{name}: {file_rights.refusal(path, 'read')}")
    if not os.path.exists(path):
        raise ResourceError(f"{name}: {path} does not exist: it was deleted, or is on another machine")
    return path


def exists(path: str) -> bool:
    """Return whether a file exists.

    Raises:
      ResourceError: A folder above it may not be entered, so that it may exist unseen.
    """
    if file_rights.hidden(path):
        raise ResourceError(file_rights.refusal(path, "read"))
    return os.path.exists(path)


def splits(path: str, names: str = "") -> dict[str, str]:
    """Map the splits of an artifact to their folders: train, eval and test first.

    Args:
      path: The artifact's folder.
      names: Property `split_names`, a JSON list; if empty, all split folders are returned.

    Raises:
      ResourceError: A split has no folder.
    """
    folders = {}
    for name in _names(path):
        folder = os.path.join(path, name)
        if os.path.isdir(folder) and re.match(r"Split-|split_", name):
            folders[re.sub(r"^(Split-|split_)", "", name)] = folder
    if not folders and any(name in _SPLIT_ORDER for name in _names(path)):  # TFX before 1.0
        folders = {name: os.path.join(path, name) for name in _names(path) if os.path.isdir(os.path.join(path, name))}
    declared = _split_names(names)
    for name in declared:
        if name not in folders:
            raise ResourceError(f"{path} has no folder of split {name!r}; {manifest.AGAIN}")
    return _ordered({name: folders[name] for name in declared or folders})


def _split_names(text: str) -> list[str]:
    try:
        names = json.loads(text or "[]")
    except ValueError:
        return []
    return [str(name) for name in names] if isinstance(names, list) else []


def _ordered(splits: dict[str, _Value]) -> dict[str, _Value]:
    return dict(
        sorted(
            splits.items(), key=lambda item: (_SPLIT_ORDER.index(item[0]) if item[0] in _SPLIT_ORDER else 3, item[0])
        )
    )


class _Storage:
    """Local files, as `manifest.read` needs them."""

    def read(self, path: str) -> bytes | None:
        return read(path) if os.path.exists(path) else None

    def names(self, folder: str) -> list[str]:
        return _names(folder) if os.path.isdir(folder) else []


def examples(uri: str, name: str) -> dict[str, list[Shard]]:
    """Map the splits of an Examples artifact to the files that its manifest lists: train, eval and test first.

    Args:
      uri: URI of the artifact in ML Metadata.
      name: Name of the artifact in messages.

    Raises:
      UserError: The artifact is in a bucket.
      ResourceError: The artifact, a file or its manifest is missing.
    """
    if is_remote(uri.removeprefix("file://")):
        raise UserError(f"{name} is at {uri}, whose rows cannot be read from here: copy it to this machine first")
    path = folder(uri, name)
    shards_by_split = {
        split: [replace(shard, path=os.path.join(path, shard.path)) for shard in shards]
        for split, shards in manifest.read(path, _Storage()).splits.items()
    }
    for shard in (shard for shards in shards_by_split.values() for shard in shards):
        if not os.path.isfile(shard.path):
            raise ResourceError(manifest.missing(shard.path))
    return _ordered(shards_by_split)


def rows(shards: Sequence[Shard]) -> Iterator[bytes]:
    """Read the records of a split's files, and check that each file contains as many as the manifest says.

    Raises:
      ResourceError: A file is damaged, or contains more or fewer records.
    """
    for shard in shards:
        count = 0
        for record in records(shard.path):
            yield record
            count += 1
        if shard.rows is not None and count != shard.rows:
            raise ResourceError(manifest.rows_differ(shard.path, count, shard.rows))


def records(path: str) -> Iterator[bytes]:
    """Read the records of a TFRecord file, gzipped or not.

    Raises:
      ResourceError: The file is truncated, is not a TFRecord file, or cannot be read.
    """
    number = 0
    try:
        with open(path, "rb") as raw:
            packed = raw.peek(2)[:2] == b"\x1f\x8b"
            with gzip.open(raw) if packed else raw as file:
                while head := file.read(12):  # length and its checksum
                    (length,) = struct.unpack("<Q", head[:8])
                    if len(head) < 12 or length > _MAX_RECORD_BYTES:
                        raise EOFError
                    yield _read_exactly(file, length)
                    _read_exactly(file, 4)
                    number += 1
    except (EOFError, zlib.error, gzip.BadGzipFile, struct.error) as error:
        raise ResourceError(
            f"{path} is damaged after record {number}: it is truncated or not a TFRecord file"
        ) from error
    except OSError as error:
        raise ResourceError(f"{path} cannot be read: {error.strerror or error}") from error


def _read_exactly(file: "BinaryIO | gzip.GzipFile", length: int) -> bytes:
    content = file.read(length)
    if len(content) < length:
        raise EOFError
    return content


def read(path: str) -> bytes:
    """Read a file.

    Raises:
      ResourceError: The file cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ResourceError(f"{path} cannot be read: {error.strerror or error}") from error


def message(path: str, kind: "type[_Message]", content: bytes | None = None) -> _Message:
    """Parse a serialized proto, or its text format if the file's name ends in `txt`.

    Args:
      path: The file; with `content`, only its name is used.
      kind: The proto's class.
      content: The serialized proto; None to read it from the file.

    Raises:
      ResourceError: The file cannot be read, or does not contain this proto.
    """
    content = read(path) if content is None else content
    try:
        parsed: _Message = kind()
        if path.endswith("txt"):
            text_format.Parse(content.decode(), parsed)
        else:
            parsed.ParseFromString(content)
    except (DecodeError, text_format.ParseError, UnicodeDecodeError) as error:
        details = str(error).strip().splitlines() or [""]
        raise ResourceError(f"{path} is damaged: it does not contain a {kind.__name__}: {details[0][:200]}") from error
    return parsed


def _names(path: str) -> list[str]:
    try:
        return sorted(os.listdir(path))
    except OSError as error:
        raise ResourceError(f"{path} cannot be read: {error.strerror or error}") from error


def sharded(path: str, pattern: str) -> list[str]:
    """Return the files of a folder that match a regular expression: one file or one complete set of shards.

    Raises:
      ResourceError: A shard is missing, or belongs to another set.
    """
    names = [os.path.basename(file) for file in matching_files(path, pattern)]
    if any("-of-" in name for name in names):
        names = manifest.complete(path, names)
    return [os.path.join(path, name) for name in names]


def matching_files(path: str, pattern: str) -> list[str]:
    """Return the files of a folder whose whole name matches a regular expression, sorted."""
    return [os.path.join(path, name) for name in _names(path) if re.fullmatch(pattern, name)]
