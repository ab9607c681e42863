"""A served model's folder: one folder a version, named by a rising number, of which the highest serves.

On this machine a version comes and goes whole: it is made under a hidden name in the same folder, flushed to the disk,
checked, and only then renamed to its number. What another process sees is there entirely or not at all, whenever the
one that writes is killed. TF Serving and our own server pass over names that are no numbers. Versions that this
pipeline did not push are never changed, renamed or removed: see serving/ownership.py.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from serving import ownership, version_removal
from serving.ownership import RECORD as RECORD  # its other users find it here

MODEL = "saved_model.pb"
"""The file of a version's folder that makes it loadable."""
_MODELS = (MODEL, f"{MODEL}txt")
_HIGHEST = 2**63 - 1
"""TF Serving reads a version as an int64 and passes over higher numbers."""
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
        model: Path of the model's artifact relative to the pipeline's folder, or its URI; None where it is not known.
        ours: Whether this pipeline pushed it, under this number.
        kept: What else its record keeps.
    """

    number: int
    pushed: float | None = None
    digest: str | None = None
    copy_of: int | None = None
    model: str | None = None
    ours: bool = False
    kept: Mapping[str, Any] = field(default_factory=dict)

    @property
    def span(self) -> int:
        """Of the data that its model was made from; 0 where the data has none."""
        return int(self.kept.get("span") or 0)

    @property
    def declines(self) -> Mapping[str, float]:
        """Metric -> share by which its model is below the best before it."""
        found: Mapping[str, float] = self.kept.get("declines") or {}
        return found


def numbered(folder: str) -> dict[int, str]:
    """Names in a serving folder that TF Serving reads as versions, whatever they are, by number."""
    if "://" in folder:
        from tfx.dsl.io import fileio

        names = [name.strip("/") for name in fileio.listdir(folder)] if fileio.exists(folder) else []
    else:
        names = os.listdir(folder) if os.path.isdir(folder) else []
    numbers = [name for name in names if name.isascii() and name.isdigit() and int(name) <= _HIGHEST]
    # Of 7 and 007 the plain one comes last, and stays.
    return {int(name): name for name in sorted(numbers, key=lambda name: (int(name), -len(name)))}


def pushed(folder: str) -> list[int]:
    """Complete versions in a serving folder, rising."""
    names = numbered(folder)
    if "://" in folder:
        from tfx.dsl.io import fileio

        # A folder of a bucket comes file by file, the model last.
        return [number for number, name in names.items() if any(fileio.exists(f"{folder}/{name}/{m}") for m in _MODELS)]
    return [number for number, name in names.items() if os.path.isdir(os.path.join(folder, name))]


def path(folder: str, number: int) -> str:
    """A version's folder."""
    return os.path.join(folder, numbered(folder).get(number, str(number)))


def now() -> float:
    """Seconds since 1970."""
    return time.time()


def following(folder: str) -> int:
    """A version above all names that are numbers: the time in seconds, or one more than the last.

    Raises:
        ValueError: no number is left.
    """
    last = max(numbered(folder), default=0)
    if last == _HIGHEST:
        raise ValueError(f"{folder}/{last} has the highest number that TF Serving reads: rename or remove it")
    return max(int(now()), last + 1)


def told(folder: str, number: int) -> Version:
    """What a version says of itself."""
    found = ownership.read(f"{path(folder, number)}/{RECORD}")
    if found is None:
        return Version(number)
    ours = ownership.describes(found, folder, number)
    kept: dict[str, Any] = {key: found[key] for key in ("span", "declines") if key in found}
    return Version(number, found["pushed"], found["digest"], found.get("copy_of"), found.get("model"), ours, kept)


def serves(folder: str) -> str:
    """What serves, as a sentence without its full stop."""
    there = pushed(folder)
    return f"Version {there[-1]} serves on" if there else "Nothing is served yet"


