"""Which artifact is meant: an id, a run's, the newest, or the model behind a pushed version."""

from collections.abc import Sequence

from ml_metadata.proto import metadata_store_pb2 as pb

from errors import UserError
from inspection.display_names import Labelled, Labels, artifact_row, nearest, producers, producing
from inspection.plain_records import ArtifactRow
from inspection.run_history import find_run
from inspection.store.metadata_store import (
    INPUT_EVENTS,
    OUTPUT_EVENTS,
    PIPELINE_CONTEXT,
    RUN_CONTEXT,
    Store,
    properties,
)

LATEST = "latest"
MODEL, PUSHED, BLESSING, EVALUATION = "Model", "PushedModel", "ModelBlessing", "ModelEvaluation"
_LARGEST_ID = 2**63 - 1


def list_artifacts(
    store: Store, *, type_name: str | None = None, run: str | None = None, limit: int | None = 50
) -> list[ArtifactRow]:
    """Lists artifacts, the newest first.

    Args:
      store: The store.
      type_name: Only artifacts of this type.
      run: Only artifacts that this run made or took; its whole id.
      limit: At most so many; None for all.

    Raises:
      UserError: The store knows no such type.
    """
    if type_name is not None and type_name not in (known := store.artifact_types()):
        raise UserError(f"no artifact of type {type_name!r} in {store.where}. {nearest(type_name, known)}")
    if run is not None:
        found = [artifact for artifact, _ in of_run(store, run) if type_name in (None, artifact.type)]
        found = sorted({artifact.id: artifact for artifact in found}.values(), key=lambda artifact: -int(artifact.id))
    elif type_name is not None:
        found = store.artifacts_of_type(type_name)
    else:
        found = store.newest_artifacts(limit)
    return rows(store, found[:limit])


def rows(store: Store, found: Sequence[pb.Artifact]) -> list[ArtifactRow]:
    """Tells these artifacts with the run and node that made them; the key is the channel that they were made for."""
    made_by = producing(store, (artifact.id for artifact in found))
    labels = Labelled(store)
    told = []
    for artifact in found:
        event = made_by.get(artifact.id)
        told.append(artifact_row(artifact, event or pb.Event(), labels[event.execution_id] if event else None))
    return told


def of_run(store: Store, run_id: str) -> list[tuple[pb.Artifact, bool]]:
    """Returns the artifacts of a run's nodes and whether each is one's output, those of the last nodes last."""
    context = store.context(RUN_CONTEXT, run_id)
    events = store.events_of_executions(execution.id for execution in store.executions(context.id)) if context else []
    artifacts = {artifact.id: artifact for artifact in store.artifacts(event.artifact_id for event in events)}
    return [
        (artifacts[event.artifact_id], event.type in OUTPUT_EVENTS)
        for event in sorted(events, key=lambda event: int(event.execution_id))
        if event.artifact_id in artifacts and event.type in INPUT_EVENTS | OUTPUT_EVENTS
    ]


def by_id(store: Store, wanted: str) -> pb.Artifact | None:
    """Returns the artifact whose id a text is, if there is one."""
    # int() refuses thousands of digits.
    if not (wanted.isascii() and wanted.isdigit() and len(wanted) < 20) or int(wanted) > _LARGEST_ID:
        return None
    return next(iter(store.artifacts([int(wanted)])), None)


def find_artifact(store: Store, wanted: str) -> pb.Artifact:
    """Finds an artifact of any type by its id.

    Raises:
      UserError: There is none of this id.
    """
    found = by_id(store, wanted)
    if found is None:
        raise UserError(f"no artifact {wanted!r} in {store.where}. {_nearest_id(store, wanted)}")
    return found


def find_typed(store: Store, wanted: str, kind: str, *, pipeline: str | None = None) -> pb.Artifact:
    """Find an artifact of a type by its id, or by the run that made or took it.

    Args:
      store: The store.
      wanted: The artifact's id, or a run as `find_run` takes it: `latest` is the newest run, whatever its state.
      kind: The artifact's type.
      pipeline: Whose `latest` is meant; None for all pipelines.

    Raises:
      UserError: There is none, or the id is that of something else.
    """
    found = by_id(store, wanted)
    if found is not None:
        if found.type == kind:
            return found
        raise UserError(f"artifact {found.id} is of type {found.type}. Expected one of type {kind}{_such(store, kind)}")
    if wanted == LATEST and not store.contexts(RUN_CONTEXT):
        return _latest(store, kind, pipeline)
    run_id = _run(store, wanted, f"an artifact of type {kind}", pipeline)
    of_kind = [(artifact, made) for artifact, made in of_run(store, run_id) if artifact.type == kind]
    if not of_kind:
        raise UserError(f"run {run_id} has no artifact of type {kind}{_such(store, kind)}")
    # The first one made is nearest to the data: of Examples those of the ingestion, not the transformed ones.
    return next((artifact for artifact, made in of_kind if made), of_kind[0][0])


