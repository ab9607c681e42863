"""Files of a pipeline that are not artifacts: trials of the tuner, rows of queries; and sizes, and the lock of runs."""

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator

from inspection.read.recorded_run import read_run

_TRIAL = re.compile(r"[0-9a-f]{32}\.json")
_QUERY = re.compile(r"[0-9a-f]{16}\.parquet|\.draft-\w+")
"""Rows of a query, named by their digest, and the partial file of a killed command."""


def old_trials(home: str, oldest: float) -> list[str]:
    """Return files of the tuner's trials that are older than a time."""
    files = [
        entry
        for entry in entries(os.path.join(home, "trials"))
        if _TRIAL.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
    ]
    return [entry.path for entry in files if entry.stat().st_mtime < oldest]


def old_queries(home: str, kept_runs: set[str], oldest: float) -> list[str]:
    """Return rows of queries that no kept run used, older than a time, since a starting run may need newer ones."""
    recorded = [read_run(os.path.join(home, "runs", run)) for run in kept_runs]
    names = {os.path.basename(run.query.path) for run in recorded if run is not None and run.query is not None}
    files = [
        entry
        for entry in entries(os.path.join(home, "queries"))
        if _QUERY.fullmatch(entry.name) and not entry.is_symlink()
    ]
    return [entry.path for entry in files if entry.name not in names and entry.stat().st_mtime < oldest]


def entries(folder: str) -> list["os.DirEntry[str]"]:
    """Return the entries of a folder by name; empty if it does not exist."""
    try:
        return sorted(os.scandir(folder), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []


def size(path: str) -> int:
    """Return the size of a file, or of all files below a folder, in bytes; links are not followed."""
    if os.path.islink(path) or not os.path.isdir(path):
        return os.lstat(path).st_size if os.path.lexists(path) else 0
    return sum(os.lstat(os.path.join(folder, name)).st_size for folder, _, names in os.walk(path) for name in names)


@contextlib.contextmanager
def alone(root: str, pipeline: str) -> Iterator[bool]:
    """Lock a pipeline against runs; yield False if a run holds the lock, which it does from start to end."""
    folder = os.path.join(root, pipeline)
    if not os.path.isdir(folder):
        yield True
        return
    with open(os.path.join(folder, ".lock"), "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
