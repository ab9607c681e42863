"""Files of a version: its digest, and how they are written to this machine's disk."""

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from typing import BinaryIO

import buckets
from serving.ownership import RECORD
from spec.artifacts import atomic_files
from spec.rows.data_paths import is_remote

_BLOCK_BYTES = 1 << 20


def digest(folder: str) -> str:
    """Compute the digest of the names and contents of all files below a version's folder, except its record.

    Args:
        folder: A folder of this machine or of a bucket.

    Raises:
        ValueError: the folder contains a link to a folder, whose files a copy would lack.
    """
    digest = hashlib.sha256()
    for path in paths(folder):
        digest.update(path.encode() + b"\0")
        for block in blocks(f"{folder}/{path}"):
            digest.update(block)
    return digest.hexdigest()[:32]


def names(folder: str) -> list[str]:
    """List the names in a folder; empty if it does not exist.

    Raises:
        PermissionError: it may exist, and must not look empty.
    """
    if is_remote(folder):
        return buckets.names(folder)
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def is_folder(path: str) -> bool:
    """Return whether a path on this machine is a folder.

    Raises:
        PermissionError: a folder above it may not be entered.
    """
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except PermissionError:
        raise
    except OSError:
        return False


def paths(folder: str) -> list[str]:
    """List the paths of all files below a version's folder, except its record, sorted and relative to it.

    Raises:
        ValueError: the folder contains a link to a folder, whose files a copy would lack.
    """
    if is_remote(folder):
        return [path for path in buckets.files(folder) if path != RECORD]
    paths: list[str] = []
    for inner, folders, names in os.walk(folder):
        for link in (name for name in folders if os.path.islink(os.path.join(inner, name))):
            raise ValueError(f"{os.path.join(inner, link)} is a link to a folder: replace it with the folder")
        paths += [os.path.relpath(os.path.join(inner, name), folder) for name in names]
    return sorted(path for path in paths if path != RECORD)


def blocks(path: str) -> Iterator[bytes]:
    """Yield the bytes of a file of this machine or of a bucket."""
    if is_remote(path):
        yield from buckets.blocks(path)
        return
    with open(path, "rb") as file:
        while block := file.read(_BLOCK_BYTES):
            yield block


def copy(source: str, target: str) -> None:
    """Copy all files except the record to a folder of this machine, flushed to disk."""
    for path in paths(source):
        with open(os.path.join(source, path), "rb") as file:
            write(os.path.join(target, path), file)


def replace(path: str, content: bytes) -> None:
    """Write a file atomically, on this machine or in a bucket; its folder is created."""
    if is_remote(path):
        buckets.write(path, content)
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    atomic_files.write(path, content, flush=True)


def write(path: str, content: bytes | BinaryIO) -> None:
    """Write a file of this machine and flush it to disk."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        if isinstance(content, bytes):
            file.write(content)
        else:
            shutil.copyfileobj(content, file, _BLOCK_BYTES)
        file.flush()
        os.fsync(file.fileno())
