"""Facts about a run for its report: from ML Metadata, the run's folder and the artifacts' files.

Missing and damaged files become notes: reports of failed runs matter most.
"""

import contextlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ml_metadata.proto import metadata_store_pb2 as pb

from errors import PipelineError, UserError
from inspection.display_names import state_of
from inspection.lineage_graph import Lineage, trace
from inspection.plain_records import NOT_RUN, Node, Run, RunDetail
from inspection.read import recorded_findings, schema_facts, verdicts
from inspection.read.column_statistics import Split, read_statistics
from inspection.read.evaluations import Evaluation, read_evaluation
from inspection.read.recorded_diagnosis import Diagnosis, read_diagnosis
from inspection.read.recorded_run import RecordedRun, read_run
from inspection.read.serving_state import SAVED
from inspection.report.curve_plots import Curves, read_curves
from inspection.run_history import show_run
from inspection.store import artifact_files
from inspection.store.artifact_lookup import EVALUATION, MODEL, of_run
from inspection.store.json_lines import json_lines
from inspection.store.metadata_store import NODE_CONTEXT, RUN_CONTEXT, Store
from spec.file_names import EVENTS, HISTORY, NETWORK, OMISSIONS, OUTCOME, REQUESTS, TRIALS_JSONL

_Value = TypeVar("_Value")
_ASSETS, _ASSET_MAP = "transform_fn/assets", "transformed_metadata/asset_map"
"""Folder of the vocabularies of a transform graph, and TFT's list of their names."""
_EARLIER_RUNS = 20
"""Number of previous executions of the node that are searched for other data."""


