"""The serving folder of a pipeline: one folder per version, named by a rising number; the highest one serves.

On this machine a version appears and disappears atomically: it is written to a hidden folder next to it, flushed to
disk, checked, and then renamed to its number. Other processes see a complete version or none, even if the writer is
killed. TF Serving and our own server ignore names that are not numbers. Versions that this pipeline did not push are
never changed, renamed or removed: see serving/ownership.py.
"""

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import buckets
from serving import ownership, version_files, version_removal
from serving.ownership import RECORD as RECORD  # re-exported
from serving.version_files import digest as digest
from spec.artifacts import atomic_files
from spec.rows.data_paths import is_remote

MODEL = "saved_model.pb"
"""The file of a version's folder that makes it loadable."""
MODELS = (MODEL, f"{MODEL}txt")
"""The binary form, and the text form."""
EXTRA = ("span", "examples", "declines", "compared_with")
"""Additional keys of a record."""
_HIGHEST = 2**63 - 1
"""TF Serving reads a version as an int64 and ignores higher numbers."""
_LOCK = ".lock"


@dataclass(frozen=True)
class Version:
    """One served version.

    Attributes:
        number: Number of the version.
        pushed: Time of the push, in seconds since 1970; None if the version has no record, as of another tool.
        digest: Digest of its files; None if the version has no record.
        copy_of: The version that a rollback restored as this one; None if it is not a copy.
        model: Path of the model's artifact relative to the pipeline's folder, or its URI; None if unknown.
        ours: Whether this pipeline pushed it, under this number.
        extra: Additional keys of its record.
    """

    number: int
    pushed: float | None = None
    digest: str | None = None
    copy_of: int | None = None
    model: str | None = None
    ours: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def span(self) -> int:
        """Span of the data that its model was trained on; 0 if the data has no spans."""
        return int(self.extra.get("span") or 0)

    @property
    def declines(self) -> Mapping[str, float]:
        """Metric -> relative decline of its model from the best previous model."""
        declines: Mapping[str, float] = self.extra.get("declines") or {}
        return declines


def numbered(folder: str) -> dict[int, str]:
    """Map numbers to names in a serving folder that TF Serving reads as versions, complete or not."""
    numbers = [
        name for name in version_files.names(folder) if name.isascii() and name.isdigit() and int(name) <= _HIGHEST
    ]
    # Of 7 and 007, the one without zeros is last and wins.
    return {int(name): name for name in sorted(numbers, key=lambda name: (int(name), -len(name)))}


def pushed(folder: str) -> list[int]:
    """List the complete versions in a serving folder, ascending."""
    names = numbered(folder)
    if is_remote(folder):
        # In a bucket the files of a folder appear one by one, the model last.
        return [number for number, name in names.items() if has_model(f"{folder}/{name}")]
    return [number for number, name in names.items() if version_files.is_folder(os.path.join(folder, name))]


def has_model(path: str) -> bool:
    """Return whether a version's folder has the file that makes it loadable."""
    exists = buckets.exists if is_remote(path) else os.path.isfile
    return any(exists(f"{path}/{name}") for name in MODELS)


def path(folder: str, number: int) -> str:
    """Return the path of a version's folder."""
    return os.path.join(folder, numbered(folder).get(number, str(number)))


def now() -> float:
    """Return the time in seconds since 1970."""
    return time.time()


def next_number(folder: str) -> int:
    """Return a number above all numeric names: the time in seconds, or the highest number plus one.

    Raises:
        ValueError: the highest possible number is in use.
    """
    highest = max(numbered(folder), default=0)
    if highest == _HIGHEST:
        raise ValueError(f"{folder}/{highest} has the highest number that TF Serving reads: rename or remove it")
    return max(int(now()), highest + 1)


def read(folder: str, number: int) -> Version:
    """Read the record of a version."""
    record = ownership.read(f"{path(folder, number)}/{RECORD}")
    if record is None:
        return Version(number)
    is_owned = ownership.describes(record, folder, number)
    extra: dict[str, Any] = {key: record[key] for key in EXTRA if key in record}
    return Version(
        number, record["pushed"], record["digest"], record.get("copy_of"), record.get("model"), is_owned, extra
    )


def serves(folder: str) -> str:
    """Return a sentence about the serving version, without its full stop."""
    numbers = pushed(folder)
    return f"Version {numbers[-1]} still serves" if numbers else "No version serves yet"


