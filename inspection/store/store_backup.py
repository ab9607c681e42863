"""A copy of the store in one file, and its way back."""

import contextlib
import fcntl
import os
import shutil
import sqlite3
import time
import urllib.parse
from collections.abc import Iterator

from errors import PipelineError, ResourceError, UserError
from inspection.store.metadata_store import open_store
from inspection.store.store_address import connection_config, redact

_PAGES = 1000
"""Copied in one go: a run that writes waits for so many pages at most."""
_BESIDE = ("-journal", "-wal", "-shm")


def backup(root: str, url: str | None, path: str) -> int:
    """Copies the store to a file while runs may write; a file that was there is replaced once the copy is whole.

    Args:
      root: The folder of all runs.
      url: Where else the metadata is, or None.
      path: The file.

    Returns:
      Bytes of the copy.

    Raises:
      UserError: There is no store yet, it is in PostgreSQL, or the file is the store or something else than a backup.
      ResourceError: The store is damaged, or the file cannot be written.
    """
    source = _sqlite(root, url, "pg_dump --format=custom --file FILE URL")
    open_store(root, url)
    _check_target(source, path)
    partial = f"{path}.{os.getpid()}.partial"
    try:
        with (
            contextlib.closing(sqlite3.connect(f"file:{urllib.parse.quote(source)}?mode=ro", uri=True)) as here,
            contextlib.closing(sqlite3.connect(partial)) as there,
        ):
            here.backup(there, pages=_PAGES)
        _flush(partial)
        os.replace(partial, path)
        _flush(os.path.dirname(os.path.abspath(path)))
    except (OSError, sqlite3.Error) as error:
        with contextlib.suppress(OSError):
            os.remove(partial)
        raise ResourceError(f"{path}: the backup could not be written: {error}") from error
    return os.path.getsize(path)


def _check_target(source: str, path: str) -> None:
    """Refuses to write over anything but an earlier backup."""
    if os.path.exists(path) and os.path.samefile(path, source):
        raise UserError(f"{path} is the store itself: name another file for the backup")
    if os.path.isdir(path):
        raise UserError(f"{path} is a folder: name a file in it")
    if os.path.exists(path) and os.path.getsize(path):
        try:
            open_store("", f"sqlite:///{os.path.abspath(path)}")
        except (PipelineError, OSError) as error:
            raise UserError(f"{path} is there and no backup of a store: name another file, or remove it") from error


def restore(root: str, url: str | None, path: str) -> str | None:
    """Puts a backup in the store's place; what is there is moved aside.

    Args:
      root: The folder of all runs.
      url: Where else the metadata is, or None.
      path: The backup.

    Returns:
      Where the store that was there is now; None where there was none.

    Raises:
      UserError: The file is not there, or the store is in PostgreSQL.
      ResourceError: The file is no sound store, a run goes on, or the disk is full.
    """
    target = _sqlite(root, url, "pg_restore --clean --dbname URL FILE")
    if not os.path.isfile(path):
        raise UserError(f"{path} is not there: name a file that `inspect backup` wrote")
    open_store(root, f"sqlite:///{os.path.abspath(path)}")
    partial, aside = f"{target}.{os.getpid()}.partial", None
    with _no_runs(root):
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(path, partial)
            _flush(partial)
            if os.path.exists(target):
                aside = f"{target}.before-{time.strftime('%Y%m%d-%H%M%S')}"
                while os.path.exists(aside):
                    aside += "-"
                # What was half written when the old store's writer was killed belongs to the old store.
                for end in _BESIDE:
                    if os.path.exists(target + end):
                        os.rename(target + end, aside + end)
                os.rename(target, aside)
            os.rename(partial, target)
            _flush(os.path.dirname(target))
        except OSError as error:
            with contextlib.suppress(OSError):
                os.remove(partial)
            if aside is not None and not os.path.exists(target):
                os.rename(aside, target)
            raise ResourceError(f"{target}: the backup could not be put in place: {error.strerror or error}") from error
    return aside


def _sqlite(root: str, url: str | None, instead: str) -> str:
    config = connection_config(root, url)
    if not config.HasField("sqlite"):
        raise UserError(f"{redact(url or '')}: a store in PostgreSQL is copied by PostgreSQL's own tools: {instead}")
    return str(config.sqlite.filename_uri)


@contextlib.contextmanager
def _no_runs(root: str) -> Iterator[None]:
    """Keeps runs from beginning, and refuses where one goes on: each holds its pipeline's lock."""
    with contextlib.ExitStack() as held:
        for entry in os.scandir(root) if os.path.isdir(root) else []:
            path = os.path.join(entry.path, ".lock")
            if os.path.isfile(path):
                file = held.enter_context(open(path, "a"))
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError as error:
                    raise ResourceError(f"a run of {entry.name} goes on: wait for its end, or stop it") from error
        yield


def _flush(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
