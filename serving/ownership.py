"""Which versions of a serving folder were pushed by this pipeline: only these may ever be removed.

A push writes the same record in two places before anything else: as NUMBER.json in the serving folder's hidden ledger,
and in the version's own folder. A version is ours where both are there and equal. A version of another tool has no
record; a copy of one of our versions under another number, from another pipeline, or put back after its removal has a
record that the ledger does not hold.
"""

import contextlib
import json
import os
from collections.abc import Mapping
from typing import Any

RECORD = "assets.extra/pushed.json"
"""In a version's folder, where other tools leave it alone: pipeline, version, when it was pushed, digest of its files,
path of the model's artifact, and of which earlier version it is a copy."""
LEDGER = ".pushed"
"""Folder in the serving folder; TF Serving reads only names that are numbers."""
_ADOPT_SECONDS = 86_400
"""A version was named by the second in which its push began: a record that is further away is another version's."""

Record = dict[str, Any]


def record(
    folder: str,
    number: int,
    *,
    pushed: float,
    digest: str,
    model: str | None = None,
    copy_of: int | None = None,
    kept: Mapping[str, Any] | None = None,
) -> Record:
    """Describe a version that is about to be pushed.

    Args:
        folder: The serving folder.
        number: The version.
        pushed: When, in seconds since 1970.
        digest: Digest of its files.
        model: Path of the model's artifact relative to the pipeline's folder, or its URI.
        copy_of: The version that it brings back.
        kept: What else is kept: `span` of the model's data, and `declines`, how far it is below the best before it.
    """
    facts = {"version": number, "pipeline": _pipeline(folder), "pushed": pushed, "digest": digest}
    return {**facts, "model": model, "copy_of": copy_of, **(kept or {})}


def read(path: str) -> Record | None:
    """Read a record; None where there is none, or it is not whole."""
    try:
        if "://" in path:
            from tfx.dsl.io import fileio

            if not fileio.exists(path):
                return None
            with fileio.open(path) as file:
                found = json.loads(file.read())
        else:
            with open(path, encoding="utf-8") as file:
                found = json.load(file)
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("digest"), str):
        return None
    return found if isinstance(found.get("pushed"), (int, float)) else None


def describes(found: Record, folder: str, number: int) -> bool:
    """Say whether a record is that of this version of this pipeline; records of before name neither."""
    return bool(
        found.get("version", number) == number and found.get("pipeline", _pipeline(folder)) == _pipeline(folder)
    )


def is_ours(folder: str, number: int, path: str) -> bool:
    """Say whether a version's folder was written by a push to this serving folder.

    Args:
        folder: The serving folder.
        number: The version.
        path: The version's folder, under its number or a hidden name. A link is never ours.
    """
    if "://" not in path and os.path.islink(path):
        return False
    found = read(f"{path}/{RECORD}")
    return found is not None and describes(found, folder, number) and found == read(entry(folder, number))


def entry(folder: str, number: int) -> str:
    """Path of a version's record in the ledger."""
    return f"{folder}/{LEDGER}/{number}.json"


def listed(folder: str) -> list[int]:
    """Versions in the ledger, rising."""
    ledger = f"{folder}/{LEDGER}"
    if "://" in folder:
        from tfx.dsl.io import fileio

        names = fileio.listdir(ledger) if fileio.exists(ledger) else []
    else:
        names = os.listdir(ledger) if os.path.isdir(ledger) else []
    numbers = [name.removesuffix(".json") for name in names if name.endswith(".json")]
    return sorted(int(number) for number in numbers if number.isascii() and number.isdigit())


def relative(uri: str, folder: str) -> str:
    """Path of an artifact relative to the pipeline's folder, which holds the serving folder; else its URI."""
    if "://" in uri or "://" in folder:
        return uri.removeprefix(f"{os.path.dirname(folder.rstrip('/'))}/")
    home = os.path.dirname(os.path.abspath(folder))
    path = os.path.abspath(uri)
    return os.path.relpath(path, home) if path.startswith(home + os.sep) else uri


def adopt(folder: str, numbers: list[int]) -> None:
    """Begin the ledger of a serving folder on this machine with what earlier revisions of this pipeline pushed.

    They wrote a record without number and pipeline. It counts where no other folder has the same, and where its time
    is that of the version's number.
    """
    found: dict[int, Record] = {}
    for number in numbers:
        path = os.path.join(folder, str(number))
        kept = None if os.path.islink(path) else read(os.path.join(path, RECORD))
        if kept is not None and "version" not in kept and abs(kept["pushed"] - number) < _ADOPT_SECONDS:
            found[number] = kept
    partial = os.path.join(folder, f"{LEDGER}.partial")
    os.makedirs(partial, exist_ok=True)
    for number, kept in found.items():
        if sum(other["pushed"] == kept["pushed"] for other in found.values()) == 1:
            with open(os.path.join(partial, f"{number}.json"), "w", encoding="utf-8") as file:
                json.dump(kept, file)
    os.rename(partial, os.path.join(folder, LEDGER))


def forget(folder: str, number: int) -> None:
    """Take a version that is gone out of the ledger."""
    if "://" in folder:
        from tfx.dsl.io import fileio

        if fileio.exists(entry(folder, number)):
            fileio.remove(entry(folder, number))
        return
    with contextlib.suppress(FileNotFoundError):
        os.remove(entry(folder, number))


def _pipeline(folder: str) -> str:
    """Name of the folder that holds the serving folder."""
    folder = folder.rstrip("/") if "://" in folder else os.path.abspath(folder)
    return os.path.basename(os.path.dirname(folder))
