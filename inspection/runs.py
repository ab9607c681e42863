"""What ran: the runs in a store, and one run with its nodes and their artifacts."""

import difflib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, NamedTuple

from ml_metadata.proto import metadata_store_pb2 as pb

from errors import UserError
from inspection.store import INPUT_EVENTS, NODE_CONTEXT, OUTPUT_EVENTS, PIPELINE_CONTEXT, RUN_CONTEXT, Store, properties

NOT_RUN = "NOT RUN"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of one pipeline.

    Attributes:
      run_id: The name of its `pipeline_run` context.
      pipeline: Empty where the store does not say.
      state: As our runner recorded it (COMPLETE, FAILED, NOT_BLESSED, BLOCKED, CANCELED), else what its nodes tell
        (RUNNING, FAILED, CANCELED, COMPLETE, UNKNOWN).
      ended: None while it runs.
      folder: The run's folder; None where another runner made the run.
    """

    run_id: str
    pipeline: str
    state: str
    reason: str | None
    started: datetime | None
    ended: datetime | None
    folder: str | None


@dataclass(frozen=True, kw_only=True)
class ArtifactRow:
    """One artifact as an input or output of one node.

    Attributes:
      key: The channel, such as `examples`, with [i] for every artifact in it but the first.
      state: MLMD's word: LIVE, PENDING, DELETED and so on.
      producer_run: The run that made it, an earlier one where the node was served from the cache; None if unknown.
    """

    id: int
    type: str
    key: str
    name: str
    uri: str
    state: str
    producer_run: str | None
    producer_node: str | None
    properties: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Node:
    """One attempt of one node, or a node that the run never reached.

    Attributes:
      state: MLMD's word (RUNNING, COMPLETE, FAILED, CACHED, CANCELED) or NOT RUN.
      seconds: From the start to the last update; None while it runs.
      type: The component's dotted path, as TFX registers it.
    """

    node_id: str
    state: str
    started: datetime | None = None
    seconds: float | None = None
    type: str = ""
    inputs: tuple[ArtifactRow, ...] = ()
    outputs: tuple[ArtifactRow, ...] = ()
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RunDetail:
    """A run and its nodes, in the order in which data flows where the run's folder tells it, else as they started."""

    run: Run
    nodes: tuple[Node, ...]


def list_runs(store: Store, *, pipeline: str | None = None, limit: int | None = 50) -> list[Run]:
    """Lists the runs of a store or of one of its pipelines (UserError if it has none such), the newest first."""
    pipelines = {context.id: context.name for context in store.contexts(PIPELINE_CONTEXT)}
    if pipeline is not None and pipeline not in pipelines.values():
        raise UserError(f"no pipeline {pipeline!r} in {store.where}. {_nearest(pipeline, [*pipelines.values()])}")
    # One query a pipeline instead of one a run: a store has many runs of few pipelines.
    owner = {run.id: name for id_, name in pipelines.items() for run in store.children(id_)}
    labels = _Labelled(store)
    runs: list[Run] = []
    for context in _newest_first(store):
        if len(runs) == limit:
            break
        if pipeline is not None and owner.get(context.id, pipeline) != pipeline:
            continue
        run = _run(store, context, labels, owner.get(context.id))
        if pipeline in (None, run.pipeline):
            runs.append(run)
    return runs


def show_run(store: Store, run_id: str) -> RunDetail:
    """Reads one run with its nodes, their artifacts, and the nodes it never reached.

    Raises:
      UserError: The store has no run of exactly this id (`find_run` accepts less).
    """
    context = store.context(RUN_CONTEXT, run_id)
    if context is None:
        raise UserError(f"no run {run_id!r} in {store.where}")
    executions = store.executions(context.id)
    labels = _Labelled(store)
    rows: dict[tuple[int, bool], list[ArtifactRow]] = {}
    events = store.events_of_executions(execution.id for execution in executions)
    artifacts = {artifact.id: artifact for artifact in store.artifacts(event.artifact_id for event in events)}
    made_by = producers(store, artifacts)
    for event in events:
        if event.artifact_id in artifacts and event.type in INPUT_EVENTS | OUTPUT_EVENTS:
            maker = labels[made_by[event.artifact_id]] if event.artifact_id in made_by else None
            row = _artifact_row(artifacts[event.artifact_id], event, maker)
            rows.setdefault((event.execution_id, event.type in INPUT_EVENTS), []).append(row)
    nodes = [
        Node(
            node_id=labels[execution.id].node,
            state=_state(execution),
            started=_when(execution.create_time_since_epoch),
            seconds=_seconds(execution),
            type=execution.type,
            inputs=tuple(sorted(rows.get((execution.id, True), []), key=lambda row: (row.key, row.id))),
            outputs=tuple(sorted(rows.get((execution.id, False), []), key=lambda row: (row.key, row.id))),
            properties=properties(execution),
        )
        for execution in executions
    ]
    pipeline = next((parent.name for parent in store.parents(context.id) if parent.type == PIPELINE_CONTEXT), None)
    run = _run(store, context, labels, pipeline)
    return RunDetail(run=run, nodes=tuple(_with_missing(nodes, _planned(run.folder))))


def find_run(store: Store, wanted: str) -> str:
    """Finds a run's id from the id, the word `latest`, or a beginning or end that only one run has.

    Raises:
      UserError: No run or several fit.
    """
    ids: list[str] = [run.name for run in _newest_first(store)]
    if not ids:
        raise UserError(f"no runs yet in {store.where}: make one with python runner.py --local")
    if wanted in ids:
        return wanted
    if wanted == "latest":
        return ids[0]
    fits = [run_id for run_id in ids if wanted and (run_id.startswith(wanted) or run_id.endswith(wanted))]
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise UserError(f"{wanted!r} fits {len(fits)} runs, such as {fits[0]!r} and {fits[1]!r}. Give more of the id")
    raise UserError(f"no run {wanted!r} in {store.where}. {_nearest(wanted, ids)}")


