"""The trash of a root: ROOT/.trash/TIME/ holds what one clean-up moved there, under the paths that it had in the root.

A clean-up only renames, so that it can be undone; the disk's room comes back when the trash is emptied. moved.jsonl in
the same folder, written first, says what was moved; nothing else is ever put back or removed.
"""

import contextlib
import errno
import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb

from errors import ResourceError
from inspection.clean.clean_up import Kept, Removal, size
from inspection.store.metadata_store import Store

FOLDER = ".trash"
LIST = "moved.jsonl"
LOCK = ".lock"
_TIME = re.compile(r"\d{8}-\d{6}-*")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing in the trash.

    Attributes:
      batch: The folder of its clean-up.
      origin: Where it was.
      path: Where it is.
      states: State of each of its artifacts before, by id.
    """

    pipeline: str
    kind: str
    batch: str
    origin: str
    path: str
    states: dict[int, int] = field(default_factory=dict)


class Batch:
    """One clean-up; its folder is made with the first thing that is moved.

    Args:
      root: The folder of all runs.

    Raises:
      ResourceError: The trash is a link.
    """

    def __init__(self, root: str) -> None:
        self._root, self.folder = os.path.realpath(root), ""
        _folder(root)

    def move(self, store: Store, removals: Sequence[Removal]) -> tuple[list[Removal], list[Kept]]:
        """Moves files and folders to the trash, and marks their artifacts as deleted.

        Args:
          store: The store, opened to be written.
          removals: What is moved.

        Returns:
          What was moved, and what could not be.
        """
        if not removals:
            return [], []
        rows = {int(row.id): row for row in store.artifacts(id_ for each in removals for id_ in each.artifacts)}
        before = {id_: int(row.state) for id_, row in rows.items()}
        self._note(removals, before)
        # First the rows: a folder whose row is marked is found again; a row without its folder would promise too much.
        self._mark(store, rows, dict.fromkeys(rows, int(pb.Artifact.DELETED)))
        moved, kept = [], []
        for each in removals:
            try:
                target = os.path.join(self.folder, os.path.relpath(each.path, self._root))
                os.makedirs(os.path.dirname(target), exist_ok=True)
                os.rename(each.path, target)
                moved.append(each)
            except OSError as error:
                told = "it is on another filesystem" if error.errno == errno.EXDEV else error.strerror or error
                reason = f"it cannot be moved to {self.folder}: {told}"
                kept.append(Kept(pipeline=each.pipeline, path=each.path, reason=reason))
        stay = {id_ for each in removals if each not in moved for id_ in each.artifacts}
        self._mark(store, rows, {id_: before[id_] for id_ in stay & rows.keys()})
        return moved, kept

    def _note(self, removals: Sequence[Removal], before: dict[int, int]) -> None:
        if not self.folder:
            trash, name = _folder(self._root), time.strftime("%Y%m%d-%H%M%S")
            os.makedirs(trash, exist_ok=True)
            while os.path.lexists(os.path.join(trash, name)):
                name += "-"
            self.folder = os.path.join(trash, name)
            os.mkdir(self.folder)
        with open(os.path.join(self.folder, LIST), "a", encoding="utf-8") as file:
            for each in removals:
                states = {str(id_): before[id_] for id_ in each.artifacts if id_ in before}
                path = os.path.relpath(each.path, self._root)
                line = {"path": path, "pipeline": each.pipeline, "kind": each.kind, "states": states}
                file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())

    @staticmethod
    def _mark(store: Store, rows: dict[int, pb.Artifact], states: dict[int, int]) -> None:
        for id_, state in states.items():
            rows[id_].state = state
        if states:
            store.mlmd.put_artifacts([rows[id_] for id_ in states])


def entries(root: str) -> list[Entry]:
    """Lists what is in the trash, the oldest clean-up first.

    Raises:
      ResourceError: The trash is a link.
    """
    trash, home = _folder(root), os.path.realpath(root)
    found = []
    for name in sorted(os.listdir(trash)) if os.path.isdir(trash) else []:
        batch = os.path.join(trash, name)
        for line in _lines(batch):
            path = os.path.join(batch, line["path"])
            # Neither a link nor a .. in the list may lead out of the trash.
            if os.path.lexists(path) and _is_real(path, batch):
                found.append(
                    Entry(
                        pipeline=line["pipeline"],
                        kind=line["kind"],
                        batch=batch,
                        origin=os.path.join(home, line["path"]),
                        path=path,
                        states={int(id_): int(state) for id_, state in line["states"].items()},
                    )
                )
    return found


def put_back(store: Store, root: str, found: Sequence[Entry]) -> tuple[list[Entry], list[Kept]]:
    """Moves things in the trash back to where they were, and gives their artifacts the state that they had.

    Args:
      store: The store, opened to be written.
      root: The folder of all runs.
      found: What is moved back.

    Returns:
      What was moved back, and what stays in the trash.
    """
    home, back, kept = os.path.realpath(root), [], []
    for each in found:
        try:
            if os.path.lexists(each.origin) or not _is_real(each.origin, home):
                raise FileExistsError(0, f"something else is at {each.origin}")
            os.makedirs(os.path.dirname(each.origin), exist_ok=True)
            os.rename(each.path, each.origin)
        except OSError as error:
            kept.append(Kept(pipeline=each.pipeline, path=each.path, reason=str(error.strerror or error)))
            continue
        back.append(each)
        rows = [
            row
            for row in store.artifacts(each.states)
            if row.state == pb.Artifact.DELETED
            and _is_in(os.path.realpath(row.uri.removeprefix("file://")), each.origin)
        ]
        for row in rows:
            row.state = each.states[int(row.id)]
        if rows:
            store.mlmd.put_artifacts(rows)
    return back, kept


def empty(root: str, found: Sequence[Entry]) -> tuple[list[Removal], list[Kept]]:
    """Removes things in the trash from the disk.

    Args:
      root: The folder of all runs.
      found: What is removed.

    Returns:
      What was removed, and what stays: what could not be removed, and what no clean-up moved there.
    """
    removed, kept = [], []
    for each in found:
        count = size(each.path)
        try:
            if os.path.isdir(each.path) and not os.path.islink(each.path):
                shutil.rmtree(each.path)
            else:
                os.remove(each.path)
            removed.append(Removal(pipeline=each.pipeline, kind=each.kind, path=each.path, size=count))
        except OSError as error:
            reason = f"it cannot be removed: {error.strerror or error}"
            kept.append(Kept(pipeline=each.pipeline, path=each.path, reason=reason))
    _tidy(root)
    left = {each.batch for each in entries(root)}
    for name in sorted(os.listdir(_folder(root))) if os.path.isdir(_folder(root)) else []:
        path = os.path.join(_folder(root), name)
        if name != LOCK and path not in left:
            kept.append(Kept(pipeline="", path=path, reason="no clean-up moved this here"))
    return removed, kept


@contextlib.contextmanager
def held(root: str) -> Iterator[None]:
    """Keeps other clean-ups of a root from its trash.

    Raises:
      ResourceError: Another one goes on, or the trash is a link.
    """
    os.makedirs(_folder(root), exist_ok=True)
    with open(os.path.join(_folder(root), LOCK), "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ResourceError(f"another clean-up of {root} goes on: wait for its end") from error
        yield
        _tidy(root)


def _folder(root: str) -> str:
    folder = os.path.join(os.path.realpath(root), FOLDER)
    if os.path.islink(folder):
        raise ResourceError(
            f"{folder} is a link to {os.path.realpath(folder)}: the trash has to be in the root, on its filesystem. "
            "Remove the link"
        )
    return folder


def _lines(batch: str) -> list[dict[str, Any]]:
    """Returns what the list of a clean-up says; a line that a kill cut off was not moved yet."""
    if os.path.islink(batch) or not os.path.isfile(os.path.join(batch, LIST)):
        return []
    found = []
    with open(os.path.join(batch, LIST), encoding="utf-8") as file:
        for line in file:
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
    return [line for line in found if isinstance(line, dict) and {"path", "pipeline", "kind", "states"} <= line.keys()]


def _is_real(path: str, folder: str) -> bool:
    """Says whether a path is below a folder and no folder between them is a link; the path itself may be one."""
    parent = os.path.dirname(path)
    return os.path.normpath(path) == path and _is_in(parent, folder) and os.path.realpath(parent) == parent


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)


def _tidy(root: str) -> None:
    """Removes the folders of clean-ups that hold nothing any more, or never did, and their lists."""
    for name in filter(_TIME.fullmatch, os.listdir(_folder(root))):
        batch = os.path.join(_folder(root), name)
        for inner, _, _ in [] if os.path.islink(batch) else os.walk(batch, topdown=False):
            if inner == batch and os.listdir(batch) == [LIST]:
                os.remove(os.path.join(batch, LIST))
            with contextlib.suppress(OSError):
                os.rmdir(inner)
