"""A serving folder in a bucket, which has neither atomic renames of folders nor locks.

A version is loadable once it has a saved_model.pb: TF Serving retries until it exists, and we do not count a folder
without it. So this file is written last and removed first, and a killed push leaves no partial version. The record that
marks a folder as ours is written first and removed last; no folder without it is ever removed.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from tfx.dsl.io import fileio

from models.export import self_check
from serving import ownership, version_removal, versions

LEFT_SECONDS = 86_400
"""An unfinished push of this age is removed."""
_BLOCK_BYTES = 1 << 20


def place(
    source: str,
    folder: str,
    *,
    keep: int | None = None,
    model: str | None = None,
    extra: Mapping[str, Any] | None = None,
    log: Callable[[str], object] = print,
) -> int:
    """Copy a model to a serving folder in a bucket as its newest version.

    Args:
        source: The model's folder.
        folder: The serving folder.
        keep: Number of versions pushed by this pipeline to keep, including the new one; None for all.
        model: The model's artifact, for the record; None if unknown.
        extra: Additional keys of the record.
        log: Receives a line for each removal.

    Returns:
        The number of the version, above all existing numbers.

    Raises:
        ValueError: the copy cannot be loaded, or its predictions differ from those of the model when it was exported.
        Exception: an error of the bucket's client. In both cases the copy is removed.
    """
    fileio.makedirs(folder)
    number, now = versions.next_number(folder), versions.now()
    record = ownership.record(folder, number, pushed=now, digest=digest(source), model=model, extra=extra)
    partial, final = f"{folder}/.{number}.partial", f"{folder}/{number}"
    text = json.dumps(record)
    fileio.makedirs(f"{folder}/{ownership.LEDGER}")
    _write(ownership.entry(folder, number), text)
    try:
        _copy(source, partial, text)
        self_check.ask(partial)
        _copy(partial, final, text)
    except BaseException:
        _remove(folder, number, final)
        _remove(folder, number, partial)
        ownership.forget(folder, number)
        raise
    _remove(folder, number, partial)
    complete = set(versions.pushed(folder))
    listed = [version for version in ownership.listed(folder) if version != number]
    ours = [
        version
        for version in listed
        if version in complete and ownership.is_ours(folder, version, f"{folder}/{version}")
    ]
    for old in ours[: len(ours) + 1 - keep] if keep else []:
        _remove(folder, old, f"{folder}/{old}")
        log(version_removal.message(f"{folder}/{old}", keep))
    for old in listed:
        _clean_up(folder, old, now, log)
    return number


def _clean_up(folder: str, number: int, now: float, log: Callable[[str], object]) -> None:
    """Remove the files of a push that was killed long ago, and the ledger entry of a version that no longer exists."""
    started = ownership.read(ownership.entry(folder, number))
    partial, final = f"{folder}/.{number}.partial", f"{folder}/{number}"
    if started is None or started["pushed"] < now - LEFT_SECONDS:
        unfinished = [partial] if fileio.exists(f"{final}/{versions.MODEL}") else [partial, final]
        for path in unfinished:
            if _remove(folder, number, path):
                log(version_removal.message(path))
        if not fileio.exists(partial) and not fileio.exists(final):
            ownership.forget(folder, number)


def _paths(folder: str) -> list[str]:
    """List the paths of all files below a folder, sorted and relative to it."""
    return sorted(f"{inner}/{name}"[len(folder) + 1 :] for inner, _, names in fileio.walk(folder) for name in names)


def digest(folder: str) -> str:
    """Compute the same digest as `versions.digest`, of a folder in a bucket or on this machine."""
    digest = hashlib.sha256()
    for path in _paths(folder):
        if path != ownership.RECORD:
            digest.update(path.encode() + b"\0")
            with fileio.open(f"{folder}/{path}", "rb") as file:
                while block := file.read(_BLOCK_BYTES):
                    digest.update(block)
    return digest.hexdigest()[:32]


def _copy(source: str, target: str, record: str) -> None:
    """Copy a model, with its record first and its saved_model.pb last."""
    _write(f"{target}/{ownership.RECORD}", record)
    for path in sorted(_paths(source), key=lambda path: path == versions.MODEL):
        if path != ownership.RECORD:
            fileio.makedirs(f"{target}/{path}".rpartition("/")[0])
            fileio.copy(f"{source}/{path}", f"{target}/{path}")


def _write(path: str, text: str) -> None:
    fileio.makedirs(path.rpartition("/")[0])
    with fileio.open(path, "w") as file:
        file.write(text)


def _remove(folder: str, number: int, path: str) -> bool:
    """Remove a folder if it is ours, its saved_model.pb first and its record last; return whether it was removed."""
    if not ownership.is_ours(folder, number, path):
        return False
    for name in sorted(_paths(path), key=lambda name: (name == ownership.RECORD, name != versions.MODEL)):
        fileio.remove(f"{path}/{name}")
    # A bucket has no empty folders; other file systems do.
    if fileio.exists(path) and not _paths(path):
        fileio.rmtree(path)
    return True
