"""A served model's folder: one folder a version, named by a rising number, of which the highest serves.

On this machine a version comes and goes whole: it is made under a hidden name in the same folder, flushed to the disk,
checked, and only then renamed to its number. What another process sees is there entirely or not at all, whenever the
one that writes is killed. TF Serving and our own server pass over names that are no numbers.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

RECORD = "assets.extra/pushed.json"
"""In a version's folder, where other tools leave it alone: when it was pushed, the digest of its files, and of which
earlier version it is a copy."""
MODEL = "saved_model.pb"
"""The file of a version's folder that makes it loadable."""
_HIDDEN = re.compile(r"\.\d+\.(partial|old)")
_LOCK = ".lock"
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Version:
    """One served version.

    Attributes:
        number: Its number.
        pushed: When, in seconds since 1970; None where another tool put it there.
        digest: Of its files; None likewise.
        copy_of: The version that this one brought back; None for one of its own.
    """

    number: int
    pushed: float | None = None
    digest: str | None = None
    copy_of: int | None = None


def pushed(folder: str) -> list[int]:
    """Complete versions in a serving folder, rising."""
    if "://" in folder:
        from tfx.dsl.io import fileio

        there = [name.strip("/") for name in fileio.listdir(folder)] if fileio.exists(folder) else []
        # A folder of a bucket comes file by file, this one last.
        names = [name for name in there if name.isdecimal() and fileio.exists(f"{folder}/{name}/{MODEL}")]
    else:
        names = [entry.name for entry in os.scandir(folder) if entry.is_dir()] if os.path.isdir(folder) else []
    return sorted(int(name) for name in names if name.isascii() and name.isdigit())


def following(folder: str) -> int:
    """A version above all others: the time in seconds, or one more than the last where the clock lags behind."""
    return max([int(time.time()), *(version + 1 for version in pushed(folder)[-1:])])


def told(folder: str, number: int) -> Version:
    """What a version says of itself."""
    try:
        with open(os.path.join(folder, str(number), RECORD), encoding="utf-8") as file:
            record = json.load(file)
        return Version(number, record["pushed"], record["digest"], record.get("copy_of"))
    except (OSError, ValueError, KeyError, TypeError):
        return Version(number)


def serves(folder: str) -> str:
    """What serves, as a sentence without its full stop."""
    there = pushed(folder)
    return f"Version {there[-1]} serves on" if there else "Nothing is served yet"


def not_serving(destination: str) -> str | None:
    """Whether a push of an earlier run no longer decides what serves, so that the same model has to be pushed again.

    Args:
        destination: Where it was pushed to; empty where nothing was pushed.

    Returns:
        What is wrong, in a few words; None where that version serves, or one that was brought back since by hand.
    """
    if not destination or "://" in destination:
        return None
    folder, number = os.path.split(destination)
    there = pushed(folder)
    if not there:
        return "no longer served"
    newest = told(folder, there[-1])
    return None if newest.number == int(number) or newest.copy_of else f"no longer served: version {there[-1]} is newer"


def place(
    source: str,
    folder: str,
    *,
    check: Callable[[str], object],
    keep: int | None = None,
    copy_of: int | None = None,
) -> int:
    """Make a copy of a model the newest version of a serving folder on this machine.

    Args:
        source: The model's folder, on any of its filesystems.
        folder: The serving folder.
        check: Looks at the copy before it can be seen, and raises where it is not right.
        keep: How many of the last versions stay, the new one included; None for all.
        copy_of: The version that the source is, where it is one.

    Returns:
        Its number, above all that were there, also where the clock went back.

    Raises:
        OSError: the copy could not be written; nothing of it stays.
        Exception: what `check` raised; likewise.
    """
    os.makedirs(folder, exist_ok=True)
    with _locked(folder):
        _tidy(folder)
        number = following(folder)
        partial, final = os.path.join(folder, f".{number}.partial"), os.path.join(folder, str(number))
        try:
            _copy(source, partial)
            check(partial)
            record = {"pushed": time.time(), "digest": digest(partial), "copy_of": copy_of}
            _write(os.path.join(partial, RECORD), json.dumps(record).encode())
            for inner, _, _ in os.walk(partial, topdown=False):
                _flush(inner)
            os.rename(partial, final)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        _flush(folder)
        for old in pushed(folder)[:-keep] if keep else []:
            hidden = os.path.join(folder, f".{old}.old")
            os.rename(os.path.join(folder, str(old)), hidden)
            shutil.rmtree(hidden)
    return number


def bring_back(folder: str, number: int, *, keep: int | None = None) -> int:
    """Make an earlier version the newest, as a copy under a new number.

    Args:
        folder: The serving folder.
        number: The version to bring back; where it is a copy itself, the one that it copies is named in the new one.
        keep: How many of the last versions stay; None for all.

    Returns:
        The new number.

    Raises:
        ValueError: the version's files are not those that were pushed.
        OSError: the copy could not be written.
    """
    version = told(folder, number)
    source = os.path.join(folder, str(number))

    def check(copy: str) -> None:
        # The bytes that were loaded and asked when they were pushed need not be asked again.
        if digest(copy) != (version.digest or digest(source)):
            raise ValueError(f"version {number} is damaged: its files are not those that were pushed")

    return place(source, folder, check=check, keep=keep, copy_of=version.copy_of or number)


def before(folder: str) -> int | None:
    """The version to go back to: the one that served before the newest, or before the one that the newest copies.

    So going back twice goes back two versions, and never forth to the one that was left.
    """
    there = pushed(folder)
    if not there:
        return None
    newest = told(folder, there[-1])
    limit = newest.copy_of or newest.number
    earlier = [number for number in there if number < limit]
    return earlier[-1] if earlier else None


def digest(folder: str) -> str:
    """Digest of the names and contents of all files below a version's folder, but for its record."""
    whole = hashlib.sha256()
    for path in _files(folder):
        if path != RECORD:
            whole.update(path.encode() + b"\0")
            with open(os.path.join(folder, path), "rb") as file:
                while block := file.read(_BLOCK_BYTES):
                    whole.update(block)
    return whole.hexdigest()[:32]


def _files(folder: str) -> list[str]:
    return sorted(
        os.path.relpath(os.path.join(inner, name), folder) for inner, _, names in os.walk(folder) for name in names
    )


def _copy(source: str, target: str) -> None:
    os.makedirs(target)
    for path in _files(source):
        with open(os.path.join(source, path), "rb") as file:
            _write(os.path.join(target, path), file)


def _write(path: str, content: bytes | BinaryIO) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        if isinstance(content, bytes):
            file.write(content)
        else:
            shutil.copyfileobj(content, file, _BLOCK_BYTES)
        file.flush()
        os.fsync(file.fileno())


def _flush(folder: str) -> None:
    """Have a folder's list of names on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _tidy(folder: str) -> None:
    """Remove what killed pushes left; the lock says that none is going on."""
    for name in os.listdir(folder):
        if _HIDDEN.fullmatch(name):
            shutil.rmtree(os.path.join(folder, name))


@contextlib.contextmanager
def _locked(folder: str) -> Iterator[None]:
    """One push at a time; the system frees the lock of a process that is gone."""
    with open(os.path.join(folder, _LOCK), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
