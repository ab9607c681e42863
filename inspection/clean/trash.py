"""Trash of a root: ROOT/.trash/TIME/ contains the files that one clean-up moved, under the same paths as in the root.

A clean-up only renames, so it can be undone; disk space is freed when the trash is emptied. moved.jsonl in the same
folder, written first, lists the moved files; nothing else is ever put back or removed.
"""

import contextlib
import errno
import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb

from errors import ResourceError
from inspection.clean.clean_up import Kept, Removal
from inspection.clean.pipeline_files import size
from inspection.store.metadata_store import Store
from spec.timing import utc

FOLDER = ".trash"
LIST = "moved.jsonl"
LOCK = ".lock"
_TIME = re.compile(r"\d{8}-\d{6}-*")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file or folder in the trash.

    Attributes:
      batch: The folder of its clean-up.
      origin: Original path.
      path: Path in the trash.
      states: Artifact id -> its state before the clean-up.
    """

    pipeline: str
    kind: str
    batch: str
    origin: str
    path: str
    states: dict[int, int] = field(default_factory=dict)


class Batch:
    """One clean-up; its folder is created when the first path is moved.

    Args:
      root: The folder of all runs.

    Raises:
      ResourceError: The trash is a link.
    """

    def __init__(self, root: str) -> None:
        self._root, self.folder = os.path.realpath(root), ""
        _folder(root)

    def move(self, store: Store, removals: Sequence[Removal]) -> tuple[list[Removal], list[Kept]]:
        """Move files and folders to the trash, and mark their artifacts as deleted.

        Args:
          store: The store, opened for writing.
          removals: Files and folders to move.

        Returns:
          The files that were moved, and those that could not be moved.
        """
        if not removals:
            return [], []
        artifacts = {
            int(artifact.id): artifact
            for artifact in store.artifacts(artifact_id for removal in removals for artifact_id in removal.artifacts)
        }
        states = {artifact_id: int(artifact.state) for artifact_id, artifact in artifacts.items()}
        self._append_to_list(removals, states)
        # The store first: a folder of an artifact marked as deleted does no harm, a live artifact without files does.
        self._mark(store, artifacts, dict.fromkeys(artifacts, int(pb.Artifact.DELETED)))
        moved, failed = [], []
        for removal in removals:
            try:
                target = os.path.join(self.folder, os.path.relpath(removal.path, self._root))
                os.makedirs(os.path.dirname(target), exist_ok=True)
                os.rename(removal.path, target)
                moved.append(removal)
            except OSError as error:
                details = "it is on another filesystem" if error.errno == errno.EXDEV else error.strerror or error
                reason = f"it cannot be moved to {self.folder}: {details}"
                failed.append(Kept(pipeline=removal.pipeline, path=removal.path, reason=reason))
        unmoved = {artifact_id for removal in removals if removal not in moved for artifact_id in removal.artifacts}
        self._mark(store, artifacts, {artifact_id: states[artifact_id] for artifact_id in unmoved & artifacts.keys()})
        return moved, failed

    def _append_to_list(self, removals: Sequence[Removal], states_before: dict[int, int]) -> None:
        if not self.folder:
            trash, time_name = _folder(self._root), utc.name()
            os.makedirs(trash, exist_ok=True)
            while os.path.lexists(os.path.join(trash, time_name)):
                time_name += "-"
            self.folder = os.path.join(trash, time_name)
            os.mkdir(self.folder)
        with open(os.path.join(self.folder, LIST), "a", encoding="utf-8") as file:
            for removal in removals:
                states = {
                    str(artifact_id): states_before[artifact_id]
                    for artifact_id in removal.artifacts
                    if artifact_id in states_before
                }
                path = os.path.relpath(removal.path, self._root)
                line = {"path": path, "pipeline": removal.pipeline, "kind": removal.kind, "states": states}
                file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())

    @staticmethod
    def _mark(store: Store, artifacts: dict[int, pb.Artifact], states: dict[int, int]) -> None:
        for artifact_id, state in states.items():
            artifacts[artifact_id].state = state
        if states:
            store.mlmd.put_artifacts([artifacts[artifact_id] for artifact_id in states])


def entries(root: str) -> list[Entry]:
    """List the entries of the trash, oldest clean-up first.

    Raises:
      ResourceError: The trash is a link.
    """
    trash, home = _folder(root), os.path.realpath(root)
    listed = []
    for name in sorted(os.listdir(trash)) if os.path.isdir(trash) else []:
        batch = os.path.join(trash, name)
        for line in _lines(batch):
            path = os.path.join(batch, line["path"])
            # A link or .. in the list must not lead out of the trash.
            if os.path.lexists(path) and _is_real(path, batch):
                listed.append(
                    Entry(
                        pipeline=line["pipeline"],
                        kind=line["kind"],
                        batch=batch,
                        origin=os.path.join(home, line["path"]),
                        path=path,
                        states={int(id_): int(state) for id_, state in line["states"].items()},
                    )
                )
    return listed


def put_back(store: Store, root: str, chosen: Sequence[Entry]) -> tuple[list[Entry], list[Kept]]:
    """Move entries of the trash back to their original paths, and restore the states of their artifacts.

    Args:
      store: The store, opened for writing.
      root: The folder of all runs.
      chosen: Entries to move back.

    Returns:
      The files that were moved back, and those that stay in the trash.
    """
    home, restored, failed = os.path.realpath(root), [], []
    for entry in chosen:
        try:
            if os.path.lexists(entry.origin):
                raise FileExistsError(0, f"{entry.origin} exists already")
            if not _is_real(entry.origin, home):
                raise FileExistsError(0, f"{entry.origin} is behind a link")
            os.makedirs(os.path.dirname(entry.origin), exist_ok=True)
            os.rename(entry.path, entry.origin)
        except OSError as error:
            failed.append(Kept(pipeline=entry.pipeline, path=entry.path, reason=str(error.strerror or error)))
            continue
        restored.append(entry)
        artifacts = [
            artifact
            for artifact in store.artifacts(entry.states)
            if artifact.state == pb.Artifact.DELETED
            and _is_in(os.path.realpath(artifact.uri.removeprefix("file://")), entry.origin)
        ]
        for artifact in artifacts:
            artifact.state = entry.states[int(artifact.id)]
        if artifacts:
            store.mlmd.put_artifacts(artifacts)
    return restored, failed


def empty(root: str, chosen: Sequence[Entry]) -> tuple[list[Removal], list[Kept]]:
    """Delete entries of the trash from the disk.

    Args:
      root: The folder of all runs.
      chosen: Entries to delete.

    Returns:
      The deleted files, and those that stay: files that could not be deleted, or that no clean-up moved there.
    """
    removed, failed = [], []
    for entry in chosen:
        byte_count = size(entry.path)
        try:
            if os.path.isdir(entry.path) and not os.path.islink(entry.path):
                shutil.rmtree(entry.path)
            else:
                os.remove(entry.path)
            removed.append(Removal(pipeline=entry.pipeline, kind=entry.kind, path=entry.path, size=byte_count))
        except OSError as error:
            reason = f"it cannot be removed: {error.strerror or error}"
            failed.append(Kept(pipeline=entry.pipeline, path=entry.path, reason=reason))
    _remove_empty_batches(root)
    batches_left = {entry.batch for entry in entries(root)}
    for name in sorted(os.listdir(_folder(root))) if os.path.isdir(_folder(root)) else []:
        path = os.path.join(_folder(root), name)
        if name != LOCK and path not in batches_left:
            failed.append(Kept(pipeline="", path=path, reason="no clean-up moved this here"))
    return removed, failed


@contextlib.contextmanager
def locked(root: str) -> Iterator[None]:
    """Lock the trash of a root against other clean-ups.

    Raises:
      ResourceError: Another clean-up is in progress, or the trash is a link.
    """
    os.makedirs(_folder(root), exist_ok=True)
    with open(os.path.join(_folder(root), LOCK), "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ResourceError(f"another clean-up of {root} is in progress: wait until it ends") from error
        yield
        _remove_empty_batches(root)


def _folder(root: str) -> str:
    folder = os.path.join(os.path.realpath(root), FOLDER)
    if os.path.islink(folder):
        raise ResourceError(
            f"{folder} is a link to {os.path.realpath(folder)}: the trash must be in the root, on its filesystem. "
            "Remove the link"
        )
    return folder


def _lines(batch: str) -> list[dict[str, Any]]:
    """Return the lines of a clean-up's list; a truncated line of a killed process was not moved yet."""
    if os.path.islink(batch) or not os.path.isfile(os.path.join(batch, LIST)):
        return []
    lines = []
    with open(os.path.join(batch, LIST), encoding="utf-8") as file:
        for line in file:
            with contextlib.suppress(ValueError):
                lines.append(json.loads(line))
    return [line for line in lines if isinstance(line, dict) and {"path", "pipeline", "kind", "states"} <= line.keys()]


def _is_real(path: str, folder: str) -> bool:
    """Return whether a path is below a folder without links between them; the path itself may be a link."""
    parent = os.path.dirname(path)
    return os.path.normpath(path) == path and _is_in(parent, folder) and os.path.realpath(parent) == parent


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)


def _up_to(path: str, folder: str) -> list[str]:
    """Return a path below a folder, and the folders between them."""
    parts = os.path.relpath(path, folder).split(os.sep)
    return [os.path.join(folder, *parts[:depth]) for depth in range(1, len(parts) + 1)]


def _remove_empty_batches(root: str) -> None:
    """Remove folders of clean-ups in which nothing is left, with their lists; what was moved stays, also if empty."""
    for name in filter(_TIME.fullmatch, os.listdir(_folder(root))):
        batch = os.path.join(_folder(root), name)
        moved = {os.path.join(batch, line["path"]) for line in _lines(batch)}
        for inner, _, _ in [] if os.path.islink(batch) else os.walk(batch, topdown=False):
            if not moved.isdisjoint(_up_to(inner, batch)):
                continue
            if inner == batch and os.listdir(batch) == [LIST]:
                os.remove(os.path.join(batch, LIST))
            with contextlib.suppress(OSError):
                os.rmdir(inner)
