"""Artifacts by id, by run, as `latest`, or by the version that they were pushed as."""

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
EXAMPLES, STATISTICS, ANOMALIES = "Examples", "ExampleStatistics", "ExampleAnomalies"
_MAX_ID = 2**63 - 1


def list_artifacts(
    store: Store, *, type_name: str | None = None, run: str | None = None, limit: int | None = 50
) -> list[ArtifactRow]:
    """List artifacts, newest first.

    Args:
      store: The store.
      type_name: Only artifacts of this type.
      run: Only inputs and outputs of this run; its full id.
      limit: Maximum number; None for all.

    Raises:
      UserError: The store does not have this type.
    """
    if type_name is not None and type_name not in (type_names := store.artifact_types()):
        raise UserError(f"no artifact of type {type_name!r} in {store.location}. {nearest(type_name, type_names)}")
    if run is not None:
        of_type = [artifact for artifact, _ in of_run(store, run) if type_name in (None, artifact.type)]
        artifacts = sorted(
            {artifact.id: artifact for artifact in of_type}.values(), key=lambda artifact: -int(artifact.id)
        )
    elif type_name is not None:
        artifacts = store.artifacts_of_type(type_name)
    else:
        artifacts = store.newest_artifacts(limit)
    return rows(store, artifacts[:limit])


def rows(store: Store, artifacts: Sequence[pb.Artifact]) -> list[ArtifactRow]:
    """Return artifacts with the run and node that produced them; `key` is the output channel of the producer."""
    events = producing(store, (artifact.id for artifact in artifacts))
    labels = Labelled(store)
    table = []
    for artifact in artifacts:
        event = events.get(artifact.id)
        table.append(artifact_row(artifact, event or pb.Event(), labels[event.execution_id] if event else None))
    return table


def of_run(store: Store, run_id: str) -> list[tuple[pb.Artifact, bool]]:
    """Return inputs and outputs of a run's nodes, each with whether it is an output; in the order of execution."""
    context = store.context(RUN_CONTEXT, run_id)
    events = store.events_of_executions(execution.id for execution in store.executions(context.id)) if context else []
    artifacts = {artifact.id: artifact for artifact in store.artifacts(event.artifact_id for event in events)}
    return [
        (artifacts[event.artifact_id], event.type in OUTPUT_EVENTS)
        for event in sorted(events, key=lambda event: int(event.execution_id))
        if event.artifact_id in artifacts and event.type in INPUT_EVENTS | OUTPUT_EVENTS
    ]


def by_id(store: Store, name: str) -> pb.Artifact | None:
    """Return the artifact with this id; None if there is none, or the string is not an id."""
    # int() refuses thousands of digits.
    if not (name.isascii() and name.isdigit() and len(name) < 20) or int(name) > _MAX_ID:
        return None
    return next(iter(store.artifacts([int(name)])), None)


def find_artifact(store: Store, name: str) -> pb.Artifact:
    """Find an artifact of any type by its id.

    Raises:
      UserError: There is no artifact with this id.
    """
    artifact = by_id(store, name)
    if artifact is None:
        raise UserError(f"no artifact {name!r} in {store.location}. {_nearest_id(store, name)}")
    return artifact


def find_typed(store: Store, name: str, kind: str, *, pipeline: str | None = None) -> pb.Artifact:
    """Find an artifact of a type by its id, or by the run that has it as output or input.

    Args:
      store: The store.
      name: The artifact's id, or a run as in `find_run`: `latest` is the newest run, whatever its state.
      kind: The artifact's type.
      pipeline: Restricts `latest` to this pipeline; None for all pipelines.

    Raises:
      UserError: There is none, or the artifact is of another type.
    """
    artifact = by_id(store, name)
    if artifact is not None:
        if artifact.type == kind:
            return artifact
        raise UserError(_wrong_type(store, artifact, kind))
    if name == LATEST and not store.contexts(RUN_CONTEXT):
        return _latest(store, kind, pipeline)
    run_id = _run(store, name, f"an artifact of type {kind}", pipeline)
    of_kind = [(item, is_output) for item, is_output in of_run(store, run_id) if item.type == kind]
    if not of_kind:
        raise UserError(f"run {run_id} has no artifact of type {kind}{_examples_of(store, kind)}")
    # The first output is nearest to the data: of Examples those of the ingestion, not the transformed ones.
    return next((item for item, is_output in of_kind if is_output), of_kind[0][0])


