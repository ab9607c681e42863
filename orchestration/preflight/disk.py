"""The folder of runs, the store in it, and room on the disk."""

import os
import re
import shutil
import tempfile

from errors import ResourceError
from inspection.store import file_rights, metadata_store
from orchestration.local import run_lock

KEPT = 4
"""Bytes that a run may leave for each byte of data: ingestion and transformation left 2.0 of the houses and 1.0 of the
taxi trips; twice that."""
LEAST = 100 << 20
"""Bytes that a run needs beside the data: logs, the model and its pushed copy, the metadata."""


def check_root(root: str, pipeline: str | None = None) -> str:
    """See that the root folder can be written, and what earlier runs of a pipeline left there.

    Args:
        root: Folder of all runs.
        pipeline: What the runs are called; None for no pipeline.

    Returns:
        It.

    Raises:
        ResourceError: it cannot.
    """
    try:
        os.makedirs(root, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=root, prefix=".preflight-"):
            pass
    except OSError as error:
        if isinstance(error, PermissionError):
            raise ResourceError(
                f"{file_rights.refusal(root, 'write to')}. Or choose another folder with --root"
            ) from error
        raise ResourceError(
            f"{root} cannot be written ({error.strerror}): choose another folder with --root, or mend its rights"
        ) from error
    parts = ("", run_lock.NAME, "runs", "artifacts", "serving", "settings", "trials")
    for path in (os.path.join(root, pipeline, part).rstrip(os.sep) for part in parts) if pipeline else ():
        # Of earlier runs, perhaps another user's.
        if os.path.exists(path) and not file_rights.writable(path):
            raise ResourceError(file_rights.refusal(path, "write to"))
    return root


def check_store(root: str, url: str | None) -> str:
    """See that the metadata store, where there is one, is whole and can be written.

    Args:
        root: Folder of all runs.
        url: Where else the metadata is; None for SQLite under the root.

    Returns:
        Where it is, and whether it is there.

    Raises:
        UserError: the URL is wrong.
        ResourceError: the store is empty, damaged, out of reach or read-only; it is never begun anew.
    """
    config = metadata_store.connection_config(root, url)
    if not config.HasField("sqlite"):
        try:
            return metadata_store.open_store(root, url, readonly=True).where
        except ResourceError as error:
            # A server without the database is a new store: the run makes it.
            if re.search(r'database "[^"]*" does not exist', str(error)):
                return f"{metadata_store.redact(url or '')}, to be made"
            raise
    path = config.sqlite.filename_uri
    if not os.path.exists(path):
        return f"{path}, to be made"
    where = metadata_store.open_store(root, url, readonly=True).where
    # SQLite writes a journal beside it.
    for place in (path, os.path.dirname(path)):
        if not os.access(place, os.W_OK):
            raise ResourceError(f"{place} cannot be written, and a run keeps its record in {path}: mend its rights")
    return where


def check_room(root: str, data_bytes: int) -> str:
    """See that the disk has room for what a run writes.

    Args:
        root: Folder of all runs.
        data_bytes: Bytes of data, unpacked.

    Returns:
        What is free and what is needed.

    Raises:
        ResourceError: there is too little.
    """
    needed, free = LEAST + KEPT * data_bytes, shutil.disk_usage(root).free
    if free < needed:
        raise ResourceError(
            f"{root}: {_shown(free)} of the disk are free, and a run over {_shown(data_bytes)} of data may need "
            f"{_shown(needed)}: make room, or choose another disk with --root"
        )
    return f"{_shown(free)} free, {_shown(needed)} may be needed"


def _shown(number: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}"
        number /= 1000
    return f"{number:,.1f} GB"
