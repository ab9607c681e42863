"""Data files in buckets: found by a pattern, opened in place, or copied to this machine before anything reads them."""

import glob
import io
import json
import os
import re
from dataclasses import dataclass
from typing import Any, BinaryIO

import buckets
from errors import ResourceError, UserError
from spec.artifacts import atomic_files
from spec.rows import data_paths
from spec.rows.data_paths import Paths

BLOCK_BYTES = 1 << 20
"""Bytes of an object that are fetched at once, at least."""
STAMPS = ".stamps.json"
"""File beside the copies: path of a copy -> stamp of its object."""
_SIGNS = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Copies:
    """Copies of objects on this machine.

    Attributes:
        where: The addresses of the objects.
        paths: The paths of the data, with copies in place of objects.
        files: Number of objects.
        fetched: Number of objects that were copied now; copies of the others existed.
    """

    where: str
    paths: Paths
    files: int
    fetched: int

    @property
    def text(self) -> str:
        """Short description of the copies."""
        return f"{self.files:,} objects, {self.fetched:,} of them copied now"


def is_readable(path: str) -> bool:
    """Return whether a path is an address in a bucket of a known kind."""
    return path.partition("://")[0] in buckets.SCHEMES and data_paths.is_remote(path)


def matching(pattern: str) -> list[str]:
    """Return the addresses that match a pattern, sorted: `*` and `?` match no slash, `**` matches any.

    An address without wildcards matches an object, or else a folder that contains objects.

    Raises:
        ResourceError: the bucket cannot be used.
    """
    try:
        if not _SIGNS.search(pattern):
            has_objects = buckets.exists(pattern) or buckets.stamps(pattern)
            return [pattern] if has_objects else []
        return [uri for uri in _objects(pattern) if re.fullmatch(_expression(pattern), uri)]
    except buckets.BucketError as error:
        raise ResourceError(f"data.path: {error.strerror}") from error


def stamp(uri: str) -> str:
    """Return the stamp of an object, or of all objects below a folder; it changes with their content.

    Raises:
        ResourceError: the bucket cannot be used.
    """
    try:
        return json.dumps(_stamped(uri), sort_keys=True)
    except buckets.BucketError as error:
        raise ResourceError(f"data.path: {error.strerror}") from error


def opened(uri: str) -> BinaryIO:
    """Open an object, whose bytes are fetched as they are read.

    Raises:
        OSError: it does not exist, or the bucket cannot be used.
    """
    return io.BufferedReader(_Object(uri), BLOCK_BYTES)


def copied(paths: Paths, folder: str) -> Copies:
    """Copy the objects that paths name, if the folder has no copies with their stamps; remove copies of other objects.

    Args:
        paths: Paths and patterns, not all of them in a bucket.
        folder: Folder of the copies, as SCHEME/BUCKET/NAME. It must hold nothing else.

    Raises:
        UserError: a pattern matches no object.
        ResourceError: the bucket cannot be used, an object's name is no path, or a file cannot be written.
    """
    objects: dict[str, tuple[str, str]] = {}
    try:
        for _, pattern in data_paths.flat(paths):
            if is_readable(pattern):
                matches = _stamped(data_paths.as_glob(pattern))
                if not matches:
                    raise UserError(f"data.path: there is no object {pattern}. Put it there, or fix the path")
                objects |= {_place(uri): (uri, stamp) for uri, stamp in matches.items()}
        present_copies, fetched = _stored_stamps(folder), 0
        for relative_path, (uri, stamp) in objects.items():
            path = os.path.join(folder, relative_path)
            if present_copies.get(relative_path) != stamp or not os.path.isfile(path):
                buckets.copy(uri, path)
                fetched += 1
        for relative_path in present_copies.keys() - objects.keys():
            if os.path.lexists(os.path.join(folder, relative_path)):
                os.remove(os.path.join(folder, relative_path))
        os.makedirs(folder, exist_ok=True)
        stamps = {relative_path: stamp for relative_path, (_, stamp) in objects.items()}
        atomic_files.write(os.path.join(folder, STAMPS), json.dumps(stamps))
    except buckets.BucketError as error:
        raise ResourceError(f"data.path: {error.strerror}") from error
    except OSError as error:
        raise ResourceError(
            f"the objects of data.path cannot be copied to {folder}: {error.strerror or error}. Check free space and "
            "permissions"
        ) from error
    patterns = ", ".join(pattern for _, pattern in data_paths.flat(paths))
    return Copies(patterns, data_paths.mapped(paths, lambda path: _local(path, folder)), len(objects), fetched)


