"""Records of the versions that this pipeline pushed to a serving folder: only these may ever be removed.

A push first writes the same record to two files: NUMBER.json in the hidden ledger of the serving folder, and one in
the folder of the version. This pipeline owns a version if both exist and are equal. A version of another tool has no
record. A copy of an owned version under another number, of another pipeline, or restored after its removal, has a
record that is not in the ledger.
"""

import contextlib
import json
import os
from collections.abc import Mapping
from typing import Any

import buckets
from spec.rows.data_paths import is_remote

RECORD = "assets.extra/pushed.json"
"""Path in a version's folder that other tools ignore: pipeline, version, time of the push, digest of its files, path of
the model's artifact, and the version that it is a copy of."""
LEDGER = ".pushed"
"""Subfolder of the serving folder; TF Serving reads only folders whose names are numbers."""
_ADOPT_SECONDS = 86_400
"""The number of a version is the time of its push in seconds: a record that differs by more is of another version."""

Record = dict[str, Any]


def record(
    folder: str,
    number: int,
    *,
    pushed: float,
    digest: str,
    model: str | None = None,
    copy_of: int | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Record:
    """Make the record of a version that is about to be pushed.

    Args:
        folder: The serving folder.
        number: The version.
        pushed: Time of the push, in seconds since 1970.
        digest: Digest of its files.
        model: Path of the model's artifact relative to the pipeline's folder, or its URI.
        copy_of: The version that it restores.
        extra: Additional keys: `span` and `examples` of the model's data, `declines` from the best previous model by
            metric, and `compared_with`, the digest of its baseline.
    """
    facts = {"version": number, "pipeline": _pipeline(folder), "pushed": pushed, "digest": digest}
    return {**facts, "model": model, "copy_of": copy_of, **(extra or {})}


def read(path: str) -> Record | None:
    """Read a record; None if it does not exist or is incomplete.

    Raises:
        BucketError, PermissionError: it cannot be read. A version of unknown record would count as another tool's.
    """
    try:
        if is_remote(path):
            content = json.loads(buckets.read(path))
        else:
            with open(path, encoding="utf-8") as file:
                content = json.load(file)
    except (buckets.BucketError, PermissionError):
        raise
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or not isinstance(content.get("digest"), str):
        return None
    return content if isinstance(content.get("pushed"), (int, float)) else None


def describes(record: Record, folder: str, number: int) -> bool:
    """Return whether a record is of this version of this pipeline; records of older revisions name neither."""
    return bool(
        record.get("version", number) == number and record.get("pipeline", _pipeline(folder)) == _pipeline(folder)
    )


def is_ours(folder: str, number: int, path: str) -> bool:
    """Return whether a version's folder was written by a push to this serving folder.

    Args:
        folder: The serving folder.
        number: The version.
        path: The version's folder, named by its number or hidden. A link is never ours.
    """
    if os.path.islink(path):
        return False
    record = read(f"{path}/{RECORD}")
    return record is not None and describes(record, folder, number) and record == read(entry(folder, number))


def entry(folder: str, number: int) -> str:
    """Return the path of a version's record in the ledger."""
    return f"{folder}/{LEDGER}/{number}.json"


def ledger_versions(folder: str) -> list[int]:
    """List the versions in the ledger, ascending."""
    ledger = f"{folder}/{LEDGER}"
    names = buckets.names(ledger) if is_remote(folder) else _local_names(ledger)
    numbers = [name.removesuffix(".json") for name in names if name.endswith(".json")]
    return sorted(int(number) for number in numbers if number.isascii() and number.isdigit())


def relative(uri: str, folder: str) -> str:
    """Return the path of an artifact relative to the parent of the serving folder, or its URI if it is elsewhere."""
    if is_remote(uri) or is_remote(folder):
        return uri.removeprefix(f"{os.path.dirname(folder.rstrip('/'))}/")
    home = os.path.dirname(os.path.abspath(folder))
    path = os.path.abspath(uri)
    return os.path.relpath(path, home) if path.startswith(home + os.sep) else uri


def adopt(folder: str, numbers: list[int]) -> None:
    """Create the ledger of a local serving folder with the versions that older revisions of this pipeline pushed.

    Their records have neither version nor pipeline. Such a record counts if no other version has the same one, and if
    its time agrees with the version's number.
    """
    records: dict[int, Record] = {}
    for number in numbers:
        path = os.path.join(folder, str(number))
        record = None if os.path.islink(path) else read(os.path.join(path, RECORD))
        if record is not None and "version" not in record and abs(record["pushed"] - number) < _ADOPT_SECONDS:
            records[number] = record
    partial = os.path.join(folder, f"{LEDGER}.partial")
    os.makedirs(partial, exist_ok=True)
    for number, record in records.items():
        if sum(candidate["pushed"] == record["pushed"] for candidate in records.values()) == 1:
            with open(os.path.join(partial, f"{number}.json"), "w", encoding="utf-8") as file:
                json.dump(record, file)
    os.rename(partial, os.path.join(folder, LEDGER))


def forget(folder: str, number: int) -> None:
    """Remove a version that no longer exists from the ledger."""
    if is_remote(folder):
        buckets.remove(entry(folder, number))
        return
    with contextlib.suppress(FileNotFoundError):
        os.remove(entry(folder, number))


def _pipeline(folder: str) -> str:
    """Return the pipeline's name: the name of the parent of the serving folder."""
    folder = folder.rstrip("/") if is_remote(folder) else os.path.abspath(folder)
    return os.path.basename(os.path.dirname(folder))


def _local_names(folder: str) -> list[str]:
    return os.listdir(folder) if os.path.isdir(folder) else []