def place(
    source: str,
    folder: str,
    *,
    check: Callable[[str], object],
    keep: int | None = None,
    copy_of: int | None = None,
    model: str | None = None,
    extra: Mapping[str, Any] | None = None,
    log: Callable[[str], object] = print,
) -> int:
    """Copy a model to a serving folder as its newest version.

    Args:
        source: The model's folder, on any file system of this machine or in a bucket.
        folder: The serving folder, on this machine or in a bucket.
        check: Checks the copy before it becomes visible, and raises if it is not correct.
        keep: Number of versions pushed by this pipeline to keep, including the new one; None for all.
        copy_of: The version that the source is, if it is one.
        model: The model's artifact, for the record; None if unknown.
        extra: Additional keys of the record.
        log: Receives a line for each removal, and for each failed removal.

    Returns:
        The number of the version, above all existing numbers, even if the clock was set back.

    Raises:
        OSError: the copy could not be written.
        ValueError: the copy differs from the model, or the highest possible number is in use.
        Exception: an error of `check`. In all cases the copy is removed.
    """
    if is_remote(folder) or is_remote(source):
        from serving import bucket_versions  # which imports this module

        return bucket_versions.place(
            source, folder, check=check, keep=keep, copy_of=copy_of, model=model, extra=extra, log=log
        )
    os.makedirs(folder, exist_ok=True)
    with _locked(folder):
        version_removal.clean_up(folder, pushed(folder), log)
        number = next_number(folder)
        while os.path.lexists(version_removal.hidden(folder, number, "partial")):
            number += 1
        content = digest(source)
        record = ownership.record(
            folder, number, pushed=now(), digest=content, model=model, copy_of=copy_of, extra=extra
        )
        text = json.dumps(record).encode()
        partial = version_removal.hidden(folder, number, "partial")
        version_files.write(ownership.entry(folder, number), text)
        os.mkdir(partial)
        try:
            version_files.write(os.path.join(partial, RECORD), text)
            version_files.copy(source, partial)
            check(partial)
            if digest(partial) != content:
                raise ValueError("its files differ from those of the model")
            for inner, _, _ in os.walk(partial, topdown=False):
                atomic_files.fsync(inner)
            os.rename(partial, os.path.join(folder, str(number)))
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            ownership.forget(folder, number)
            raise
        atomic_files.fsync(folder)
        if keep:
            version_removal.prune(folder, keep, log)
    return number


def restore(folder: str, number: int, *, keep: int | None = None) -> int:
    """Restore a previous version as the newest one, as a copy under a new number.

    Args:
        folder: The serving folder.
        number: The version to restore; if it is itself a copy, the new record names the original.
        keep: Number of versions pushed by this pipeline to keep; None for all.

    Returns:
        The new number.

    Raises:
        ValueError: the version's files differ from those that were pushed, or it is not a SavedModel.
        OSError: the copy could not be written.
    """
    version = read(folder, number)
    source = path(folder, number)
    if not has_model(source):
        raise ValueError(f"version {number} is not a SavedModel: {source} has no {MODEL}")

    def check(copy: str) -> None:
        # The same bytes were loaded and checked when they were pushed.
        if digest(copy) != (version.digest or digest(source)):
            raise ValueError(f"version {number} is damaged: its files differ from those that were pushed")

    origin = version.copy_of if version.ours and version.copy_of else number
    return place(source, folder, check=check, keep=keep, copy_of=origin, model=version.model, extra=version.extra)


def previous(folder: str) -> int | None:
    """Find the target of a rollback: the version before the newest, or before the one that the newest is a copy of.

    So two rollbacks go back two versions. Versions that this pipeline did not push are skipped, because their
    predictions were never compared with those of their model.
    """
    numbers = pushed(folder)
    if not numbers:
        return None
    newest = read(folder, numbers[-1])
    limit = newest.number
    if newest.ours and newest.copy_of and (newest.copy_of not in numbers or read(folder, newest.copy_of).ours):
        limit = newest.copy_of
    candidates = [number for number in numbers if number < limit and read(folder, number).ours]
    return candidates[-1] if candidates else None


@contextlib.contextmanager
def _locked(folder: str) -> Iterator[None]:
    """Hold the lock that serializes pushes; the system releases it when a process ends."""
    with open(os.path.join(folder, _LOCK), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
