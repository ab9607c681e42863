"""What no kept run, blessed or served model needs, and its way to the trash; the store keeps every row.

Only files of the pipeline are offered: folders of artifacts and runs that this store names, of killed executions whose
token it has, trials, rows of queries. Paths are compared with links resolved; nothing behind a link is offered.
"""

import contextlib
import fcntl
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ml_metadata.proto import metadata_store_pb2 as pb

from inspection.clean import needed_artifacts
from inspection.display_names import Labelled, producers
from inspection.store import execution_folders
from inspection.store.metadata_store import PIPELINE_CONTEXT, Store, properties
from spec.file_names import RUN

KEPT_RUNS = 5
PARTS = ("artifacts", "runs", "trials", "queries")
"""Folders of a pipeline in which anything may go; serving/ and settings/ are only read."""
_TRIAL = re.compile(r"[0-9a-f]{32}\.json")
_QUERY = re.compile(r"[0-9a-f]{16}\.parquet|\.draft-\w+")
"""Rows of a query, by their digest, and what was being written when a command was killed."""
_ENDED = (pb.Execution.FAILED, pb.Execution.CANCELED)


@dataclass(frozen=True, kw_only=True)
class Removal:
    """A file or folder that may go.

    Attributes:
      kind: artifact, run (its folder), left over (of a failed or killed execution), trial or query (its rows).
      path: Its path; no part of it is a link.
      artifacts: Ids of its artifacts that are not marked as deleted yet.
    """

    pipeline: str
    kind: str
    path: str
    size: int
    artifacts: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A file or folder that looks as if it might go, and the reason why it stays."""

    pipeline: str
    path: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What may go of one pipeline.

    Attributes:
      found: What may go.
      kept: What cannot be attributed to a run of this pipeline in this store.
      refused: Why nothing of the pipeline may go, with the fix; None where it may.
    """

    pipeline: str
    found: tuple[Removal, ...] = ()
    kept: tuple[Kept, ...] = ()
    refused: str | None = None


def pipelines(store: Store) -> list[str]:
    """Returns the names of the pipelines that the store knows."""
    return sorted(context.name for context in store.contexts(PIPELINE_CONTEXT))


def survey(store: Store, root: str, pipeline: str, keep: int = KEPT_RUNS) -> Survey:
    """Finds what may go of one pipeline.

    Args:
      store: The store.
      root: The folder of all runs; nothing outside of it is looked at.
      pipeline: Its name.
      keep: How many of its last runs stay whole.
    """
    context = store.context(PIPELINE_CONTEXT, pipeline)
    home = os.path.join(os.path.realpath(root), pipeline)
    if context is None or not os.path.isdir(home):
        return Survey(pipeline=pipeline)
    for path in (home, *(os.path.join(home, part) for part in PARTS)):
        if os.path.islink(path):
            return Survey(pipeline=pipeline, refused=_linked(path))
    runs = sorted(store.children(context.id), key=lambda run: (run.create_time_since_epoch, run.id), reverse=True)
    # A run that a kill ended has no state, or an empty one.
    kept = runs[:keep] + [run for run in runs[keep:] if not properties(run).get("state")]
    places = _places(store)
    elsewhere = _elsewhere(store, pipeline, home, places)
    if elsewhere is not None:
        return Survey(pipeline=pipeline, refused=_moved(pipeline, elsewhere, home))
    stays = needed_artifacts.find(store, home, pipeline, kept, places)
    if stays.unknown is not None:
        return Survey(pipeline=pipeline, refused=_unknown(stays.unknown.path, store))
    units = _Units(store, home, pipeline, places, stays)
    units.look()
    units.look_at_runs({run.name: run for run in runs})
    oldest = min((run.create_time_since_epoch / 1000 for run in kept), default=None)
    trials = [] if oldest is None else _trials(os.path.join(home, "trials"), oldest)
    queries = [] if oldest is None else _queries(home, {run.name for run in kept}, oldest)
    others = [*(("trial", path) for path in trials), *(("query", path) for path in queries)]
    found = [*units.found, *(Removal(pipeline=pipeline, kind=kind, path=at, size=size(at)) for kind, at in others)]
    return Survey(pipeline=pipeline, found=tuple(found), kept=tuple(units.kept))