def home(uri: str, folder: str) -> tuple[str, str]:
    """Return the address of an address's bucket, and the folder of the copies of its objects."""
    scheme, bucket, _ = buckets.split(uri)
    return f"{scheme}://{bucket}", os.path.join(folder, scheme, bucket)


def _local(path: str, folder: str) -> str:
    if not is_readable(path):
        return path
    scheme, bucket, key = buckets.split(path)
    base = glob.escape(folder) if re.search(r"[*?\[{]", key) else folder
    return os.path.join(base, scheme, bucket, key)


def _stamped(pattern: str) -> dict[str, str]:
    """Return the objects that a pattern matches, or that are below the folder that it names, with their stamps."""
    if not _SIGNS.search(pattern):
        if buckets.exists(pattern):
            return {pattern: buckets.stamp(pattern)}
        folder = pattern.rstrip("/")
        return {f"{folder}/{name}": stamp for name, stamp in buckets.stamps(folder).items()}
    expression = re.compile(f"{_expression(pattern)}(/.*)?", re.DOTALL)
    return {uri: stamp for uri, stamp in _objects(pattern).items() if expression.fullmatch(uri)}


def _objects(pattern: str) -> dict[str, str]:
    """Return the objects below the last folder of a pattern without signs, with their stamps, sorted."""
    folder = _SIGNS.split(pattern)[0].rpartition("/")[0]
    return {f"{folder}/{name}": stamp for name, stamp in sorted(buckets.stamps(folder).items())}


def _expression(pattern: str) -> str:
    """Translate a pattern to a regular expression."""
    parts = re.split(r"(\*\*/?|\*|\?|\[[!^]?\]?[^\]]*\])", pattern)
    signs = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    translated = []
    for number, part in enumerate(parts):
        is_set = number % 2 and part not in signs
        translated.append(re.sub(r"^\[[!^]", "[^", part) if is_set else signs[part] if number % 2 else re.escape(part))
    return "".join(translated)


def _place(uri: str) -> str:
    """Return the path of an object's copy, relative to the folder of the copies; the client refuses names with `..`."""
    return os.path.join(*buckets.split(uri))


def _stored_stamps(folder: str) -> dict[str, str]:
    """Return the copies in a folder with their stamps; empty without a readable list of them."""
    try:
        with open(os.path.join(folder, STAMPS), encoding="utf-8") as file:
            stamps = json.load(file)
    except (OSError, ValueError):
        return {}
    return {
        relative_path: stamp
        for relative_path, stamp in stamps.items()
        if ".." not in relative_path.split("/") and relative_path[:1] != "/"
    }


class _Object(io.RawIOBase):
    """The bytes of an object, at any place."""

    def __init__(self, uri: str) -> None:
        self._uri, self._at = uri, 0
        self._store, self._key = buckets.parts(uri)
        with buckets.errors(uri):
            self._size = int(self._store.head(self._key)["size"])

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(0, {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence] + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        end = min(self._at + len(buffer), self._size)
        if end <= self._at:
            return 0
        with buckets.errors(self._uri):
            block = memoryview(self._store.get_range(self._key, start=self._at, end=end))
        buffer[: len(block)] = block
        self._at += len(block)
        return len(block)