def place(
    source: str,
    folder: str,
    *,
    check: Callable[[str], object],
    keep: int | None = None,
    copy_of: int | None = None,
    model: str | None = None,
    kept: Mapping[str, Any] | None = None,
    say: Callable[[str], object] = print,
) -> int:
    """Make a copy of a model the newest version of a serving folder on this machine.

    Args:
        source: The model's folder, on any of its filesystems.
        folder: The serving folder.
        check: Looks at the copy before it can be seen, and raises where it is not right.
        keep: How many of the last versions that this pipeline pushed stay, the new one included; None for all.
        copy_of: The version that the source is, where it is one.
        model: The model's artifact, as its record names it; None where it is not known.
        kept: What else its record keeps.
        say: Is told what is removed, and what could not be.

    Returns:
        Its number, above all that were there, also where the clock went back.

    Raises:
        OSError: the copy could not be written; nothing of it stays.
        ValueError: the copy differs from the model, or no number is left; likewise.
        Exception: what `check` raised; likewise.
    """
    os.makedirs(folder, exist_ok=True)
    with _locked(folder):
        version_removal.tidy(folder, pushed(folder), say)
        number = following(folder)
        while os.path.lexists(version_removal.hidden(folder, number, "partial")):
            number += 1
        content = digest(source)
        record = ownership.record(folder, number, pushed=now(), digest=content, model=model, copy_of=copy_of, kept=kept)
        text = json.dumps(record).encode()
        partial = version_removal.hidden(folder, number, "partial")
        _write(ownership.entry(folder, number), text)
        os.mkdir(partial)
        try:
            _write(os.path.join(partial, RECORD), text)
            _copy(source, partial)
            check(partial)
            if digest(partial) != content:
                raise ValueError("its files differ from the model's")
            for inner, _, _ in os.walk(partial, topdown=False):
                _flush(inner)
            os.rename(partial, os.path.join(folder, str(number)))
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            ownership.forget(folder, number)
            raise
        _flush(folder)
        if keep:
            version_removal.prune(folder, keep, say)
    return number


def bring_back(folder: str, number: int, *, keep: int | None = None) -> int:
    """Make an earlier version the newest, as a copy under a new number.

    Args:
        folder: The serving folder.
        number: The version to bring back; where it is a copy itself, the one that it copies is named in the new one.
        keep: How many of the last versions that this pipeline pushed stay; None for all.

    Returns:
        The new number.

    Raises:
        ValueError: the version's files are not those that were pushed, or it is no SavedModel.
        OSError: the copy could not be written.
    """
    version = told(folder, number)
    source = path(folder, number)
    if not any(os.path.isfile(os.path.join(source, name)) for name in _MODELS):
        raise ValueError(f"version {number} is no SavedModel: {source} holds no {MODEL}")

    def check(copy: str) -> None:
        # The bytes that were loaded and asked when they were pushed need not be asked again.
        if digest(copy) != (version.digest or digest(source)):
            raise ValueError(f"version {number} is damaged: its files are not those that were pushed")

    origin = version.copy_of if version.ours and version.copy_of else number
    return place(source, folder, check=check, keep=keep, copy_of=origin, model=version.model, kept=version.kept)


def before(folder: str) -> int | None:
    """The version to go back to: the one that served before the newest, or before the one that the newest copies.

    So going back twice goes back two versions, and never forth to the one that was left. A version that this pipeline
    did not push is passed over: nobody has compared its answers with those of its model.
    """
    there = pushed(folder)
    if not there:
        return None
    newest = told(folder, there[-1])
    limit = newest.number
    if newest.ours and newest.copy_of and (newest.copy_of not in there or told(folder, newest.copy_of).ours):
        limit = newest.copy_of
    earlier = [number for number in there if number < limit and told(folder, number).ours]
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
    """Paths of all files below a folder, sorted.

    Raises:
        ValueError: it holds a link to a folder, whose files would be missing in a copy.
    """
    found = []
    for inner, folders, names in os.walk(folder):
        for link in (name for name in folders if os.path.islink(os.path.join(inner, name))):
            raise ValueError(f"{os.path.join(inner, link)} is a link to a folder: put the folder itself there")
        found += [os.path.relpath(os.path.join(inner, name), folder) for name in names]
    return sorted(found)


def _copy(source: str, target: str) -> None:
    """Copy all files but the record."""
    for path in _files(source):
        if path != RECORD:
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


@contextlib.contextmanager
def _locked(folder: str) -> Iterator[None]:
    """One push at a time; the system frees the lock of a process that is gone."""
    with open(os.path.join(folder, _LOCK), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