def find_model(store: Store, wanted: str, *, pipeline: str | None = None) -> pb.Artifact:
    """Find a model by its artifact's id, a pushed version, the run that made or took it, a pipeline or as `latest`.

    Args:
      store: The store.
      wanted: One of these. The id of a blessing, evaluation or pushed model stands for the model it is about; a
        pipeline's name for its newest model.
      pipeline: Where `latest`, versions and runs are looked for; None for all pipelines.

    Raises:
      UserError: There is no such model, or several pipelines have such a version.
    """
    if wanted == LATEST:
        return _latest(store, MODEL, pipeline)
    # A run of the same name goes first, as in `find_run`.
    is_run = store.context(RUN_CONTEXT, wanted) is not None
    if not is_run and pipeline in (None, wanted) and store.context(PIPELINE_CONTEXT, wanted) is not None:
        return _latest(store, MODEL, wanted)
    found = by_id(store, wanted)
    if found is not None and found.type == MODEL:
        return found
    if found is not None and found.type in (PUSHED, BLESSING, EVALUATION):
        return _about(store, found)
    versions = pushed_versions(store)
    pushed = versions.get(wanted, [])
    if pipeline is not None:
        pushed = [artifact for artifact in pushed if _labels(store, artifact).pipeline == pipeline]
    if len(pushed) > 1:
        owners = ", ".join(sorted({_labels(store, artifact).pipeline for artifact in pushed}))
        raise UserError(
            f"version {wanted} was pushed by several: {owners}. Say which with --pipeline or by artifact id"
        )
    if pushed:
        return _about(store, pushed[0])
    if found is not None:
        raise UserError(
            f"artifact {found.id} is of type {found.type}. Expected one of type {MODEL}{_such(store, MODEL)}"
        )
    if wanted.isascii() and wanted.isdigit():
        names = [str(artifact.id) for artifact in store.artifacts_of_type(MODEL)] + list(versions)
        raise UserError(
            f"no model {wanted!r} in {store.where}: it is no artifact's id and no pushed version. "
            f"{nearest(wanted, names, none='The store holds no model')}"
        )
    run_id = _run(store, wanted, "a model's id, a pushed version, a pipeline or the word latest", pipeline)
    models = [(artifact, made) for artifact, made in of_run(store, run_id) if artifact.type == MODEL]
    # A run also takes the baseline, and may begin from an earlier model; what it trained comes last.
    for artifact, made in reversed(models):
        if made and artifact.id in _trained(store, run_id):
            return artifact
    raise UserError(f"run {run_id} made no model{_such(store, MODEL)}")


def find_run_of(store: Store, wanted: str, *, pipeline: str | None = None) -> str:
    """Find a run as `find_run` does, or as the run that made a model, named by its artifact's id or pushed version.

    Raises:
      UserError: There is neither.
    """
    is_run = not (wanted.isascii() and wanted.isdigit()) or store.context(RUN_CONTEXT, wanted) is not None
    if is_run or (by_id(store, wanted) is None and wanted not in pushed_versions(store)):
        return find_run(store, wanted, pipeline=pipeline)
    model = find_model(store, wanted, pipeline=pipeline)
    if run := _labels(store, model).run:
        return run
    raise UserError(f"Model {model.id} was made by no run, so there is nothing to compare")


def pushed_versions(store: Store) -> dict[str, list[pb.Artifact]]:
    """Maps pushed versions to their PushedModel artifacts."""
    versions: dict[str, list[pb.Artifact]] = {}
    for artifact in store.artifacts_of_type(PUSHED):
        facts = properties(artifact)
        if facts.get("pushed_version") and facts.get("pushed", 1):
            versions.setdefault(str(facts["pushed_version"]), []).append(artifact)
    # A cached pusher names the same artifact; another artifact of the same version is another pipeline's.
    return versions


def _trained(store: Store, run_id: str) -> set[int]:
    """Returns what the run's nodes made or took from the cache; not what a resolver found."""
    context = store.context(RUN_CONTEXT, run_id)
    executions = store.executions(context.id) if context else []
    events = store.events_of_executions(execution.id for execution in executions)
    return {int(event.artifact_id) for event in events if event.type == pb.Event.OUTPUT}


def _about(store: Store, artifact: pb.Artifact) -> pb.Artifact:
    """Returns the model that a blessing, an evaluation or a pushed model is about."""
    made_by = producers(store, [artifact.id])
    taken = [
        event
        for event in store.events_of_executions(made_by.values())
        if event.type in INPUT_EVENTS and not is_baseline(event)
    ]
    models = [found for found in store.artifacts(event.artifact_id for event in taken) if found.type == MODEL]
    if not models:
        raise UserError(f"{artifact.type} {artifact.id} names no model{_such(store, MODEL)}")
    return models[0]


def is_baseline(event: pb.Event) -> bool:
    """Says whether an execution took this artifact only to compare with it."""
    return any(step.key == "baseline_model" for step in event.path.steps)


def _latest(store: Store, kind: str, pipeline: str | None = None) -> pb.Artifact:
    found = store.artifacts_of_type(kind)
    for artifact in found:
        if pipeline is None or _labels(store, artifact).pipeline == pipeline:
            return artifact
    where = f"of pipeline {pipeline!r} in" if pipeline is not None and found else "in"
    raise UserError(f"no artifact of type {kind} {where} {store.where} yet")


def _labels(store: Store, artifact: pb.Artifact) -> Labels:
    """Returns the names of what made an artifact."""
    maker = producers(store, [artifact.id]).get(artifact.id)
    return Labelled(store)[maker] if maker is not None else Labels("", "", "")


def _run(store: Store, wanted: str, expected: str, pipeline: str | None) -> str:
    """Find a run where something else could have been named as well."""
    try:
        return find_run(store, wanted, pipeline=pipeline)
    except UserError as error:
        if wanted.isascii() and wanted.isdigit() and "fits" not in str(error):
            raise UserError(f"no artifact {wanted!r} in {store.where}. {_nearest_id(store, wanted)}") from error
        raise UserError(f"{error}. Expected {expected}, or a run".replace("?.", "?")) from error


def _such(store: Store, kind: str) -> str:
    ids = [str(artifact.id) for artifact in store.artifacts_of_type(kind)[:3]]
    return f", such as {', '.join(ids)}" if ids else ". The store has none"


def _nearest_id(store: Store, wanted: str) -> str:
    newest = [str(artifact.id) for artifact in store.newest_artifacts(100)]
    return nearest(wanted, newest, none="The store has no artifacts")