def find_model(store: Store, name: str, *, pipeline: str | None = None) -> pb.Artifact:
    """Find a model by its artifact's id, a pushed version, the run that trained it, a pipeline or `latest`.

    Args:
      store: The store.
      name: One of these. The id of a blessing, evaluation or pushed model stands for the model it belongs to; a
        pipeline's name for its newest model.
      pipeline: Restricts `latest`, versions and runs to this pipeline; None for all pipelines.

    Raises:
      UserError: There is no such model, or several pipelines pushed this version.
    """
    if name == LATEST:
        return _latest(store, MODEL, pipeline)
    # A run of the same name has precedence, as in `find_run`.
    is_run = store.context(RUN_CONTEXT, name) is not None
    if not is_run and pipeline in (None, name) and store.context(PIPELINE_CONTEXT, name) is not None:
        return _latest(store, MODEL, name)
    artifact = by_id(store, name)
    if artifact is not None and artifact.type == MODEL:
        return artifact
    if artifact is not None and artifact.type in (PUSHED, BLESSING, EVALUATION):
        return _model_of(store, artifact)
    versions = pushed_versions(store)
    pushed = versions.get(name, [])
    if pipeline is not None:
        pushed = [item for item in pushed if _labels(store, item).pipeline == pipeline]
    if len(pushed) > 1:
        owners = ", ".join(sorted({_labels(store, item).pipeline for item in pushed}))
        raise UserError(
            f"version {name} was pushed by several pipelines: {owners}. Add --pipeline, or give the artifact's id"
        )
    if pushed:
        return _model_of(store, pushed[0])
    if artifact is not None:
        raise UserError(_wrong_type(store, artifact, MODEL))
    if name.isascii() and name.isdigit():
        names = [str(item.id) for item in store.artifacts_of_type(MODEL)] + list(versions)
        raise UserError(
            f"no model {name!r} in {store.location}: it is not an artifact's id or a pushed version. "
            f"{nearest(name, names, none='The store has no models')}"
        )
    run_id = _run(store, name, "a model's id, a pushed version, a pipeline, latest", pipeline)
    if (model := model_of_run(store, run_id)) is not None:
        return model
    raise UserError(f"run {run_id} has not trained a model{_examples_of(store, MODEL)}")


def find_run_of(store: Store, name: str, *, pipeline: str | None = None) -> str:
    """Find a run as `find_run` does, or the run that trained a model, by the model's artifact id or pushed version.

    Raises:
      UserError: There is no such run or model.
    """
    run, model = find_run_or_model(store, name, pipeline=pipeline)
    if run:
        return run
    assert model is not None
    raise UserError(f"Model {model.id} was not trained by a run of this store, so there is nothing to compare")


def find_run_or_model(store: Store, name: str, *, pipeline: str | None = None) -> tuple[str, pb.Artifact | None]:
    """Find a run as `find_run` does, or a model by its artifact id or pushed version.

    Returns:
      The run, and None; or the run that trained the model, empty if the store has none, and the model.

    Raises:
      UserError: There is no such run or model.
    """
    is_run = not (name.isascii() and name.isdigit()) or store.context(RUN_CONTEXT, name) is not None
    if is_run or (by_id(store, name) is None and name not in pushed_versions(store)):
        return find_run(store, name, pipeline=pipeline), None
    model = find_model(store, name, pipeline=pipeline)
    return _labels(store, model).run, model


