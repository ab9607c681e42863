"""A served model's folder in a bucket, where folders are not renamed at once and nobody waits for a lock.

What makes a version loadable is its saved_model.pb: TF Serving tries again until it is there, and we do not count a
folder without it. So it is written last and removed first, and whoever is killed in between leaves no version. The
record that says that a folder is ours is written first and removed last; nothing without it is ever removed.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from tfx.dsl.io import fileio

from models.export import self_check
from serving import ownership, versions

LEFT_SECONDS = 86_400
"""What a push began so long ago and did not finish is removed."""
_BLOCK_BYTES = 1 << 20


def place(
    source: str,
    folder: str,
    *,
    keep: int | None = None,
    model: str | None = None,
    kept: Mapping[str, Any] | None = None,
    say: Callable[[str], object] = print,
) -> int:
    """Make a copy of a model the newest version of a serving folder in a bucket.

    Args:
        source: The model's folder.
        folder: The serving folder.
        keep: How many of the last versions that this pipeline pushed stay, the new one included; None for all.
        model: The model's artifact, as its record names it; None where it is not known.
        kept: What else its record keeps.
        say: Is told what is removed.

    Returns:
        Its number, above all that were there.

    Raises:
        ValueError: the copy cannot be loaded, or answers otherwise than the model did when it was exported.
        Exception: what the bucket's client raised. Nothing of the copy stays in either case.
    """
    fileio.makedirs(folder)
    number, now = versions.following(folder), versions.now()
    record = ownership.record(folder, number, pushed=now, digest=digest(source), model=model, kept=kept)
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
    there = set(versions.pushed(folder))
    listed = [one for one in ownership.listed(folder) if one != number]
    ours = [one for one in listed if one in there and ownership.is_ours(folder, one, f"{folder}/{one}")]
    for old in ours[: len(ours) + 1 - keep] if keep else []:
        _remove(folder, old, f"{folder}/{old}")
        say(f"{folder}/{old} is removed: the last {keep} versions that this pipeline pushed stay")
    for old in listed:
        _tidy(folder, old, now, say)
    return number


def _tidy(folder: str, number: int, now: float, say: Callable[[str], object]) -> None:
    """Remove what a push left that was killed long ago, and the entry of a version that is gone."""
    begun = ownership.read(ownership.entry(folder, number))
    partial, final = f"{folder}/.{number}.partial", f"{folder}/{number}"
    if begun is None or begun["pushed"] < now - LEFT_SECONDS:
        unfinished = [partial] if fileio.exists(f"{final}/{versions.MODEL}") else [partial, final]
        for path in unfinished:
            if _remove(folder, number, path):
                say(f"{path} is removed: a killed push left it")
        if not fileio.exists(partial) and not fileio.exists(final):
            ownership.forget(folder, number)


def _paths(folder: str) -> list[str]:
    """Paths of all files below a folder, sorted."""
    return sorted(f"{inner}/{name}"[len(folder) + 1 :] for inner, _, names in fileio.walk(folder) for name in names)


def digest(folder: str) -> str:
    """As `versions.digest`, of a folder anywhere."""
    whole = hashlib.sha256()
    for path in _paths(folder):
        if path != ownership.RECORD:
            whole.update(path.encode() + b"\0")
            with fileio.open(f"{folder}/{path}", "rb") as file:
                while block := file.read(_BLOCK_BYTES):
                    whole.update(block)
    return whole.hexdigest()[:32]


def _copy(source: str, target: str, record: str) -> None:
    """Copy a model: its record first, its saved_model.pb last."""
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
    """Remove a folder where it is ours, its saved_model.pb first and its record last; say whether it was."""
    if not ownership.is_ours(folder, number, path):
        return False
    for name in sorted(_paths(path), key=lambda name: (name == ownership.RECORD, name != versions.MODEL)):
        fileio.remove(f"{path}/{name}")
    # A bucket keeps no empty folders; other filesystems do.
    if fileio.exists(path) and not _paths(path):
        fileio.rmtree(path)
    return True