@dataclass(kw_only=True)
class Facts:
    """Facts about a run; unknown ones are empty.

    Attributes:
      detail: The run in ML Metadata.
      run: run.json.
      events: Lines of events.jsonl.
      statistics: Statistics of the data, by split.
      before: Statistics of the last data that differs, and `before_run` its run.
      splits: Splits that were validated.
      anomalies: Anomalies against the schema.
      gates: Findings of the gates.
      omissions: Omissions of the ingestion, each with action, kind, reason, count and names.
      schema: Raw columns.
      transformed: Features.
      vocabularies: Vocabulary -> number of entries.
      network: Layers, shapes and numbers of parameters.
      history: Lines of history.jsonl.
      outcome: outcome.json, the result of training.
      trials: Trials of the tuner.
      evaluation: Metrics, rules and details of the evaluator.
      diagnosis: diagnosis.json: importance of columns, predictions of a sample of rows.
      judged: Verdict on the model.
      requests: requests.json of the model: its inputs and sample requests.
      notes: Sentences on files that could not be read.
    """

    detail: RunDetail
    run: RecordedRun = field(default_factory=RecordedRun)
    events: Sequence[Mapping[str, Any]] = ()
    statistics: Sequence[Split] = ()
    before: Sequence[Split] = ()
    before_run: str = ""
    splits: Sequence[str] = ()
    anomalies: Sequence[schema_facts.Anomaly] = ()
    gates: Sequence[recorded_findings.Finding] = ()
    omissions: Sequence[Mapping[str, Any]] = ()
    schema: Sequence[schema_facts.SchemaColumn] = ()
    transformed: Sequence[schema_facts.SchemaColumn] = ()
    vocabularies: Mapping[str, int] = field(default_factory=dict)
    network: Mapping[str, Any] = field(default_factory=dict)
    history: Sequence[Mapping[str, Any]] = ()
    outcome: Mapping[str, Any] = field(default_factory=dict)
    trials: Sequence[Mapping[str, Any]] = ()
    evaluation: Evaluation | None = None
    curves: Curves = field(default_factory=Curves)
    diagnosis: Diagnosis = field(default_factory=Diagnosis)
    examples: pb.Artifact | None = None
    judged: verdicts.Verdict | None = None
    requests: Mapping[str, Any] = field(default_factory=dict)
    lineage: Lineage | None = None
    notes: list[str] = field(default_factory=list)

    def attempt(self, read: Callable[[], _Value], otherwise: _Value) -> _Value:
        """Call `read`; if it fails, note the reason and return `otherwise`."""
        try:
            return read()
        except (PipelineError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            note = str(error) if isinstance(error, PipelineError) else f"{type(error).__name__}: {error}"
            if note not in self.notes:
                self.notes.append(note)
            return otherwise


def collect(store: Store, run_id: str, *, folder: str | None = None) -> Facts:
    """Collect the facts about a run.

    Args:
      store: Store with the run.
      run_id: Id of the run.
      folder: Folder of the run, for a run that failed before its first node and so is not in the store.

    Raises:
      UserError: Neither the store nor the folder contains the run.
    """
    run_file = read_run(folder)
    try:
        detail = show_run(store, run_id)
    except UserError:
        if run_file is None:
            raise
        detail = _unrecorded(run_id, run_file, folder)
    run_file = run_file or read_run(detail.run.folder) or RecordedRun()
    facts = Facts(detail=detail, run=run_file)
    run_folder = folder or detail.run.folder
    if run_folder is not None:
        facts.events = json_lines(os.path.join(run_folder, EVENTS))
        facts.history = json_lines(os.path.join(run_folder, HISTORY))
        facts.trials = json_lines(os.path.join(run_folder, TRIALS_JSONL))
        # The artifact of a validation that a gate blocked is deleted; the run's folder has a copy of the findings.
        facts.gates = facts.attempt(lambda: recorded_findings.read_findings(run_folder), [])
    outputs = _outputs(store, run_id)
    _data(facts, store, outputs)
    facts.omissions = [*facts.omissions, *run_file.unused]
    read_transformation(facts, outputs)
    read_training(facts, outputs)
    _evaluation(facts, store, outputs)
    return facts


def _unrecorded(run_id: str, run_file: RecordedRun, folder: str | None) -> RunDetail:
    """Return a run that is not in ML Metadata."""
    run = Run(
        run_id=run_id,
        pipeline=run_file.pipeline,
        state=run_file.state,
        reason=run_file.reason,
        started=run_file.started,
        ended=run_file.ended,
        folder=folder,
    )
    return RunDetail(run=run, nodes=tuple(Node(node_id=name, state=NOT_RUN) for name in run_file.nodes))


def _outputs(store: Store, run_id: str) -> dict[str, pb.Artifact]:
    """Return the first output of each type of a run, without artifacts of resolvers."""
    run = store.context(RUN_CONTEXT, run_id)
    executions = store.executions(run.id) if run is not None else []
    events = store.events_of_executions(execution.id for execution in executions)
    ids = {int(event.artifact_id) for event in events if event.type == pb.Event.OUTPUT}
    outputs: dict[str, pb.Artifact] = {}
    for artifact, _ in of_run(store, run_id):
        if int(artifact.id) in ids:
            outputs.setdefault(artifact.type, artifact)
    return outputs


def _data(facts: Facts, store: Store, outputs: Mapping[str, pb.Artifact]) -> None:
    facts.examples = outputs.get("Examples")
    if facts.examples is not None:
        facts.omissions = facts.attempt(lambda: _mappings(_read_json(outputs["Examples"], OMISSIONS)), [])
    if "ExampleStatistics" in outputs:
        statistics = outputs["ExampleStatistics"]
        facts.statistics = facts.attempt(lambda: read_statistics(statistics), [])
        earlier = _earlier_statistics(facts, store, statistics)
        if earlier is not None:
            artifact, facts.before_run = earlier
            with contextlib.suppress(PipelineError):  # files of old runs may have been removed
                facts.before = read_statistics(artifact)
    if "ExampleAnomalies" in outputs:
        anomalies = outputs["ExampleAnomalies"]
        none: tuple[list[str], list[schema_facts.Anomaly]] = ([], [])
        facts.splits, facts.anomalies = facts.attempt(lambda: schema_facts.read_anomalies(anomalies), none)
        folder = facts.attempt(lambda: artifact_files.folder(anomalies.uri, f"ExampleAnomalies {anomalies.id}"), "")
        if folder and not facts.gates:
            facts.gates = facts.attempt(lambda: recorded_findings.read_findings(folder), [])
    if "Schema" in outputs:
        facts.schema = facts.attempt(lambda: schema_facts.read_schema(outputs["Schema"]), [])


def _earlier_statistics(facts: Facts, store: Store, statistics: pb.Artifact) -> tuple[pb.Artifact, str] | None:
    """Return the last different statistics that this node produced before, and their run."""
    nodes = [node for node in facts.detail.nodes if any(row.id == statistics.id for row in node.outputs)]
    node = store.context(NODE_CONTEXT, f"{facts.detail.run.pipeline}.{nodes[0].node_id}") if nodes else None
    run = store.context(RUN_CONTEXT, facts.detail.run.run_id)
    if node is None or run is None:
        return None
    own_ids = [execution.id for execution in store.executions(run.id)]
    completed = [item for item in store.executions(node.id) if item.id < min(own_ids) and state_of(item) == "COMPLETE"]
    events = store.events_of_executions(execution.id for execution in completed[-_EARLIER_RUNS:])
    outputs = {event.artifact_id: event.execution_id for event in events if event.type == pb.Event.OUTPUT}
    earlier = [item for item in store.artifacts(outputs) if item.type == statistics.type and item.id != statistics.id]
    if not earlier:
        return None
    newest = max(earlier, key=lambda artifact: int(outputs[artifact.id]))
    names = {item.type: item.name for item in store.contexts_of_execution(outputs[newest.id])}
    return newest, names.get(RUN_CONTEXT, "")


def read_transformation(facts: Facts, outputs: Mapping[str, pb.Artifact]) -> None:
    """Read features and vocabularies of the TransformGraph, if the outputs contain one."""
    if "TransformGraph" in outputs:
        graph = outputs["TransformGraph"]
        folder = facts.attempt(lambda: artifact_files.folder(graph.uri, f"TransformGraph {graph.id}"), "")
        if folder:
            inner = pb.Artifact(id=graph.id, uri=os.path.join(folder, "transformed_metadata"))
            facts.transformed = facts.attempt(lambda: schema_facts.read_schema(inner), [])
            none: Mapping[str, Any] = {}
            assets = facts.attempt(lambda: _as_mapping(_read_json_in(folder, _ASSET_MAP)), none)
            names = sorted({os.path.basename(str(name)) for name in assets.values()})
            facts.vocabularies = {name: _count_lines(os.path.join(folder, _ASSETS, name)) for name in names}


def read_training(facts: Facts, outputs: Mapping[str, pb.Artifact]) -> None:
    """Read network, history and outcome of the ModelRun, if the outputs contain one."""
    if "ModelRun" not in outputs:
        return
    run = outputs["ModelRun"]
    facts.network = facts.attempt(lambda: _as_mapping(_read_json(run, NETWORK)), {})
    facts.outcome = facts.attempt(lambda: _as_mapping(_read_json(run, OUTCOME)), {})
    if not facts.history:
        path = facts.attempt(lambda: artifact_files.folder(run.uri, f"ModelRun {run.id}"), "")
        facts.history = json_lines(os.path.join(path, HISTORY)) if path else ()


def _evaluation(facts: Facts, store: Store, outputs: Mapping[str, pb.Artifact]) -> None:
    if EVALUATION in outputs:
        evaluation = outputs[EVALUATION]
        facts.evaluation = facts.attempt(lambda: read_evaluation(evaluation), None)
        folder = facts.attempt(lambda: artifact_files.folder(evaluation.uri, f"{EVALUATION} {evaluation.id}"), "")
        if folder:
            facts.diagnosis = facts.attempt(lambda: read_diagnosis(folder), Diagnosis())
        facts.curves = facts.attempt(lambda: read_curves(evaluation), Curves())
    if MODEL in outputs:
        with contextlib.suppress(PipelineError):  # the model may have been removed
            saved = os.path.join(artifact_files.folder(outputs[MODEL].uri, MODEL), SAVED)
            facts.requests = facts.attempt(lambda: _as_mapping(_read_json_in(saved, REQUESTS)), {})
        facts.judged = facts.attempt(lambda: verdicts.judge(store, outputs[MODEL]), None)
        facts.lineage = facts.attempt(lambda: trace(store, outputs[MODEL], limit=60), None)
    elif facts.examples is not None:
        facts.lineage = facts.attempt(lambda: trace(store, outputs["Examples"], limit=20), None)


def _read_json(artifact: pb.Artifact, name: str) -> Any:
    """Read a JSON file of an artifact; None if it does not exist."""
    return _read_json_in(artifact_files.folder(artifact.uri, f"{artifact.type} {artifact.id}"), name)


def _read_json_in(folder: str, name: str) -> Any:
    path = os.path.join(folder, name)
    return json.loads(artifact_files.read(path)) if os.path.exists(path) else None


def _as_mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def _count_lines(path: str) -> int:
    try:
        with open(path, "rb") as file:
            return sum(1 for _ in file)
    except OSError:
        return 0
