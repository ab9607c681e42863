"""Removes old versions and files of killed pushes from a local serving folder, if this pipeline pushed them."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator

from serving import ownership

Log = Callable[[str], object]


def hidden(folder: str, number: int, suffix: str) -> str:
    """Return the path of a version while it is written (`partial`) or removed (`old`)."""
    return os.path.join(folder, f".{number}.{suffix}")


def message(path: str, keep: int | None = None) -> str:
    """Return the line about a removal.

    Args:
        path: The removed folder.
        keep: Number of versions that are kept; None if a killed push left the folder.
    """
    reason = "a killed push left it" if keep is None else f"only the newest {keep} pushed by this pipeline are kept"
    return f"removed {path}: {reason}"


def clean_up(folder: str, versions: list[int], log: Log) -> None:
    """Remove the files of killed pushes to a folder; the caller holds its lock, so that no push is running.

    Args:
        folder: The serving folder.
        versions: The versions in it.
        log: Receives a line for each removal, and for each failed removal.
    """
    if not os.path.isdir(os.path.join(folder, ownership.LEDGER)):
        ownership.adopt(folder, versions)
    for number in ownership.ledger_versions(folder):
        for path in (hidden(folder, number, "partial"), hidden(folder, number, "old")):
            if os.path.isdir(path) and (_is_empty(path) or ownership.is_ours(folder, number, path)):
                with _log_failure(path, log):
                    _remove(folder, number, path)
                    log(message(path))
        names = (str(number), f".{number}.partial", f".{number}.old")
        if not any(os.path.lexists(os.path.join(folder, name)) for name in names):
            ownership.forget(folder, number)


def prune(folder: str, keep: int, log: Log) -> None:
    """Remove all but the newest N versions that this pipeline pushed; the caller holds the folder's lock.

    Args:
        folder: The serving folder.
        keep: N, 1 or more: the newest version, which serves, is never removed.
        log: Receives a line for each removal, and for each failed removal.
    """
    paths = {number: os.path.join(folder, str(number)) for number in ownership.ledger_versions(folder)}
    owned = [number for number, path in paths.items() if ownership.is_ours(folder, number, path)]
    for number in owned[:-keep]:
        with _log_failure(paths[number], log):
            os.rename(paths[number], hidden(folder, number, "old"))
            _remove(folder, number, hidden(folder, number, "old"))
            log(message(paths[number], keep))


def _is_empty(path: str) -> bool:
    """Return whether a folder has only empty files, as if a push was killed before its record was written."""
    if os.path.islink(path):
        return False
    entries = [os.path.join(inner, name) for inner, folders, names in os.walk(path) for name in (*folders, *names)]
    return not any(os.path.islink(entry) or (not os.path.isdir(entry) and os.path.getsize(entry)) for entry in entries)


def _remove(folder: str, number: int, path: str) -> None:
    """Remove a hidden folder, its record last, so that after a kill the next push still recognizes it."""
    for inner, _, names in os.walk(path):
        for file in (os.path.join(inner, name) for name in names):
            if file != os.path.join(path, ownership.RECORD):
                os.remove(file)
    shutil.rmtree(path)
    ownership.forget(folder, number)


@contextlib.contextmanager
def _log_failure(path: str, log: Log) -> Iterator[None]:
    """Log a failed removal instead of raising it: an old folder must not prevent a new version."""
    try:
        yield
    except OSError as error:
        log(f"{path} could not be removed: {error.strerror or error}")
