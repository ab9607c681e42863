"""The runs in a store, and one run with its nodes and their artifacts."""

import fcntl
import functools
import os
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from ml_metadata.proto import metadata_store_pb2 as pb

from errors import UserError
from inspection.display_names import Labelled, artifact_row, nearest, producers, seconds_of, state_of, when
from inspection.plain_records import NOT_RUN, ArtifactRow, Node, Run, RunDetail
from inspection.read.recorded_run import read_run
from inspection.store.metadata_store import (
    INPUT_EVENTS,
    OUTPUT_EVENTS,
    PIPELINE_CONTEXT,
    RUN_CONTEXT,
    Store,
    properties,
)

LOCK = ".lock"
"""Lock file in a pipeline's folder, held by the processes of its run: see orchestration/local/run_lock.py."""
REFUSED = "refused"
"""Property of the context of a run that preflight refused: it has no stages."""
GONE = "its process is no longer running: the same command resumes it"


def list_runs(
    store: Store,
    *,
    pipeline: str | None = None,
    state: str | Collection[str] | None = None,
    since: datetime | None = None,
    limit: int | None = 50,
    skip: int = 0,
) -> list[Run]:
    """List runs, newest first.

    Args:
      store: The store.
      pipeline: Only this pipeline's runs.
      state: Only runs in this state, or in one of these.
      since: Only runs that started at or after this time, which has a time zone.
      limit: Maximum number; None for all.
      skip: Number of newest runs to skip.

    Raises:
      UserError: The store does not have this pipeline.
    """
    pipelines = {context.id: context.name for context in store.contexts(PIPELINE_CONTEXT)}
    if pipeline is not None and pipeline not in pipelines.values():
        raise UserError(f"no pipeline {pipeline!r} in {store.location}. {nearest(pipeline, [*pipelines.values()])}")
    # One query per pipeline instead of one per run: a store has many runs of few pipelines.
    owner = {run.id: name for id_, name in pipelines.items() for run in store.children(id_)}
    labels = Labelled(store)
    states = (state,) if isinstance(state, str) else state
    possible = _possible(store, labels, states)
    runs: list[Run] = []
    for context in newest_first(store):
        if len(runs) == limit:
            break
        if pipeline is not None and owner.get(context.id, pipeline) != pipeline:
            continue
        if since is not None and context.create_time_since_epoch < since.timestamp() * 1000:
            continue
        if not possible(context):
            continue
        if skip and states is None and (pipeline is None or context.id in owner):
            skip -= 1  # without a query
            continue
        run = _run(store, context, labels, owner.get(context.id))
        if pipeline in (None, run.pipeline) and (states is None or run.state in states):
            if skip:
                skip -= 1
            else:
                runs.append(run)
    return runs


def _possible(store: Store, labels: Labelled, states: Collection[str] | None) -> Callable[[pb.Context], bool]:
    """Return a filter of runs that can be in one of the states, without a query per run.

    If no runner recorded the state, a run that is not complete has an execution that is not complete. These are few,
    and one query returns all executions.
    """

    @functools.cache
    def incomplete_runs() -> set[str]:
        # Called only if the state of a run is not recorded.
        incomplete = [
            execution for execution in store.all_executions() if state_of(execution) not in ("COMPLETE", "CACHED")
        ]
        return {labels[execution.id].run for execution in incomplete}

    def possible(context: pb.Context) -> bool:
        recorded = context.custom_properties["state"].string_value if "state" in context.custom_properties else ""
        if recorded:
            return states is None or recorded in states
        if (
            states is None
            or not {"COMPLETE", "UNKNOWN"}.isdisjoint(states)
            or "run_folder" in context.custom_properties
        ):
            return True
        return context.name in incomplete_runs()

    return possible


def show_run(store: Store, run_id: str) -> RunDetail:
    """Read a run with its nodes, their artifacts, and the nodes that did not run.

    Raises:
      UserError: The store has no run with exactly this id (`find_run` accepts abbreviations).
    """
    context = store.context(RUN_CONTEXT, run_id)
    if context is None:
        raise UserError(f"no run {run_id!r} in {store.location}")
    executions = store.executions(context.id)
    labels = Labelled(store)
    rows: dict[tuple[int, bool], list[ArtifactRow]] = {}
    events = store.events_of_executions(execution.id for execution in executions)
    artifacts = {artifact.id: artifact for artifact in store.artifacts(event.artifact_id for event in events)}
    producer_ids = producers(store, artifacts)
    for event in events:
        if event.artifact_id in artifacts and event.type in INPUT_EVENTS | OUTPUT_EVENTS:
            producer = labels[producer_ids[event.artifact_id]] if event.artifact_id in producer_ids else None
            row = artifact_row(artifacts[event.artifact_id], event, producer)
            rows.setdefault((event.execution_id, event.type in INPUT_EVENTS), []).append(row)
    nodes = [
        Node(
            node_id=labels[execution.id].node,
            state=state_of(execution),
            started=when(execution.create_time_since_epoch),
            seconds=seconds_of(execution),
            type=execution.type,
            inputs=tuple(sorted(rows.get((execution.id, True), []), key=lambda row: (row.key, row.id))),
            outputs=tuple(sorted(rows.get((execution.id, False), []), key=lambda row: (row.key, row.id))),
            properties=properties(execution),
        )
        for execution in executions
    ]
    pipeline = next((parent.name for parent in store.parents(context.id) if parent.type == PIPELINE_CONTEXT), None)
    run = _run(store, context, labels, pipeline)
    recorded = read_run(run.folder)
    return RunDetail(run=run, nodes=tuple(_with_unreached(nodes, recorded.nodes if recorded is not None else ())))


