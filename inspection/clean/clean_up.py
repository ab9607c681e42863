"""Search for files that no recent run, blessed or served model needs. The store keeps all its records.

Only files that belong to a run of the pipeline are candidates: the folder of an artifact or run of this store, the
folder of a failed execution whose token this store has, a trial, the rows of a query. Paths are compared with links
resolved; nothing behind a link is a candidate.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from ml_metadata.proto import metadata_store_pb2 as pb

from inspection.clean import needed_artifacts
from inspection.clean.pipeline_files import entries, old_queries, old_trials, size
from inspection.display_names import Labelled, producers
from inspection.run_history import REFUSED
from inspection.store import execution_folders
from inspection.store.metadata_store import PIPELINE_CONTEXT, Store, properties
from spec.addresses import run_folders

KEPT_RUNS = 5
PARTS = ("artifacts", "runs", "trials", "queries")
"""Folders of a pipeline that are cleaned; serving/ and settings/ are only read."""
_ENDED = (pb.Execution.FAILED, pb.Execution.CANCELED)


@dataclass(frozen=True, kw_only=True)
class Removal:
    """A file or folder that can be removed.

    Attributes:
      kind: artifact, run (its folder), left over (of a failed execution), trial or query (its rows).
      path: Path without links.
      artifacts: Ids of its artifacts that are not marked as deleted yet.
    """

    pipeline: str
    kind: str
    path: str
    size: int
    artifacts: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A file or folder that is not removed although no run needs it, and the reason."""

    pipeline: str
    path: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Survey:
    """Files of one pipeline that can be removed.

    Attributes:
      removable: Files and folders that can be removed.
      kept: Files and folders that cannot be attributed to a run of this pipeline in this store.
      refused: Why nothing of the pipeline may be removed, and the fix; None if it may.
    """

    pipeline: str
    removable: tuple[Removal, ...] = ()
    kept: tuple[Kept, ...] = ()
    refused: str | None = None


def pipelines(store: Store) -> list[str]:
    """Return the names of the pipelines in the store, sorted."""
    return sorted(context.name for context in store.contexts(PIPELINE_CONTEXT))


def survey(store: Store, root: str, pipeline: str, keep: int = KEPT_RUNS) -> Survey:
    """Find the removable files of one pipeline.

    Args:
      store: The store.
      root: The folder of all runs; nothing outside of it is searched.
      pipeline: Name of the pipeline.
      keep: Number of its last runs that are kept completely.
    """
    context = store.context(PIPELINE_CONTEXT, pipeline)
    home = os.path.join(os.path.realpath(root), pipeline)
    if context is None or not os.path.isdir(home):
        return Survey(pipeline=pipeline)
    for path in (home, *(os.path.join(home, part) for part in PARTS)):
        if os.path.islink(path):
            return Survey(pipeline=pipeline, refused=_linked(path))
    runs = sorted(store.children(context.id), key=lambda run: (run.create_time_since_epoch, run.id), reverse=True)
    kept_runs = _kept(runs, keep, home)
    artifacts_by_path = _artifacts_by_path(store)
    other_folder = _folder_elsewhere(store, pipeline, home, artifacts_by_path)
    if other_folder is not None:
        return Survey(pipeline=pipeline, refused=_moved(pipeline, other_folder, home))
    needed = needed_artifacts.find(store, home, pipeline, kept_runs, artifacts_by_path)
    if needed.unknown is not None:
        return Survey(pipeline=pipeline, refused=_unknown(needed.unknown.path, store))
    folders = _Folders(store, home, pipeline, artifacts_by_path, needed)
    folders.check_executions()
    folders.check_runs({run.name: run for run in runs})
    oldest = min((run.create_time_since_epoch / 1000 for run in kept_runs), default=None)
    other_paths: list[tuple[str, str]] = []
    if oldest is not None:
        other_paths += [("trial", path) for path in old_trials(home, oldest)]
        other_paths += [("query", path) for path in old_queries(home, {run.name for run in kept_runs}, oldest)]
    removable = [
        *folders.removable,
        *(Removal(pipeline=pipeline, kind=kind, path=path, size=size(path)) for kind, path in other_paths),
    ]
    return Survey(pipeline=pipeline, removable=tuple(removable), kept=tuple(folders.kept))