class _Units:
    """Folders of one pipeline, each judged as a whole.

    Args:
      store: The store.
      home: The pipeline's folder.
      pipeline: Its name.
      places: Artifacts by path.
      stays: What is needed.
    """

    def __init__(
        self,
        store: Store,
        home: str,
        pipeline: str,
        places: dict[str, list[pb.Artifact]],
        stays: needed_artifacts.Needed,
    ) -> None:
        self._store, self._home, self._pipeline, self._stays = store, home, pipeline, stays
        self._labels = Labelled(store)
        self.found: list[Removal] = []
        self.kept: list[Kept] = []
        self._rows: dict[str, list[pb.Artifact]] = {}
        artifacts = os.path.join(home, "artifacts")
        for path, rows in places.items():
            if path.startswith(artifacts + os.sep):
                # NODE/KEY/EXECUTION: an artifact may be a file in it.
                unit = os.path.join(artifacts, *os.path.relpath(path, artifacts).split(os.sep)[:3])
                self._rows.setdefault(unit, []).extend(rows)
        made = producers(store, (artifact.id for rows in self._rows.values() for artifact in rows))
        context = store.context(PIPELINE_CONTEXT, pipeline)
        # One query: labels cost one each.
        own = {int(execution.id) for execution in store.executions(context.id)} if context else set()
        self._makers = {id_: pipeline if it in own else self._labels[it].pipeline for id_, it in made.items()}

    def look(self) -> None:
        """Judges the folders of executions: NODE/KEY/EXECUTION."""
        for node in _entries(os.path.join(self._home, "artifacts")):
            for key in [node] if node.is_symlink() else _entries(node.path):
                for entry in [key] if key.is_symlink() or key.name == ".system" else _entries(key.path):
                    if entry.is_symlink():
                        self._keep(entry.path, f"it is a link to {os.path.realpath(entry.path)}")
                    elif execution_folders.parse(entry.name) and entry.is_dir():
                        self._judge(node.name, entry)

    def _judge(self, node: str, entry: "os.DirEntry[str]") -> None:
        rows = self._rows.get(entry.path, [])
        if entry.path in self._stays.paths or any(int(row.id) in self._stays.artifacts for row in rows):
            return
        others = {self._makers.get(int(row.id), "") for row in rows} - {self._pipeline}
        if others:
            self._keep(entry.path, f"it is an artifact of {', '.join(sorted(others)) or 'another tool'}")
        elif rows:
            live = tuple(int(row.id) for row in rows if row.state != pb.Artifact.DELETED)
            self._offer("artifact" if live else "left over", entry.path, live)
        elif self._is_left_over(node, entry.name):
            self._offer("left over", entry.path)
        elif not self._runs_on(entry.name):
            self._keep(entry.path, "no run of this store made it")

    def _execution(self, name: str) -> pb.Execution | None:
        """Returns the execution that made a folder of this name: the one whose token it has."""
        parsed = execution_folders.parse(name)
        found = self._store.executions_by_id([parsed.execution]) if parsed else []
        return next((each for each in found if execution_folders.of(each) == name), None)

    def _is_left_over(self, node: str, name: str) -> bool:
        execution = self._execution(name)
        if execution is None or execution.last_known_state not in _ENDED:
            return False
        labels = self._labels[int(execution.id)]
        return (labels.pipeline, labels.node) == (self._pipeline, node)

    def _runs_on(self, name: str) -> bool:
        """Says whether an unfinished run made a folder: what becomes of it is decided when the run is taken up."""
        execution = self._execution(name)
        return execution is not None and execution.last_known_state == pb.Execution.RUNNING

    def look_at_runs(self, runs: dict[str, pb.Context]) -> None:
        """Judges the folders of runs."""
        for entry in _entries(os.path.join(self._home, "runs")):
            if entry.name not in runs or entry.name in self._stays.runs:
                continue
            folder = str(properties(runs[entry.name]).get("run_folder") or "")
            if entry.is_symlink():
                self._keep(entry.path, f"it is a link to {os.path.realpath(entry.path)}")
            elif os.path.realpath(folder) != entry.path:
                self._keep(entry.path, f"the store has this run at {folder or 'no folder'}")
            else:
                self._offer("run", entry.path)

    def _offer(self, kind: str, path: str, artifacts: tuple[int, ...] = ()) -> None:
        self.found.append(Removal(pipeline=self._pipeline, kind=kind, path=path, size=size(path), artifacts=artifacts))

    def _keep(self, path: str, reason: str) -> None:
        self.kept.append(Kept(pipeline=self._pipeline, path=path, reason=reason))


