"""Artifacts that a store has as live although their files are gone, as after the restore of an older store."""

import os

from ml_metadata.proto import metadata_store_pb2 as pb

from inspection.store import file_rights
from inspection.store.metadata_store import Store

_BATCH = 500
"""Artifacts written at once."""


def mark(store: Store, root: str) -> list[pb.Artifact]:
    """Mark live artifacts as deleted whose files are gone, so that no stage takes them from the cache.

    Only artifacts below an existing `artifacts/` folder of a pipeline under the root are looked at: of a pipeline whose
    files are elsewhere, nothing is known.

    Args:
        store: The store, opened for writing; the caller keeps runs from starting.
        root: The folder of all runs.

    Returns:
        The artifacts that were marked, newest first.
    """
    gone = [
        artifact
        for artifact in store.newest_artifacts(None)
        if is_missing(artifact) and _is_of_root(_path(artifact), os.path.abspath(root))
    ]
    for artifact in gone:
        artifact.state = pb.Artifact.DELETED
    for start in range(0, len(gone), _BATCH):
        store.mlmd.put_artifacts(gone[start : start + _BATCH])
    return gone


def is_missing(artifact: pb.Artifact) -> bool:
    """Return whether an artifact is live, but its path does not exist on this machine.

    A path in a bucket, or below a folder that this user may not enter, does not count as missing: nothing is known.
    """
    path = _path(artifact)
    if artifact.state != pb.Artifact.LIVE or not os.path.isabs(path):
        return False
    return not os.path.lexists(path) and not file_rights.hidden(path)


def _path(artifact: pb.Artifact) -> str:
    return str(artifact.uri.removeprefix("file://"))


def _is_of_root(path: str, root: str) -> bool:
    inside = os.path.relpath(path, root).split(os.sep)
    return len(inside) >= 3 and inside[1] == "artifacts" and os.path.isdir(os.path.join(root, *inside[:2]))
