"""Which artifacts a pipeline still needs: those of its last runs, of its baselines and of what serves."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ml_metadata.proto import metadata_store_pb2 as pb

from inspection.display_names import Labelled, producers
from inspection.read import serving_state
from inspection.store.artifact_lookup import BLESSING, MODEL, PUSHED
from inspection.store.metadata_store import INPUT_EVENTS, Store, properties

BASELINES = 2
"""Blessed models that stay also where they do not serve: the latest, and the one before."""


@dataclass(frozen=True, kw_only=True)
class Needed:
    """What stays.

    Attributes:
      artifacts: Ids of artifacts.
      paths: Folders of models that serve, whether the store knows them or not; links are followed.
      runs: Names of runs whose folder stays.
      unknown: The version that serves and whose model the store does not know; None where it does.
    """

    artifacts: frozenset[int]
    paths: frozenset[str]
    runs: frozenset[str]
    unknown: serving_state.Served | None


def find(
    store: Store, home: str, pipeline: str, kept: Iterable[pb.Context], places: Mapping[str, Iterable[pb.Artifact]]
) -> Needed:
    """Finds what a pipeline still needs.

    Args:
      store: The store.
      home: The pipeline's folder.
      pipeline: Its name.
      kept: Its runs that stay whole.
      places: Artifacts by the folder that they are in, links followed.
    """
    labels = Labelled(store)
    models, unknown = _baselines(store, pipeline, labels), None
    paths: set[str] = set()
    pushes = _pushes(store, pipeline, labels)
    models |= {model for path, ids in pushes.items() if os.path.isdir(path) for model in ids}
    saved: dict[str, set[str]] | None = None
    for version in serving_state.listed(home):
        folders = {version.model} if version.model else set()
        known = pushes.get(version.path, set()) | _models_at(folders, places)
        if not known:
            saved = serving_state.saved(os.path.join(home, "artifacts")) if saved is None else saved
            folders |= saved.get(serving_state.digest(version.path) or "none", set())
            known = _models_at(folders, places)
        models, paths = models | known, paths | folders
        if version.newest and version.ours and not known:
            unknown = version
    # An unchanged run looks up what the model that serves was compared with.
    models |= _compared_with(store, models)
    executions = {int(each.id) for run in kept for each in store.executions(run.id)}
    artifacts = {int(event.artifact_id) for event in store.events_of_executions(executions)} | _led_to(store, models)
    makers = producers(store, models)
    runs = {run.name for run in kept} | {labels[maker].run for maker in makers.values()}
    return Needed(artifacts=frozenset(artifacts), paths=frozenset(paths), runs=frozenset(runs), unknown=unknown)


def _models_at(folders: Iterable[str], places: Mapping[str, Iterable[pb.Artifact]]) -> set[int]:
    return {int(artifact.id) for folder in folders for artifact in places.get(folder, ()) if artifact.type == MODEL}


def _baselines(store: Store, pipeline: str, labels: Labelled) -> set[int]:
    """Models that the next run may be compared with."""
    blessings = store.artifacts_of_type(BLESSING)
    made = producers(store, (blessing.id for blessing in blessings))
    ours = [b for b in blessings if b.id in made and labels[made[b.id]].pipeline == pipeline]
    about = [int(properties(b).get("current_model_id", 0)) for b in ours if properties(b).get("blessed")]
    return set(list(dict.fromkeys(about))[:BASELINES]) - {0}


def _compared_with(store: Store, models: set[int]) -> set[int]:
    """Baselines of models, as the blessings about these say."""
    about = [properties(blessing) for blessing in store.artifacts_of_type(BLESSING)]
    named = {int(facts.get("baseline_model_id") or 0) for facts in about if facts.get("current_model_id") in models}
    return named - {0}


def _pushes(store: Store, pipeline: str, labels: Labelled) -> dict[str, set[int]]:
    """Maps the folders of pushed versions, links followed, to their models."""
    pushed = [artifact for artifact in store.artifacts_of_type(PUSHED) if _destination(artifact)]
    made = producers(store, (artifact.id for artifact in pushed))
    found: dict[str, set[int]] = {}
    for artifact in pushed:
        maker = made.get(int(artifact.id))
        if maker is not None and labels[maker].pipeline == pipeline:
            taken = store.artifacts(int(event.artifact_id) for event in store.events_of_executions([maker]))
            models = {int(each.id) for each in taken if each.type == MODEL}
            found.setdefault(os.path.realpath(_destination(artifact)), set()).update(models)
    return found


def _destination(pushed: pb.Artifact) -> str:
    return str(properties(pushed).get("pushed_destination") or "") if properties(pushed).get("pushed") else ""


def _led_to(store: Store, models: set[int]) -> set[int]:
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