def _kept(runs: Sequence[pb.Context], keep: int, home: str) -> list[pb.Context]:
    """Return the runs to keep: the newest ones of each root, and those that have not ended.

    A run under another root may have outputs of this root from the cache. Runs that preflight refused are not counted.

    Args:
        runs: Runs of the pipeline, newest first.
        keep: Number of runs to keep under each root.
        home: The pipeline's folder under this root.
    """
    by_root: dict[str, list[pb.Context]] = {}
    for run in runs:
        folder = str(properties(run).get("run_folder") or "")
        is_here = run_folders.is_under(folder, run.name, home)
        by_root.setdefault(home if is_here else os.path.dirname(folder), []).append(run)
    runs_to_keep = []
    for of_root in by_root.values():
        counted = [position for position, run in enumerate(of_root, 1) if not properties(run).get(REFUSED)]
        end = counted[keep - 1] if keep <= len(counted) else len(of_root)
        # A killed run has no state, or an empty one.
        runs_to_keep += [*of_root[:end], *(run for run in of_root[end:] if not properties(run).get("state"))]
    return runs_to_keep


class _Folders:
    """Folders of one pipeline, each removed or kept as a whole.

    Args:
      store: The store.
      home: The pipeline's folder.
      pipeline: Name of the pipeline.
      artifacts_by_path: Artifacts by path.
      needed: Artifacts, folders and runs that must be kept.
    """

    def __init__(
        self,
        store: Store,
        home: str,
        pipeline: str,
        artifacts_by_path: dict[str, list[pb.Artifact]],
        needed: needed_artifacts.Needed,
    ) -> None:
        self._store, self._home, self._pipeline, self._needed = store, home, pipeline, needed
        self._labels = Labelled(store)
        self.removable: list[Removal] = []
        self.kept: list[Kept] = []
        self._artifacts: dict[str, list[pb.Artifact]] = {}
        folder = os.path.join(home, "artifacts")
        for path, artifacts in artifacts_by_path.items():
            if path.startswith(folder + os.sep):
                # NODE/KEY/EXECUTION; an artifact may be a file in it.
                execution_folder = os.path.join(folder, *os.path.relpath(path, folder).split(os.sep)[:3])
                self._artifacts.setdefault(execution_folder, []).extend(artifacts)
        producer_ids = producers(
            store, (artifact.id for artifacts in self._artifacts.values() for artifact in artifacts)
        )
        context = store.context(PIPELINE_CONTEXT, pipeline)
        # One query for this pipeline; labels cost one query each.
        own_ids = {int(execution.id) for execution in store.executions(context.id)} if context else set()
        self._producers = {
            id_: pipeline if execution_id in own_ids else self._labels[execution_id].pipeline
            for id_, execution_id in producer_ids.items()
        }

    def check_executions(self) -> None:
        """Check the folders of executions: NODE/KEY/EXECUTION."""
        for node in entries(os.path.join(self._home, "artifacts")):
            for key in [node] if node.is_symlink() else entries(node.path):
                for entry in [key] if key.is_symlink() or key.name == ".system" else entries(key.path):
                    if entry.is_symlink():
                        self._keep(entry.path, f"it is a link to {os.path.realpath(entry.path)}")
                    elif execution_folders.parse(entry.name) and entry.is_dir():
                        self._check(node.name, entry)

    def _check(self, node: str, entry: "os.DirEntry[str]") -> None:
        artifacts = self._artifacts.get(entry.path, [])
        if entry.path in self._needed.paths or any(
            int(artifact.id) in self._needed.artifacts for artifact in artifacts
        ):
            return
        other_pipelines = {self._producers.get(int(artifact.id), "") for artifact in artifacts} - {self._pipeline}
        if other_pipelines:
            self._keep(entry.path, f"it is an artifact of {', '.join(sorted(other_pipelines)) or 'another tool'}")
        elif artifacts:
            live = tuple(int(artifact.id) for artifact in artifacts if artifact.state != pb.Artifact.DELETED)
            self._add("artifact" if live else "left over", entry.path, live)
        elif self._is_left_over(node, entry.name):
            self._add("left over", entry.path)
        elif not self._is_running(entry.name):
            self._keep(entry.path, "no run of this store created it")

    def _execution(self, name: str) -> pb.Execution | None:
        """Return the execution that created a folder of this name: id and token are equal."""
        parsed = execution_folders.parse(name)
        executions = self._store.executions_by_id([parsed.execution]) if parsed else []
        return next((execution for execution in executions if execution_folders.of(execution) == name), None)

    def _is_left_over(self, node: str, name: str) -> bool:
        execution = self._execution(name)
        if execution is None or execution.last_known_state not in _ENDED:
            return False
        labels = self._labels[int(execution.id)]
        return (labels.pipeline, labels.node) == (self._pipeline, node)

    def _is_running(self, name: str) -> bool:
        """Return whether an unfinished run created a folder; resuming the run decides about it."""
        execution = self._execution(name)
        return execution is not None and execution.last_known_state == pb.Execution.RUNNING

    def check_runs(self, runs: dict[str, pb.Context]) -> None:
        """Check the folders of runs."""
        for entry in entries(os.path.join(self._home, "runs")):
            if entry.name not in runs or entry.name in self._needed.runs:
                continue
            folder = str(properties(runs[entry.name]).get("run_folder") or "")
            if entry.is_symlink():
                self._keep(entry.path, f"it is a link to {os.path.realpath(entry.path)}")
            elif os.path.realpath(folder) != entry.path:
                self._keep(entry.path, f"the store has another folder of this run: {folder or 'none'}")
            else:
                self._add("run", entry.path)

    def _add(self, kind: str, path: str, artifacts: tuple[int, ...] = ()) -> None:
        self.removable.append(
            Removal(pipeline=self._pipeline, kind=kind, path=path, size=size(path), artifacts=artifacts)
        )

    def _keep(self, path: str, reason: str) -> None:
        self.kept.append(Kept(pipeline=self._pipeline, path=path, reason=reason))


