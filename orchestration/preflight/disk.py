"""Checks of the folder of runs, the store in it, and the disk space."""

import os
import shutil
import tempfile

from errors import ResourceError
from inspection.store import file_rights, metadata_store, role_rights
from orchestration.local import run_lock

BYTES_PER_DATA_BYTE = 4
"""Bytes that a run may write per byte of data: twice the 2.0 that were measured for houses (taxi trips: 1.0)."""
MIN_BYTES = 100 << 20
"""Bytes that a run needs beside the data: logs, the model and its pushed copy, the metadata."""


def check_root(root: str, pipeline: str | None = None) -> str:
    """Check that the root folder and the folders of a pipeline in it are writable.

    Args:
        root: Folder of all runs.
        pipeline: Name of the pipeline; None to check only the root.

    Returns:
        The root.

    Raises:
        ResourceError: a folder is not writable.
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
            f"{root} cannot be written ({error.strerror}): choose another folder with --root, or fix its permissions"
        ) from error
    parts = ("", run_lock.NAME, "runs", "artifacts", "serving", "settings", "trials")
    for path in (os.path.join(root, pipeline, part).rstrip(os.sep) for part in parts) if pipeline else ():
        # Folders of earlier runs may belong to another user.
        if os.path.exists(path) and not file_rights.writable(path):
            raise ResourceError(file_rights.refusal(path, "write to"))
    return root


def check_store(root: str, url: str | None) -> str:
    """Check that the metadata store, if it exists, is intact and writable.

    Args:
        root: Folder of all runs.
        url: URL of the store; None for SQLite under the root.

    Returns:
        Its location, and whether it has to be created.

    Raises:
        UserError: the URL is invalid.
        ResourceError: the store is empty, damaged, unreachable or read-only; it is never recreated.
    """
    config = metadata_store.connection_config(root, url)
    if not config.HasField("sqlite"):
        try:
            store_place = metadata_store.open_store(root, url, readonly=True).location
        except metadata_store.NoStoreError:
            return f"{metadata_store.redact(url or '')}, to be created"
        refusal = role_rights.refusal(url or "")
        if refusal is not None:
            raise ResourceError(refusal)
        return store_place
    path = config.sqlite.filename_uri
    if not os.path.exists(path):
        return f"{path}, to be created"
    store_place = metadata_store.open_store(root, url, readonly=True).location
    # SQLite writes a journal next to it.
    for path_to_check in (path, os.path.dirname(path)):
        if not file_rights.writable(path_to_check):
            if os.statvfs(path_to_check).f_flag & os.ST_RDONLY:
                raise ResourceError(
                    f"{path_to_check} is not writable, but a run keeps its record in {path}: mount its disk for "
                    "writing, or choose another store with --metadata"
                )
            raise ResourceError(file_rights.refusal(path_to_check, "write to"))
    return store_place


def check_room(root: str, data_bytes: int) -> str:
    """Check that the disk has space for a run.

    Args:
        root: Folder of all runs.
        data_bytes: Bytes of data, uncompressed.

    Returns:
        Free and needed space.

    Raises:
        ResourceError: there is too little space.
    """
    needed, free = MIN_BYTES + BYTES_PER_DATA_BYTE * data_bytes, shutil.disk_usage(root).free
    if free < needed:
        raise ResourceError(
            f"{root}: {_shown(free)} of the disk are free, but a run on {_shown(data_bytes)} of data may need "
            f"{_shown(needed)}: free disk space, or choose another disk with --root"
        )
    return f"{_shown(free)} free, {_shown(needed)} may be needed"


def _shown(number: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}"
        number /= 1000
    return f"{number:,.1f} GB"
