"""Backup of an SQLite store to a file, and restore."""

import contextlib
import fcntl
import os
import shutil
import sqlite3
import urllib.parse
from collections.abc import Iterator
from typing import NamedTuple

from ml_metadata.proto import metadata_store_pb2 as pb

from errors import PipelineError, ResourceError, UserError
from inspection.store import file_rights, missing_artifacts
from inspection.store.metadata_store import open_store
from inspection.store.store_address import connection_config, redact
from spec.artifacts import atomic_files
from spec.timing import utc

_PAGES_PER_STEP = 1000
"""Pages copied per step; a run that writes waits for one step at most."""
_JOURNALS = ("-journal", "-wal", "-shm")


def backup(root: str, url: str | None, path: str) -> int:
    """Copy the store to a file, also while runs write; an existing backup is replaced when the copy is complete.

    Args:
      root: The folder of all runs.
      url: URL of the store; None for SQLite in the root.
      path: The backup file.

    Returns:
      Size of the copy in bytes.

    Raises:
      UserError: There is no store yet, it is in PostgreSQL, or the file is the store itself or not a backup.
      ResourceError: The store is damaged, or the file cannot be written.
    """
    source = _sqlite(root, url, "pg_dump --format=custom --file FILE URL")
    open_store(root, url)
    _check_target(source, path)
    partial = f"{path}.{os.getpid()}.partial"
    try:
        with (
            contextlib.closing(sqlite3.connect(f"file:{urllib.parse.quote(source)}?mode=ro", uri=True)) as origin,
            contextlib.closing(sqlite3.connect(partial)) as copy,
        ):
            origin.backup(copy, pages=_PAGES_PER_STEP)
        atomic_files.fsync(partial)
        os.replace(partial, path)
        atomic_files.fsync(os.path.dirname(os.path.abspath(path)))
    except (OSError, sqlite3.Error) as error:
        with contextlib.suppress(OSError):
            os.remove(partial)
        reason = file_rights.unwritable(path) or f"{path}: the backup could not be written: {error}"
        raise ResourceError(reason) from error
    return os.path.getsize(path)


def _check_target(source: str, path: str) -> None:
    """Refuse to overwrite anything but an existing backup."""
    if os.path.exists(path) and os.path.samefile(path, source):
        raise UserError(f"{path} is the store itself: choose another file for the backup")
    if os.path.isdir(path):
        raise UserError(f"{path} is a folder: choose a file in it")
    if os.path.exists(path) and os.path.getsize(path):
        try:
            open_store("", f"sqlite:///{os.path.abspath(path)}")
        except (PipelineError, OSError) as error:
            raise UserError(
                f"{path} exists and is not a backup of a store: choose another file, or remove it"
            ) from error


class Restored(NamedTuple):
    """Result of a restore.

    Attributes:
      previous: New path of the previous store; None if there was none.
      missing: Artifacts that the backup has as live although their files are gone; they are marked as deleted.
    """

    previous: str | None
    missing: list[pb.Artifact]


def restore(root: str, url: str | None, path: str) -> Restored:
    """Replace the store by a backup, and mark artifacts whose files are gone; the current store is renamed and kept.

    Args:
      root: The folder of all runs.
      url: URL of the store; None for SQLite in the root.
      path: The backup.

    Raises:
      UserError: The file does not exist, or the store is in PostgreSQL.
      ResourceError: The file is not a valid store, a run is in progress, or the disk is full.
    """
    target = _sqlite(root, url, "pg_restore --clean --dbname URL FILE")
    if not os.path.isfile(path):
        raise UserError(f"{path} does not exist: name a file that `inspect backup` wrote")
    open_store(root, f"sqlite:///{os.path.abspath(path)}")
    partial, aside = f"{target}.{os.getpid()}.partial", None
    with _no_runs(root):
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(path, partial)
            atomic_files.fsync(partial)
            if os.path.exists(target):
                aside = f"{target}.before-{utc.name()}"
                while os.path.exists(aside):
                    aside += "-"
                # A journal that a killed writer left belongs to the previous store.
                for suffix in _JOURNALS:
                    if os.path.exists(target + suffix):
                        os.rename(target + suffix, aside + suffix)
                os.rename(target, aside)
            os.rename(partial, target)
            atomic_files.fsync(os.path.dirname(target))
        except OSError as error:
            with contextlib.suppress(OSError):
                os.remove(partial)
            if aside is not None and not os.path.exists(target):
                os.rename(aside, target)
            reason = f"{target}: the backup could not be restored: {error.strerror or error}"
            raise ResourceError(file_rights.unwritable(target) or reason) from error
        return Restored(aside, missing_artifacts.mark(open_store(root, url, readonly=False), root))


def _sqlite(root: str, url: str | None, instead: str) -> str:
    config = connection_config(root, url)
    if not config.HasField("sqlite"):
        raise UserError(
            f"{redact(url or '')}: back up and restore a store in PostgreSQL with PostgreSQL's tools: {instead}"
        )
    return str(config.sqlite.filename_uri)


@contextlib.contextmanager
def _no_runs(root: str) -> Iterator[None]:
    """Keep runs from starting, by the locks of all pipelines; raise ResourceError if a run is in progress."""
    with contextlib.ExitStack() as locks:
        for entry in os.scandir(root) if os.path.isdir(root) else []:
            path = os.path.join(entry.path, ".lock")
            if os.path.isfile(path):
                file = locks.enter_context(open(path, "a"))
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError as error:
                    raise ResourceError(
                        f"a run of {entry.name} is in progress: wait until it ends, or stop it"
                    ) from error
        yield