def producers(store: Store, artifact_ids: Iterable[int]) -> dict[int, int]:
    """Maps artifacts to the executions that made them.

    A node served from the cache writes an OUTPUT event on the artifact it reuses, and a resolver an INTERNAL_OUTPUT
    one, so the producer is the earliest OUTPUT.
    """
    first: dict[int, tuple[int, int]] = {}
    for event in store.events_of_artifacts(artifact_ids):
        if event.type == pb.Event.OUTPUT:
            at = (int(event.milliseconds_since_epoch), int(event.execution_id))
            first[event.artifact_id] = min(at, first.get(event.artifact_id, at))
    return {artifact_id: execution_id for artifact_id, (_, execution_id) in first.items()}


class _Labels(NamedTuple):
    pipeline: str
    run: str
    node: str


class _Labelled(dict[int, _Labels]):
    """Pipeline, run and node by execution id; each costs one query, the first time it is asked for."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store

    def __missing__(self, execution_id: int) -> _Labels:
        names = {context.type: context.name for context in self._store.contexts_of_execution(execution_id)}
        pipeline = names.get(PIPELINE_CONTEXT, "")
        # Both halves of a node context's name may hold dots: strip the pipeline, never split.
        node = names.get(NODE_CONTEXT, "").removeprefix(f"{pipeline}.")
        self[execution_id] = _Labels(pipeline, names.get(RUN_CONTEXT, ""), node or f"execution {execution_id}")
        return self[execution_id]


def _newest_first(store: Store) -> list[pb.Context]:
    return sorted(store.contexts(RUN_CONTEXT), key=lambda run: (run.create_time_since_epoch, run.id), reverse=True)


def _run(store: Store, context: pb.Context, labels: _Labelled, pipeline: str | None) -> Run:
    facts = properties(context)
    recorded, folder = facts.get("state"), facts.get("run_folder")
    # A run whose state and pipeline are known needs no query of its own.
    executions = [] if recorded and pipeline is not None else store.executions(context.id)
    if pipeline is None:
        pipeline = labels[executions[0].id].pipeline if executions else ""
    state = recorded or _derived(executions, labels, ours=folder is not None)
    last = max((execution.last_update_time_since_epoch for execution in executions), default=0)
    return Run(
        run_id=context.name,
        pipeline=pipeline,
        state=state,
        reason=facts.get("reason"),
        started=_when(context.create_time_since_epoch),
        ended=None if state == "RUNNING" else _when(context.last_update_time_since_epoch if recorded else last),
        folder=folder,
    )


def _derived(executions: Sequence[pb.Execution], labels: _Labelled, *, ours: bool) -> str:
    """Tells a run's state from its executions, where no runner recorded one or the run has not ended."""
    states = {_state(execution) for execution in executions}
    if states - {"COMPLETE", "CACHED"} and len(executions) > 1:
        # A node may have been tried again, after a failure or after its process was killed: its last attempt counts.
        states = set({labels[execution.id].node: _state(execution) for execution in executions}.values())
    for state in ("RUNNING", "NEW", "FAILED", "CANCELED"):
        if state in states:
            return "RUNNING" if state == "NEW" else state
    if ours:  # our runner records how a run ended, so this one is between two nodes, or was killed there
        return "RUNNING"
    return "COMPLETE" if states else "UNKNOWN"


def _state(execution: pb.Execution) -> str:
    return str(pb.Execution.State.Name(execution.last_known_state))


def _seconds(execution: pb.Execution) -> float | None:
    took = (int(execution.last_update_time_since_epoch) - int(execution.create_time_since_epoch)) / 1000
    return None if _state(execution) in ("NEW", "RUNNING") else max(0.0, took)  # a clock may be set back


def _artifact_row(artifact: pb.Artifact, event: pb.Event, producer: _Labels | None) -> ArtifactRow:
    name = "".join(step.key for step in event.path.steps)
    index = max((step.index for step in event.path.steps), default=0)
    return ArtifactRow(
        id=int(artifact.id),
        type=artifact.type,
        key=f"{name}[{index}]" if index else name,
        name=artifact.name,
        uri=artifact.uri,
        state=pb.Artifact.State.Name(artifact.state),
        producer_run=producer.run or None if producer else None,
        producer_node=producer.node if producer else None,
        properties=properties(artifact),
    )


def _planned(folder: str | None) -> list[str]:
    """Reads which nodes the run was to have; a folder that is gone or on another machine is no fault."""
    if folder is None:
        return []
    try:
        with open(os.path.join(folder, "run.json"), encoding="utf-8") as file:
            planned = json.load(file)["nodes"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [name for name in planned if isinstance(name, str)] if isinstance(planned, list) else []


def _with_missing(nodes: list[Node], planned: list[str]) -> list[Node]:
    reached = {node.node_id for node in nodes}
    missing = [Node(node_id=name, state=NOT_RUN) for name in planned if name not in reached]
    place = {name: index for index, name in enumerate(planned)}
    # Stable: attempts of one node stay in their order, nodes that no plan names come last.
    return sorted(nodes + missing, key=lambda node: place.get(node.node_id, len(place)))


def _when(milliseconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(milliseconds / 1000, timezone.utc).astimezone() if milliseconds else None
    except (OverflowError, ValueError, OSError):
        return None


def _nearest(word: str, names: list[str]) -> str:
    nearest = difflib.get_close_matches(word, names, n=1, cutoff=0.0)
    return f"Did you mean {nearest[0]!r}?" if nearest else "It holds none"
