"""Collects what is known of a run: from ML Metadata, the run's folder and the artifacts' files.

What is gone or damaged is left out and said: a report of a failed run is the one that is needed most.
"""

import contextlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from ml_metadata.proto import metadata_store_pb2 as pb

from errors import PipelineError, UserError
from inspection.display_names import state_of
from inspection.lineage_graph import Lineage, trace
from inspection.plain_records import NOT_RUN, Node, Run, RunDetail
from inspection.read import schema_facts, verdicts
from inspection.read.column_statistics import Split, read_statistics
from inspection.read.evaluations import Evaluation, read_evaluation
from inspection.report.curve_plots import Curves, read_curves
from inspection.run_configuration import read_run
from inspection.run_history import show_run
from inspection.store import artifact_files
from inspection.store.artifact_lookup import EVALUATION, MODEL, of_run
from inspection.store.json_lines import json_lines
from inspection.store.metadata_store import NODE_CONTEXT, RUN_CONTEXT, Store
from spec.file_names import (
    DIAGNOSIS,
    EVENTS,
    GATES,
    HISTORY,
    NETWORK,
    OMISSIONS,
    OUTCOME,
    TRIALS_JSONL,
    VERDICT,
)

_Value = TypeVar("_Value")
_ASSETS, _ASSET_MAP = "transform_fn/assets", "transformed_metadata/asset_map"
"""Vocabularies of a transform graph, and their names as TFT declares them."""
_EARLIER = 20
"""Runs of the node that are looked at for other data."""


