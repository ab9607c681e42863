"""Artifacts that a pipeline still needs: those of its last runs, its baselines and its served models."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ml_metadata.proto import metadata_store_pb2 as pb

from inspection.display_names import Labelled, producers
from inspection.read import serving_state
from inspection.store.artifact_lookup import ANOMALIES, BLESSING, EXAMPLES, MODEL, PUSHED, STATISTICS
from inspection.store.metadata_store import INPUT_EVENTS, Store, properties

BASELINES = 2
"""Number of latest blessed models that are kept although they do not serve."""


@dataclass(frozen=True, kw_only=True)
class Needed:
    """Artifacts, folders and runs that must be kept.

    Attributes:
      artifacts: Ids of artifacts.
      paths: Folders of models that serve, whether they are in the store or not; links are resolved.
      runs: Names of runs whose folder is kept.
      unknown: The version that serves, if its model is not in the store; else None.
    """

    artifacts: frozenset[int]
    paths: frozenset[str]
    runs: frozenset[str]
    unknown: serving_state.Served | None


def find(
    store: Store,
    home: str,
    pipeline: str,
    kept_runs: Iterable[pb.Context],
    artifacts_by_path: Mapping[str, Iterable[pb.Artifact]],
) -> Needed:
    """Find the artifacts that a pipeline still needs.

    Args:
      store: The store.
      home: The pipeline's folder.
      pipeline: Name of the pipeline.
      kept_runs: Runs of the pipeline that are kept completely.
      artifacts_by_path: Artifacts by folder, with links resolved.
    """
    labels = Labelled(store)
    models, unknown = _baselines(store, pipeline, labels), None
    paths: set[str] = set()
    pushes = _pushes(store, pipeline, labels)
    models |= {model for path, ids in pushes.items() if os.path.isdir(path) for model in ids}
    saved: dict[str, set[str]] | None = None
    for version in serving_state.listed(home):
        folders = {version.model} if version.model else set()
        version_models = pushes.get(version.path, set()) | _models_at(folders, artifacts_by_path)
        if not version_models:
            saved = serving_state.saved(os.path.join(home, "artifacts")) if saved is None else saved
            folders |= saved.get(serving_state.digest(version.path) or "none", set())
            version_models = _models_at(folders, artifacts_by_path)
        models, paths = models | version_models, paths | folders
        if version.newest and version.ours and not version_models:
            unknown = version
    # A run without changes looks up the baseline of the served model.
    models |= _baselines_of(store, models)
    executions = {int(execution.id) for run in kept_runs for execution in store.executions(run.id)}
    artifacts = {int(event.artifact_id) for event in store.events_of_executions(executions)} | _ancestors_and_results(
        store, models
    )
    makers = producers(store, models)
    runs = {run.name for run in kept_runs} | {labels[maker].run for maker in makers.values()}
    return Needed(artifacts=frozenset(artifacts), paths=frozenset(paths), runs=frozenset(runs), unknown=unknown)


def _models_at(folders: Iterable[str], artifacts_by_path: Mapping[str, Iterable[pb.Artifact]]) -> set[int]:
    return {
        int(artifact.id)
        for folder in folders
        for artifact in artifacts_by_path.get(folder, ())
        if artifact.type == MODEL
    }


def _baselines(store: Store, pipeline: str, labels: Labelled) -> set[int]:
    """Return ids of models that can be the baseline of the next run."""
    blessings = store.artifacts_of_type(BLESSING)
    producer_ids = producers(store, (blessing.id for blessing in blessings))
    pipeline_blessings = [
        blessing
        for blessing in blessings
        if blessing.id in producer_ids and labels[producer_ids[blessing.id]].pipeline == pipeline
    ]
    model_ids = [
        int(properties(blessing).get("current_model_id", 0))
        for blessing in pipeline_blessings
        if properties(blessing).get("blessed")
    ]
    return set(list(dict.fromkeys(model_ids))[:BASELINES]) - {0}


def _baselines_of(store: Store, models: set[int]) -> set[int]:
    """Return ids of the baselines of models, as recorded in their blessings."""
    blessings = [properties(blessing) for blessing in store.artifacts_of_type(BLESSING)]
    baselines = {
        int(facts.get("baseline_model_id") or 0) for facts in blessings if facts.get("current_model_id") in models
    }
    return baselines - {0}


def _pushes(store: Store, pipeline: str, labels: Labelled) -> dict[str, set[int]]:
    """Map the folders of pushed versions, with links resolved, to their models."""
    pushed = [artifact for artifact in store.artifacts_of_type(PUSHED) if _destination(artifact)]
    producer_ids = producers(store, (artifact.id for artifact in pushed))
    models_by_folder: dict[str, set[int]] = {}
    for artifact in pushed:
        pusher = producer_ids.get(int(artifact.id))
        if pusher is not None and labels[pusher].pipeline == pipeline:
            inputs = store.artifacts(int(event.artifact_id) for event in store.events_of_executions([pusher]))
            models = {int(item.id) for item in inputs if item.type == MODEL}
            models_by_folder.setdefault(os.path.realpath(_destination(artifact)), set()).update(models)
    return models_by_folder


def _destination(pushed: pb.Artifact) -> str:
    return str(properties(pushed).get("pushed_destination") or "") if properties(pushed).get("pushed") else ""


def _ancestors_and_results(store: Store, models: set[int]) -> set[int]:
    """Return ids of the models, of all that they were made from, and of their evaluations, blessings and pushes.

    The statistics of their data and the record that these passed belong to them: the gates of later runs compare with
    them.
    """
    ids, todo = set(models), set(models)
    while todo:
        producer_ids = producers(store, todo)
        # The base model of a warm start is no longer needed.
        events = store.events_of_executions(producer_ids.values())
        todo = {
            int(event.artifact_id) for event in events if not any(step.key == "base_model" for step in event.path.steps)
        } - ids
        ids |= todo
    data = {int(artifact.id) for artifact in store.artifacts(ids) if artifact.type == EXAMPLES}
    statistics = _of_type(store, _results(store, data), STATISTICS)
    return ids | _results(store, models) | statistics | _of_type(store, _results(store, statistics), ANOMALIES)


def _results(store: Store, artifacts: set[int]) -> set[int]:
    """Return ids of the outputs of the executions that used artifacts."""
    uses = store.events_of_artifacts(artifacts) if artifacts else []
    consumers = {int(event.execution_id) for event in uses if event.type in INPUT_EVENTS}
    return {int(event.artifact_id) for event in store.events_of_executions(consumers) if event.type == pb.Event.OUTPUT}


def _of_type(store: Store, ids: set[int], kind: str) -> set[int]:
    return {int(artifact.id) for artifact in store.artifacts(ids) if artifact.type == kind}
