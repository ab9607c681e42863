"""What no kept run, blessed or pushed model needs, and its removal; the store keeps every row."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ml_metadata.proto import metadata_store_pb2 as pb

from inspection import folders
from inspection.artifacts import BLESSING, MODEL, PUSHED
from inspection.labels import Labelled, producers
from inspection.store import INPUT_EVENTS, PIPELINE_CONTEXT, Store, properties

KEPT_RUNS = 5
BASELINES = 2
"""Blessed models that the next run may compare with: the latest, and the one before where the latest comes again."""


@dataclass(frozen=True, kw_only=True)
class Removal:
    """A file or folder that may go.

    Attributes:
      kind: artifact, run (its folder), left over (of a run that was killed) or trial.
      artifact: The artifact's id; None for all else.
    """

    pipeline: str
    kind: str
    path: str
    size: int
    artifact: int | None = None


def pipelines(store: Store) -> list[str]:
    """Returns the names of the pipelines that the store knows."""
    return sorted(context.name for context in store.contexts(PIPELINE_CONTEXT))


def removals(store: Store, root: str, pipeline: str, keep: int = KEPT_RUNS) -> list[Removal]:
    """Finds what may go of one pipeline.

    Args:
      store: The store.
      root: The folder of all runs; nothing outside of it is looked at.
      pipeline: Its name.
      keep: How many of its last runs stay whole.
    """
    context = store.context(PIPELINE_CONTEXT, pipeline)
    folder = os.path.join(os.path.realpath(root), pipeline)
    if context is None or not os.path.isdir(folder):
        return []
    runs = sorted(store.children(context.id), key=lambda run: (run.create_time_since_epoch, run.id), reverse=True)
    kept = runs[:keep] + [run for run in runs[keep:] if "state" not in run.custom_properties]
    executions = {int(each.id) for run in kept for each in store.executions(run.id)}
    labels = Labelled(store)
    models = _models(store, pipeline, labels)
    needed = {int(event.artifact_id) for event in store.events_of_executions(executions)} | _needed(store, models)
    makers = producers(store, needed)
    whole = {run.name for run in kept} | {labels[makers[model]].run for model in models & makers.keys()}

    artifacts = os.path.join(folder, "artifacts")
    places: dict[str, list[pb.Artifact]] = {}
    for artifact in store.newest_artifacts(None):
        path = os.path.realpath(artifact.uri.removeprefix("file://")) if _is_local(artifact.uri) else ""
        if path.startswith(artifacts + os.sep):
            places.setdefault(path, []).append(artifact)
    used = {path for path, there in places.items() if any(int(artifact.id) in needed for artifact in there)}
    found = [
        Removal(pipeline=pipeline, kind="artifact", path=path, size=_size(path), artifact=int(artifact.id))
        for path, there in sorted(places.items())
        for artifact in there
        if path not in used and artifact.state != pb.Artifact.DELETED
    ]
    live = {removal.path for removal in found} | used
    found += [
        Removal(pipeline=pipeline, kind="left over", path=path, size=_size(path))
        for path in _outputs(artifacts)
        if path not in live and not any(other.startswith(path + os.sep) for other in live)
    ]
    known = {run.name for run in runs}
    found += [
        Removal(pipeline=pipeline, kind="run", path=entry.path, size=_size(entry.path))
        for entry in _entries(os.path.join(folder, "runs"))
        if entry.name in known - whole
    ]
    oldest = min((run.create_time_since_epoch / 1000 for run in kept), default=None)
    found += [
        Removal(pipeline=pipeline, kind="trial", path=entry.path, size=_size(entry.path))
        for entry in _entries(os.path.join(folder, "trials"))
        if oldest is not None and entry.stat().st_mtime < oldest
    ]
    return found


def remove(store: Store, root: str, pipeline: str, keep: int = KEPT_RUNS) -> list[Removal] | None:
    """Removes what may go of one pipeline, and marks its artifacts as DELETED.

    Args:
      store: The store, opened to be written.
      root: The folder of all runs.
      pipeline: Its name.
      keep: How many of its last runs stay whole.

    Returns:
      What was removed; None where a run of the pipeline goes on, which may need any of it.
    """
    with _alone(os.path.join(root, pipeline)) as alone:
        if not alone:
            return None
        found = removals(store, root, pipeline, keep)
        gone = store.artifacts(removal.artifact for removal in found if removal.artifact is not None)
        for artifact in gone:
            artifact.state = pb.Artifact.DELETED
        # First the rows: a folder without a row is found again; a row without its folder would promise too much.
        if gone:
            store.mlmd.put_artifacts(gone)
        for removal in found:
            if os.path.isdir(removal.path) and not os.path.islink(removal.path):
                shutil.rmtree(removal.path)
            elif os.path.lexists(removal.path):
                os.remove(removal.path)
        return found


def _models(store: Store, pipeline: str, labels: Labelled) -> set[int]:
    """Models that serve, or that the next run may be compared with."""
    models: set[int] = set()
    blessings = store.artifacts_of_type(BLESSING)
    made = producers(store, (blessing.id for blessing in blessings))
    ours = [b for b in blessings if b.id in made and labels[made[b.id]].pipeline == pipeline]
    about = [int(properties(b).get("current_model_id", 0)) for b in ours if properties(b).get("blessed")]
    models |= set(list(dict.fromkeys(about))[:BASELINES]) - {0}
    pushed = [p for p in store.artifacts_of_type(PUSHED) if os.path.isdir(_destination(p))]
    makers = producers(store, (p.id for p in pushed)).values()
    of_ours = [maker for maker in makers if labels[maker].pipeline == pipeline]
    taken = {int(e.artifact_id) for e in store.events_of_executions(of_ours)}
    return models | {int(artifact.id) for artifact in store.artifacts(taken) if artifact.type == MODEL}


def _destination(pushed: pb.Artifact) -> str:
    return str(properties(pushed).get("pushed_destination") or "") if properties(pushed).get("pushed") else ""


def _needed(store: Store, models: set[int]) -> set[int]:
    """All that models were made from, and what was said of them: evaluations, blessings, pushes."""
    needed, todo = set(models), set(models)
    while todo:
        made_by = producers(store, todo)
        # A model may have begun with the weights of an earlier one, which it does not need any more.
        events = store.events_of_executions(made_by.values())
        todo = {
            int(e.artifact_id) for e in events if not any(step.key == "base_model" for step in e.path.steps)
        } - needed
        needed |= todo
    judges = {int(e.execution_id) for e in store.events_of_artifacts(models) if e.type in INPUT_EVENTS}
    return needed | {int(e.artifact_id) for e in store.events_of_executions(judges) if e.type == pb.Event.OUTPUT}


def _outputs(artifacts: str) -> Iterator[str]:
    """Folders of one execution's output: NODE/KEY/ID-TOKEN, or NODE/KEY/ID of an earlier version."""
    for node in _entries(artifacts):
        for key in _entries(node.path):
            if key.name != ".system" and key.is_dir():
                yield from (os.path.realpath(each.path) for each in _entries(key.path) if folders.parse(each.name))


def _entries(folder: str) -> Iterable["os.DirEntry[str]"]:
    return sorted(os.scandir(folder), key=lambda entry: entry.name) if os.path.isdir(folder) else []


def _is_local(uri: str) -> bool:
    return bool(uri) and ("://" not in uri or uri.startswith("file://"))


def _size(path: str) -> int:
    if not os.path.isdir(path):
        return os.path.getsize(path) if os.path.exists(path) else 0
    return sum(os.lstat(os.path.join(at, name)).st_size for at, _, names in os.walk(path) for name in names)


@contextlib.contextmanager
def _alone(folder: str) -> Iterator[bool]:
    """Says whether no run of the pipeline goes on, and keeps it so: runs hold this lock from beginning to end."""
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