def model_of_run(store: Store, run_id: str) -> pb.Artifact | None:
    """Return the model that a run trained, or reused from the cache; None if it has none."""
    produced = _produced(store, run_id)
    models = [item for item, is_output in of_run(store, run_id) if item.type == MODEL and is_output]
    # A resolver outputs the baseline; the trained model comes last.
    return next((item for item in reversed(models) if item.id in produced), None)


def pushed_versions(store: Store) -> dict[str, list[pb.Artifact]]:
    """Map pushed versions to their PushedModel artifacts."""
    versions: dict[str, list[pb.Artifact]] = {}
    for artifact in store.artifacts_of_type(PUSHED):
        facts = properties(artifact)
        if facts.get("pushed_version") and facts.get("pushed", 1):
            versions.setdefault(str(facts["pushed_version"]), []).append(artifact)
    # A cached pusher outputs the same artifact; another artifact of the same version belongs to another pipeline.
    return versions


def _produced(store: Store, run_id: str) -> set[int]:
    """Return ids of artifacts that the run's nodes produced or reused from the cache, without those of resolvers."""
    context = store.context(RUN_CONTEXT, run_id)
    executions = store.executions(context.id) if context else []
    events = store.events_of_executions(execution.id for execution in executions)
    return {int(event.artifact_id) for event in events if event.type == pb.Event.OUTPUT}


def _model_of(store: Store, artifact: pb.Artifact) -> pb.Artifact:
    """Return the model that a blessing, an evaluation or a pushed model belongs to."""
    made_by = producers(store, [artifact.id])
    inputs = [
        event
        for event in store.events_of_executions(made_by.values())
        if event.type in INPUT_EVENTS and not is_baseline(event)
    ]
    models = [item for item in store.artifacts(event.artifact_id for event in inputs) if item.type == MODEL]
    if not models:
        raise UserError(f"{artifact.type} {artifact.id} has no model as input{_examples_of(store, MODEL)}")
    return models[0]


def is_baseline(event: pb.Event) -> bool:
    """Return whether an execution used this artifact only as its baseline."""
    return any(step.key == "baseline_model" for step in event.path.steps)


def _latest(store: Store, kind: str, pipeline: str | None = None) -> pb.Artifact:
    artifacts = store.artifacts_of_type(kind)
    for artifact in artifacts:
        if pipeline is None or _labels(store, artifact).pipeline == pipeline:
            return artifact
    scope = f"of pipeline {pipeline!r} in" if pipeline is not None and artifacts else "in"
    raise UserError(f"no artifact of type {kind} {scope} {store.location} yet")


def _labels(store: Store, artifact: pb.Artifact) -> Labels:
    """Return pipeline, run and node that produced an artifact."""
    maker = producers(store, [artifact.id]).get(artifact.id)
    return Labelled(store)[maker] if maker is not None else Labels("", "", "")


def _run(store: Store, name: str, expected: str, pipeline: str | None) -> str:
    """Find a run, where `name` could also have been an artifact's id."""
    try:
        return find_run(store, name, pipeline=pipeline)
    except UserError as error:
        if name.isascii() and name.isdigit() and "matches" not in str(error):
            raise UserError(f"no artifact {name!r} in {store.location}. {_nearest_id(store, name)}") from error
        raise UserError(f"{error}. Expected {expected}, or a run".replace("?.", "?")) from error


def _wrong_type(store: Store, artifact: pb.Artifact, kind: str) -> str:
    expected = f"Expected one of type {kind}{_examples_of(store, kind)}"
    return f"artifact {artifact.id} is of type {artifact.type}. {expected}"


def _examples_of(store: Store, kind: str) -> str:
    ids = [str(artifact.id) for artifact in store.artifacts_of_type(kind)[:3]]
    return f", such as {', '.join(ids)}" if ids else ". The store has none"


def _nearest_id(store: Store, name: str) -> str:
    newest = [str(artifact.id) for artifact in store.newest_artifacts(100)]
    return nearest(name, newest, none="The store has no artifacts")