def _linked(path: str) -> str:
    return (
        f"{path} is a link to {os.path.realpath(path)}, and nothing behind a link is removed. Replace the link by the "
        "folder, or mount the folder there"
    )


def _unknown(path: str, store: Store) -> str:
    return (
        f"{path} serves, but {store.location} does not contain its model: the store is older than the files, or "
        "another one. Name the right store with --metadata, restore its newest backup with `inspect restore FILE`, or "
        "push a model with a run"
    )


def _moved(pipeline: str, folder: str, home: str) -> str:
    artifacts_folder = os.path.join(home, "artifacts")
    return (
        f"the store has the artifacts of {pipeline} in {folder}, and none in {artifacts_folder}: the root was moved or "
        f"copied, or the store belongs to another root. Move it back, or, if {os.path.dirname(folder)} no longer "
        f"exists, create a link there to {home}"
    )


def _artifacts_by_path(store: Store) -> dict[str, list[pb.Artifact]]:
    """Map local paths, with links resolved, to their artifacts."""
    artifacts: dict[str, list[pb.Artifact]] = {}
    for artifact in store.newest_artifacts(None):
        if artifact.uri and ("://" not in artifact.uri or artifact.uri.startswith("file://")):
            artifacts.setdefault(os.path.realpath(artifact.uri.removeprefix("file://")), []).append(artifact)
    return artifacts


def _folder_elsewhere(
    store: Store, pipeline: str, home: str, artifacts_by_path: dict[str, list[pb.Artifact]]
) -> str | None:
    """Return the folder where the store has a pipeline's artifacts if that is not the pipeline's folder, else None."""
    if any(path.startswith(home + os.sep) for path in artifacts_by_path) or not entries(
        os.path.join(home, "artifacts")
    ):
        return None
    labels, producer_ids = (
        Labelled(store),
        producers(store, (artifact.id for artifacts in artifacts_by_path.values() for artifact in artifacts)),
    )
    for path, artifacts in artifacts_by_path.items():
        if any(
            int(artifact.id) in producer_ids and labels[producer_ids[int(artifact.id)]].pipeline == pipeline
            for artifact in artifacts
        ):
            return os.path.dirname(os.path.dirname(os.path.dirname(path)))
    return None