def find_run(store: Store, name: str, *, pipeline: str | None = None) -> str:
    """Return the id of a run, given its id, `latest`, a pipeline's name, or a unique prefix or suffix of an id.

    Args:
      store: The store.
      name: One of these, tried in this order. A pipeline's name stands for its newest run.
      pipeline: Only this pipeline's runs; None for all pipelines.

    Raises:
      UserError: No run matches, several do, or the store does not have this pipeline.
    """
    ids = [run.name for run in newest_first(store)] if pipeline is None else _ids_of_pipeline(store, pipeline)
    if not ids:
        raise UserError(f"no runs yet in {store.location}: start one with python runner.py --local")
    if name in ids:
        return name
    if name == "latest":
        return ids[0]
    pipelines = [context.name for context in store.contexts(PIPELINE_CONTEXT)]
    if name in pipelines and pipeline in (None, name):
        return _ids_of_pipeline(store, name)[0]
    matches = [run_id for run_id in ids if name and (run_id.startswith(name) or run_id.endswith(name))]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise UserError(
            f"{name!r} matches {len(matches)} runs, such as {matches[0]!r} and {matches[1]!r}. Give more of the id"
        )
    raise UserError(f"no run {name!r} in {store.location}. {nearest(name, ids + pipelines)}")


def _ids_of_pipeline(store: Store, pipeline: str) -> list[str]:
    """Return the ids of a pipeline's runs, newest first; at least one.

    Raises:
      UserError: The store has no such pipeline, or the pipeline has no run.
    """
    ids = [run.run_id for run in list_runs(store, pipeline=pipeline, limit=None)]
    if not ids:
        raise UserError(f"pipeline {pipeline!r} has no runs in {store.location}")
    return ids


def newest_first(store: Store) -> list[pb.Context]:
    """Return the contexts of all runs, newest first."""
    return sorted(store.contexts(RUN_CONTEXT), key=lambda run: (run.create_time_since_epoch, run.id), reverse=True)


def _run(store: Store, context: pb.Context, labels: Labelled, pipeline: str | None) -> Run:
    facts = properties(context)
    recorded, folder = facts.get("state"), facts.get("run_folder")
    # No query for a run whose state and pipeline are known.
    executions = [] if recorded and pipeline is not None else store.executions(context.id)
    if pipeline is None:
        pipeline = labels[executions[0].id].pipeline if executions else ""
    state = recorded or _derived(executions, labels, by_this_runner=folder is not None)
    reason = facts.get("reason")
    if state == "RUNNING" and folder and _is_gone(str(folder), context.name):
        state, reason = "FAILED", GONE
    last_update = max((execution.last_update_time_since_epoch for execution in executions), default=0)
    return Run(
        run_id=context.name,
        pipeline=pipeline,
        state=state,
        reason=reason,
        started=when(context.create_time_since_epoch),
        ended=None if state == "RUNNING" else when(context.last_update_time_since_epoch if recorded else last_update),
        folder=folder,
    )


def _is_gone(folder: str, run_id: str) -> bool:
    """Return whether the process of an unfinished run no longer exists: a live one holds its pipeline's lock."""
    runs = os.path.dirname(folder)
    if os.path.basename(runs) != "runs":
        return False  # not a folder of our runner
    try:
        descriptor = os.open(os.path.join(os.path.dirname(runs), LOCK), os.O_RDONLY)
    except OSError:
        return False  # on another machine, or of a version without locks
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        holder = os.pread(descriptor, 4096, 0).decode(errors="replace")
        return bool(holder) and f'"{run_id}"' not in holder
    finally:
        os.close(descriptor)


def _derived(executions: Sequence[pb.Execution], labels: Labelled, *, by_this_runner: bool) -> str:
    """Return the state of a run from its executions, if none was recorded or the run has not ended."""
    states = {state_of(execution) for execution in executions}
    if states - {"COMPLETE", "CACHED"} and len({execution.type_id for execution in executions}) < len(executions):
        # A node may have several attempts, after a failure or a kill: the last one counts.
        states = set({labels[execution.id].node: state_of(execution) for execution in executions}.values())
    for state in ("RUNNING", "NEW", "FAILED", "CANCELED"):
        if state in states:
            return "RUNNING" if state == "NEW" else state
    if by_this_runner:  # our runner records the end of a run, so this one is between two nodes, or was killed there
        return "RUNNING"
    return "COMPLETE" if states else "UNKNOWN"


def _with_unreached(nodes: list[Node], planned: Sequence[str]) -> list[Node]:
    reached = {node.node_id for node in nodes}
    unreached = [Node(node_id=name, state=NOT_RUN) for name in planned if name not in reached]
    position = {name: index for index, name in enumerate(planned)}
    # Stable sort: attempts of a node keep their order; unplanned nodes come last.
    return sorted(nodes + unreached, key=lambda node: position.get(node.node_id, len(position)))
