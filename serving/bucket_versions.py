"""Versions of a serving folder in a bucket, which has neither renames of folders nor locks.

A push claims its number: of several writers that create the same object, only one succeeds. A version is loadable once
it has a saved_model.pb: TF Serving retries until it exists, and we do not count a folder without it. So this file is
written last, after all others were read back, and removed first; a killed push leaves no version that anyone serves.
The record that marks a folder as pushed by this pipeline is written first and removed last; a folder without it is
never removed.
"""

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import buckets
from serving import ownership, version_files, version_removal, versions
from spec.rows.data_paths import is_remote

LEFT_SECONDS = 86_400
"""An unfinished push of this age is removed."""


def place(
    source: str,
    folder: str,
    *,
    check: Callable[[str], object],
    keep: int | None,
    copy_of: int | None,
    model: str | None,
    extra: Mapping[str, Any] | None,
    log: Callable[[str], object],
) -> int:
    """Copy a model to a serving folder as its newest version; arguments as of `versions.place`.

    Returns:
        The number of the version, above all numbers that existed when the push began.

    Raises:
        BucketError: the bucket cannot be used.
        ValueError: the copy differs from the model, or the highest possible number is in use.
        Exception: an error of `check`. In all cases the copy is removed.
    """
    with _local(source) as local:
        check(local)
        pushed, content = versions.now(), version_files.digest(local)

        def record(number: int) -> str:
            facts = {"pushed": pushed, "digest": content, "model": model, "copy_of": copy_of, "extra": extra}
            return json.dumps(ownership.record(folder, number, **facts))  # type: ignore[arg-type]

        number = _claim(folder, record)
        try:
            _upload(local, f"{folder}/{number}", record(number))
        except BaseException:
            # This push holds the claim, so files with its record belong to it.
            with contextlib.suppress(buckets.BucketError):
                _remove(folder, number)
                ownership.forget(folder, number)
            raise
    _clean_up(folder, keep, pushed, log)
    return number


@contextlib.contextmanager
def _local(source: str) -> Iterator[str]:
    """Yield a folder of this machine with the model: TensorFlow cannot read every kind of bucket."""
    if not is_remote(source):
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="model-") as folder:
        if not buckets.copy_folder(source, folder):
            raise ValueError(f"{source} has no files")
        yield folder


def _claim(folder: str, record: Callable[[int], str]) -> int:
    """Create the ledger's entry of a new version, and return its number; no other push can get the same one."""
    number = versions.next_number(folder)
    while True:
        with contextlib.suppress(FileExistsError):
            buckets.write(ownership.entry(folder, number), record(number).encode(), new=True)
            return number
        number += 1


def _upload(local: str, version: str, record: str) -> None:
    """Upload a model: its record first, its saved_model.pb last, each file compared with the original."""
    buckets.write(f"{version}/{ownership.RECORD}", record.encode(), new=True)
    for path in sorted(version_files.paths(local), key=lambda path: (path in versions.MODELS, path)):
        buckets.copy(f"{local}/{path}", f"{version}/{path}", new=path in versions.MODELS)
        if _digest(f"{local}/{path}") != _digest(f"{version}/{path}"):
            raise ValueError("its files differ from those of the model")


def _digest(path: str) -> bytes:
    digest = hashlib.sha256()
    for block in version_files.blocks(path):
        digest.update(block)
    return digest.digest()


def _clean_up(folder: str, keep: int | None, seconds: float, log: Callable[[str], object]) -> None:
    """Remove old versions of this pipeline, and files of pushes that were killed long ago.

    The newest version is never removed, also if it is of a push that ran at the same time.
    """
    complete, listed = set(versions.pushed(folder)), ownership.ledger_versions(folder)
    removable = [number for number in listed if number in complete and _is_ours(folder, number)]
    for number in removable[:-keep] if keep else []:
        _remove(folder, number)
        ownership.forget(folder, number)
        log(version_removal.message(f"{folder}/{number}", keep))
    for number in set(listed) - complete:
        push = ownership.read(ownership.entry(folder, number))
        if push is None or push["pushed"] < seconds - LEFT_SECONDS:
            if _remove(folder, number):
                log(version_removal.message(f"{folder}/{number}"))
            if not buckets.files(f"{folder}/{number}"):
                ownership.forget(folder, number)


def _is_ours(folder: str, number: int) -> bool:
    return ownership.is_ours(folder, number, f"{folder}/{number}")


def _remove(folder: str, number: int) -> bool:
    """Remove a version if this pipeline pushed it, saved_model.pb first, the record last; return whether it did."""
    if not _is_ours(folder, number):
        return False
    path = f"{folder}/{number}"
    for name in sorted(buckets.files(path), key=lambda name: (name == ownership.RECORD, name not in versions.MODELS)):
        buckets.remove(f"{path}/{name}")
    return True