@dataclass(kw_only=True)
class Facts:
    """A run; what is unknown is empty.

    Attributes:
      run: run.json.
      events: Lines of events.jsonl.
      statistics: Of the data, by split.
      before: Those of the last data that was other data, and which run took it.
      anomalies: Against the schema.
      gates: What gates measured: gate, column, limit, measured, action, text, rows, edit.
      omissions: What of the data was skipped, left out, cut, converted or not used: action, kind, reason, count, names.
      schema: Of the raw columns.
      transformed: Of the model features.
      vocabularies: File of the transformation -> entries.
      network: Layers, shapes and numbers of parameters.
      history: Lines of history.jsonl.
      outcome: What training came to.
      trials: Of the tuner.
      verdict: The evaluator's whole verdict.json.
      diagnosis: Importance of columns, answers of some rows.
      judged: Why the model is blessed or not.
      notes: What could not be read.
    """

    detail: RunDetail
    run: Mapping[str, Any] = field(default_factory=dict)
    events: Sequence[Mapping[str, Any]] = ()
    statistics: Sequence[Split] = ()
    before: Sequence[Split] = ()
    before_run: str = ""
    splits: Sequence[str] = ()
    anomalies: Sequence[schema_facts.Anomaly] = ()
    gates: Sequence[Mapping[str, Any]] = ()
    omissions: Sequence[Mapping[str, Any]] = ()
    schema: Sequence[schema_facts.SchemaColumn] = ()
    transformed: Sequence[schema_facts.SchemaColumn] = ()
    vocabularies: Mapping[str, int] = field(default_factory=dict)
    network: Mapping[str, Any] = field(default_factory=dict)
    history: Sequence[Mapping[str, Any]] = ()
    outcome: Mapping[str, Any] = field(default_factory=dict)
    trials: Sequence[Mapping[str, Any]] = ()
    evaluation: Evaluation | None = None
    verdict: Mapping[str, Any] = field(default_factory=dict)
    curves: Curves = field(default_factory=Curves)
    diagnosis: Mapping[str, Any] = field(default_factory=dict)
    examples: pb.Artifact | None = None
    judged: verdicts.Verdict | None = None
    lineage: Lineage | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def config(self) -> Mapping[str, Any]:
        """The config as resolved; empty for a run that another runner made."""
        found = self.run.get("config")
        return found if isinstance(found, Mapping) else {}

    def attempt(self, read: Callable[[], _Value], otherwise: _Value) -> _Value:
        """Reads something, or notes why it cannot be read."""
        try:
            return read()
        except (PipelineError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            told = str(error) if isinstance(error, PipelineError) else f"{type(error).__name__}: {error}"
            if told not in self.notes:
                self.notes.append(told)
            return otherwise


def collect(store: Store, run_id: str, *, folder: str | None = None) -> Facts:
    """Collects the facts of a run.

    Args:
      store: Where it is recorded.
      run_id: Its whole id.
      folder: The run's folder, where the store may not know it: a run that failed before its first node.

    Raises:
      UserError: Neither the store nor the folder knows the run.
    """
    told = read_run(folder)
    try:
        detail = show_run(store, run_id)
    except UserError:
        if told is None:
            raise
        detail = _unrecorded(run_id, told, folder)
    told = told or read_run(detail.run.folder) or {}
    facts = Facts(detail=detail, run=told)
    place = folder or detail.run.folder
    if place is not None:
        facts.events = json_lines(os.path.join(place, EVENTS))
        facts.history = json_lines(os.path.join(place, HISTORY))
        facts.trials = json_lines(os.path.join(place, TRIALS_JSONL))
        # A node that a gate stopped failed, so that its artifact is gone; the run's folder keeps what was found.
        facts.gates = facts.attempt(lambda: _listed(_json_in(place, GATES)), [])
    made = _made(store, run_id)
    _data(facts, store, made)
    facts.omissions = [*facts.omissions, *_listed(told.get("unused"))]
    read_transformation(facts, made)
    read_training(facts, made)
    _evaluation(facts, store, made)
    return facts


def _unrecorded(run_id: str, told: Mapping[str, Any], folder: str | None) -> RunDetail:
    """Tells a run that ML Metadata never heard of."""
    run = Run(
        run_id=run_id,
        pipeline=str(told.get("pipeline", "")),
        state=str(told.get("state", "UNKNOWN")),
        reason=told.get("reason"),
        started=_time(told.get("started")),
        ended=_time(told.get("ended")),
        folder=folder,
    )
    nodes = told.get("nodes") if isinstance(told.get("nodes"), list) else []
    return RunDetail(run=run, nodes=tuple(Node(node_id=str(name), state=NOT_RUN) for name in nodes or ()))


def _time(told: Any) -> datetime | None:
    try:
        return datetime.strptime(str(told), "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        return None


def _made(store: Store, run_id: str) -> dict[str, pb.Artifact]:
    """Returns a run's outputs by type: the first of each, nearest to the data; not what resolvers found."""
    run = store.context(RUN_CONTEXT, run_id)
    executions = store.executions(run.id) if run is not None else []
    events = store.events_of_executions(execution.id for execution in executions)
    made = {int(event.artifact_id) for event in events if event.type == pb.Event.OUTPUT}
    outputs: dict[str, pb.Artifact] = {}
    for artifact, _ in of_run(store, run_id):
        if int(artifact.id) in made:
            outputs.setdefault(artifact.type, artifact)
    return outputs


def _data(facts: Facts, store: Store, made: Mapping[str, pb.Artifact]) -> None:
    facts.examples = made.get("Examples")
    if facts.examples is not None:
        facts.omissions = facts.attempt(lambda: _listed(_json(made["Examples"], OMISSIONS)), [])
    if "ExampleStatistics" in made:
        statistics = made["ExampleStatistics"]
        facts.statistics = facts.attempt(lambda: read_statistics(statistics), [])
        found = _earlier(facts, store, statistics)
        if found is not None:
            artifact, facts.before_run = found
            with contextlib.suppress(PipelineError):  # an old run's files may be gone, and nobody misses them
                facts.before = read_statistics(artifact)
    if "ExampleAnomalies" in made:
        anomalies = made["ExampleAnomalies"]
        none: tuple[list[str], list[schema_facts.Anomaly]] = ([], [])
        facts.splits, facts.anomalies = facts.attempt(lambda: schema_facts.read_anomalies(anomalies), none)
        facts.gates = facts.gates or facts.attempt(lambda: _listed(_json(anomalies, GATES)), [])
    if "Schema" in made:
        facts.schema = facts.attempt(lambda: schema_facts.read_schema(made["Schema"]), [])


def _earlier(facts: Facts, store: Store, statistics: pb.Artifact) -> tuple[pb.Artifact, str] | None:
    """Finds the last statistics of other data that this node made before, and their run."""
    nodes = [node for node in facts.detail.nodes if any(row.id == statistics.id for row in node.outputs)]
    node = store.context(NODE_CONTEXT, f"{facts.detail.run.pipeline}.{nodes[0].node_id}") if nodes else None
    run = store.context(RUN_CONTEXT, facts.detail.run.run_id)
    if node is None or run is None:
        return None
    ours = [execution.id for execution in store.executions(run.id)]
    done = [each for each in store.executions(node.id) if each.id < min(ours) and state_of(each) == "COMPLETE"]
    events = store.events_of_executions(execution.id for execution in done[-_EARLIER:])
    outputs = {event.artifact_id: event.execution_id for event in events if event.type == pb.Event.OUTPUT}
    earlier = [each for each in store.artifacts(outputs) if each.type == statistics.type and each.id != statistics.id]
    if not earlier:
        return None
    newest = max(earlier, key=lambda artifact: int(outputs[artifact.id]))
    names = {each.type: each.name for each in store.contexts_of_execution(outputs[newest.id])}
    return newest, names.get(RUN_CONTEXT, "")


def read_transformation(facts: Facts, made: Mapping[str, pb.Artifact]) -> None:
    """Reads the features and vocabularies of a TransformGraph, if there is one among the artifacts by type."""
    if "TransformGraph" in made:
        graph = made["TransformGraph"]
        told = facts.attempt(lambda: artifact_files.folder(graph.uri, f"TransformGraph {graph.id}"), "")
        if told:
            inner = pb.Artifact(id=graph.id, uri=os.path.join(told, "transformed_metadata"))
            facts.transformed = facts.attempt(lambda: schema_facts.read_schema(inner), [])
            none: Mapping[str, Any] = {}
            assets = facts.attempt(lambda: _mapping(_json_in(told, _ASSET_MAP)), none)
            names = sorted({os.path.basename(str(name)) for name in assets.values()})
            facts.vocabularies = {name: _lines_of(os.path.join(told, _ASSETS, name)) for name in names}


def read_training(facts: Facts, made: Mapping[str, pb.Artifact]) -> None:
    """Reads network, history and outcome of a ModelRun, if there is one among the artifacts by type."""
    if "ModelRun" not in made:
        return
    run = made["ModelRun"]
    facts.network = facts.attempt(lambda: _mapping(_json(run, NETWORK)), {})
    facts.outcome = facts.attempt(lambda: _mapping(_json(run, OUTCOME)), {})
    if not facts.history:
        path = facts.attempt(lambda: artifact_files.folder(run.uri, f"ModelRun {run.id}"), "")
        facts.history = json_lines(os.path.join(path, HISTORY)) if path else ()


def _evaluation(facts: Facts, store: Store, made: Mapping[str, pb.Artifact]) -> None:
    if EVALUATION in made:
        evaluation = made[EVALUATION]
        facts.evaluation = facts.attempt(lambda: read_evaluation(evaluation), None)
        facts.verdict = facts.attempt(lambda: _mapping(_json(evaluation, VERDICT)), {})
        facts.diagnosis = facts.attempt(lambda: _mapping(_json(evaluation, DIAGNOSIS)), {})
        facts.curves = facts.attempt(lambda: read_curves(evaluation), Curves())
    if MODEL in made:
        facts.judged = facts.attempt(lambda: verdicts.judge(store, made[MODEL]), None)
        facts.lineage = facts.attempt(lambda: trace(store, made[MODEL], most=60), None)
    elif facts.examples is not None:
        facts.lineage = facts.attempt(lambda: trace(store, made["Examples"], most=20), None)


def _json(artifact: pb.Artifact, name: str) -> Any:
    """Reads a JSON file of an artifact; None where it has none."""
    return _json_in(artifact_files.folder(artifact.uri, f"{artifact.type} {artifact.id}"), name)


def _json_in(folder: str, name: str) -> Any:
    path = os.path.join(folder, name)
    return json.loads(artifact_files.read(path)) if os.path.exists(path) else None


def _mapping(told: Any) -> Mapping[str, Any]:
    return told if isinstance(told, Mapping) else {}


def _listed(told: Any) -> list[Mapping[str, Any]]:
    return [each for each in told if isinstance(each, Mapping)] if isinstance(told, list) else []


def _lines_of(path: str) -> int:
    try:
        with open(path, "rb") as file:
            return sum(1 for _ in file)
    except OSError:
        return 0