def _linked(path: str) -> str:
    return (
        f"{path} is a link to {os.path.realpath(path)}, and nothing behind a link is removed. Move the folder itself "
        "to where the link is, or mount it there"
    )


def _unknown(path: str, store: Store) -> str:
    return (
        f"{path} serves, and {store.where} does not know its model, nor what it was made from: the store is older than "
        "the files, or another one. Name the store that knows it with --metadata, put its newest backup in place with "
        "`inspect restore FILE`, or let a run push a model"
    )


def _moved(pipeline: str, folder: str, home: str) -> str:
    here = os.path.join(home, "artifacts")
    return (
        f"the store has the artifacts of {pipeline} in {folder}, and none in {here}: the root was moved or copied, or "
        f"the store is another root's. Move it back, or, where {os.path.dirname(folder)} is gone for good, put a link "
        f"there that leads to {home}"
    )


def _places(store: Store) -> dict[str, list[pb.Artifact]]:
    """Maps paths on this machine, links followed, to their artifacts."""
    places: dict[str, list[pb.Artifact]] = {}
    for artifact in store.newest_artifacts(None):
        if artifact.uri and ("://" not in artifact.uri or artifact.uri.startswith("file://")):
            places.setdefault(os.path.realpath(artifact.uri.removeprefix("file://")), []).append(artifact)
    return places


def _elsewhere(store: Store, pipeline: str, home: str, places: dict[str, list[pb.Artifact]]) -> str | None:
    """Returns the folder where the store has the artifacts of a pipeline, if it has none of them in its own folder."""
    if any(path.startswith(home + os.sep) for path in places) or not _entries(os.path.join(home, "artifacts")):
        return None
    labels, made = Labelled(store), producers(store, (row.id for rows in places.values() for row in rows))
    for path, rows in places.items():
        if any(int(row.id) in made and labels[made[int(row.id)]].pipeline == pipeline for row in rows):
            return os.path.dirname(os.path.dirname(os.path.dirname(path)))
    return None


def _trials(folder: str, oldest: float) -> list[str]:
    """Files of the tuner's trials that are older than a time."""
    files = [e for e in _entries(folder) if _TRIAL.fullmatch(e.name) and e.is_file(follow_symlinks=False)]
    return [entry.path for entry in files if entry.stat().st_mtime < oldest]


def _queries(home: str, kept: set[str], oldest: float) -> list[str]:
    """Rows of queries that no kept run was made from, and that are older than a time, so that no run begins on them."""
    needed = set()
    for run in kept:
        path = os.path.join(home, "runs", run, RUN)
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError), open(path, encoding="utf-8") as file:
            needed.add(os.path.basename(json.load(file)["query"]["path"]))
    entries = [e for e in _entries(os.path.join(home, "queries")) if _QUERY.fullmatch(e.name) and not e.is_symlink()]
    return [e.path for e in entries if e.name not in needed and e.stat().st_mtime < oldest]


def _entries(folder: str) -> list["os.DirEntry[str]"]:
    return sorted(os.scandir(folder), key=lambda entry: entry.name) if os.path.isdir(folder) else []


def size(path: str) -> int:
    """Returns the bytes of a file or of all files below a folder; links count as themselves."""
    if os.path.islink(path) or not os.path.isdir(path):
        return os.lstat(path).st_size if os.path.lexists(path) else 0
    return sum(os.lstat(os.path.join(at, name)).st_size for at, _, names in os.walk(path) for name in names)


@contextlib.contextmanager
def alone(root: str, pipeline: str) -> Iterator[bool]:
    """Says whether no run of a pipeline goes on, and keeps it so: runs hold this lock from beginning to end."""
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
