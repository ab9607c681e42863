"""What ran: the runs in a store, and one run with its nodes and their artifacts."""

import fcntl
import functools
import json
import os
from collections.abc import Callable, Sequence
from datetime import datetime

from ml_metadata.proto import metadata_store_pb2 as pb

from errors import UserError
from inspection.display_names import Labelled, artifact_row, nearest, producers, seconds_of, state_of, when
from inspection.plain_records import NOT_RUN, ArtifactRow, Node, Run, RunDetail
from inspection.store.metadata_store import (
    INPUT_EVENTS,
    OUTPUT_EVENTS,
    PIPELINE_CONTEXT,
    RUN_CONTEXT,
    Store,
    properties,
)
from spec.file_names import RUN

LOCK = ".lock"
"""In a pipeline's folder: held by the processes of its run, see orchestration/local/run_lock.py."""
GONE = "its process is gone: the same command goes on with it"


def list_runs(
    store: Store,
    *,
    pipeline: str | None = None,
    state: str | None = None,
    since: datetime | None = None,
    limit: int | None = 50,
    skip: int = 0,
) -> list[Run]:
    """Lists runs, the newest first.

    Args:
      store: The store.
      pipeline: Only this pipeline's runs.
      state: Only runs in this state.
      since: Only runs that started then or later; with a time zone.
      limit: At most so many; None for all.
      skip: So many of the newest ones are left out.

    Raises:
      UserError: The store has no such pipeline.
    """
    pipelines = {context.id: context.name for context in store.contexts(PIPELINE_CONTEXT)}
    if pipeline is not None and pipeline not in pipelines.values():
        raise UserError(f"no pipeline {pipeline!r} in {store.where}. {nearest(pipeline, [*pipelines.values()])}")
    # One query a pipeline instead of one a run: a store has many runs of few pipelines.
    owner = {run.id: name for id_, name in pipelines.items() for run in store.children(id_)}
    labels = Labelled(store)
    possible = _possible(store, labels, state)
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
        if skip and state is None and (pipeline is None or context.id in owner):
            skip -= 1  # without a query
            continue
        run = _run(store, context, labels, owner.get(context.id))
        if pipeline in (None, run.pipeline) and state in (None, run.state):
            if skip:
                skip -= 1
            else:
                runs.append(run)
    return runs


def _possible(store: Store, labels: Labelled, state: str | None) -> Callable[[pb.Context], bool]:
    """Says of a run's context, without a query of its own, whether the run can be in a state.

    Where no runner recorded the state, a run that is not complete has an execution that is not: few of all, and all
    executions are one query.
    """

    @functools.cache
    def suspects() -> set[str]:
        # Asked for only where some run's state is not recorded.
        open_ = [execution for execution in store.all_executions() if state_of(execution) not in ("COMPLETE", "CACHED")]
        return {labels[execution.id].run for execution in open_}

    def possible(context: pb.Context) -> bool:
        recorded = context.custom_properties["state"].string_value if "state" in context.custom_properties else ""
        if recorded:
            return state in (None, recorded)
        if state in (None, "COMPLETE", "UNKNOWN") or "run_folder" in context.custom_properties:
            return True
        return context.name in suspects()

    return possible


def show_run(store: Store, run_id: str) -> RunDetail:
    """Reads one run with its nodes, their artifacts, and the nodes it never reached.

    Raises:
      UserError: The store has no run of exactly this id (`find_run` accepts less).
    """
    context = store.context(RUN_CONTEXT, run_id)
    if context is None:
        raise UserError(f"no run {run_id!r} in {store.where}")
    executions = store.executions(context.id)
    labels = Labelled(store)
    rows: dict[tuple[int, bool], list[ArtifactRow]] = {}
    events = store.events_of_executions(execution.id for execution in executions)
    artifacts = {artifact.id: artifact for artifact in store.artifacts(event.artifact_id for event in events)}
    made_by = producers(store, artifacts)
    for event in events:
        if event.artifact_id in artifacts and event.type in INPUT_EVENTS | OUTPUT_EVENTS:
            maker = labels[made_by[event.artifact_id]] if event.artifact_id in made_by else None
            row = artifact_row(artifacts[event.artifact_id], event, maker)
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
    return RunDetail(run=run, nodes=tuple(_with_missing(nodes, _planned(run.folder))))


def find_run(store: Store, wanted: str, *, pipeline: str | None = None) -> str:
    """Find a run's id from the id, a beginning or end of it that only one run has, `latest`, or a pipeline's name.

    Args:
      store: The store.
      wanted: One of these, tried in this order. A pipeline's name stands for its newest run.
      pipeline: Only this pipeline's runs; None for the runs of all pipelines.

    Raises:
      UserError: No run or several fit, or the store has no such pipeline.
    """
    ids = [run.name for run in newest_first(store)] if pipeline is None else _ids_of_pipeline(store, pipeline)
    if not ids:
        raise UserError(f"no runs yet in {store.where}: make one with python runner.py --local")
    if wanted in ids:
        return wanted
    if wanted == "latest":
        return ids[0]
    pipelines = [context.name for context in store.contexts(PIPELINE_CONTEXT)]
    if wanted in pipelines and pipeline in (None, wanted):
        return _ids_of_pipeline(store, wanted)[0]
    fits = [run_id for run_id in ids if wanted and (run_id.startswith(wanted) or run_id.endswith(wanted))]
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise UserError(f"{wanted!r} fits {len(fits)} runs, such as {fits[0]!r} and {fits[1]!r}. Give more of the id")
    raise UserError(f"no run {wanted!r} in {store.where}. {nearest(wanted, ids + pipelines)}")


def _ids_of_pipeline(store: Store, pipeline: str) -> list[str]:
    """Return the ids of a pipeline's runs, the newest first; at least one.

    Raises:
      UserError: The store has no such pipeline, or the pipeline has no run.
    """
    ids = [run.run_id for run in list_runs(store, pipeline=pipeline, limit=None)]
    if not ids:
        raise UserError(f"pipeline {pipeline!r} has no run in {store.where}")
    return ids


def newest_first(store: Store) -> list[pb.Context]:
    """Returns the contexts of all runs, the newest first."""
    return sorted(store.contexts(RUN_CONTEXT), key=lambda run: (run.create_time_since_epoch, run.id), reverse=True)


def _run(store: Store, context: pb.Context, labels: Labelled, pipeline: str | None) -> Run:
    facts = properties(context)
    recorded, folder = facts.get("state"), facts.get("run_folder")
    # A run whose state and pipeline are known needs no query of its own.
    executions = [] if recorded and pipeline is not None else store.executions(context.id)
    if pipeline is None:
        pipeline = labels[executions[0].id].pipeline if executions else ""
    state = recorded or _derived(executions, labels, ours=folder is not None)
    reason = facts.get("reason")
    if state == "RUNNING" and folder and _is_gone(str(folder), context.name):
        state, reason = "FAILED", GONE
    last = max((execution.last_update_time_since_epoch for execution in executions), default=0)
    return Run(
        run_id=context.name,
        pipeline=pipeline,
        state=state,
        reason=reason,
        started=when(context.create_time_since_epoch),
        ended=None if state == "RUNNING" else when(context.last_update_time_since_epoch if recorded else last),
        folder=folder,
    )


def _is_gone(folder: str, run_id: str) -> bool:
    """Says whether the process of a run that has no end is gone: it holds its pipeline's lock as long as it lives."""
    runs = os.path.dirname(folder)
    if os.path.basename(runs) != "runs":
        return False  # not as our runner lays it out
    try:
        descriptor = os.open(os.path.join(os.path.dirname(runs), LOCK), os.O_RDONLY)
    except OSError:
        return False  # another machine's, or of a time before there was a lock
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        holder = os.pread(descriptor, 4096, 0).decode(errors="replace")
        return bool(holder) and f'"{run_id}"' not in holder
    finally:
        os.close(descriptor)


def _derived(executions: Sequence[pb.Execution], labels: Labelled, *, ours: bool) -> str:
    """Tells a run's state from its executions, where no runner recorded one or the run has not ended."""
    states = {state_of(execution) for execution in executions}
    if states - {"COMPLETE", "CACHED"} and len({execution.type_id for execution in executions}) < len(executions):
        # A node may have been tried again, after a failure or after its process was killed: its last attempt counts.
        states = set({labels[execution.id].node: state_of(execution) for execution in executions}.values())
    for state in ("RUNNING", "NEW", "FAILED", "CANCELED"):
        if state in states:
            return "RUNNING" if state == "NEW" else state
    if ours:  # our runner records how a run ended, so this one is between two nodes, or was killed there
        return "RUNNING"
    return "COMPLETE" if states else "UNKNOWN"


def _planned(folder: str | None) -> list[str]:
    """Reads which nodes the run was to have; a folder that is gone or on another machine is no fault."""
    if folder is None:
        return []
    try:
        with open(os.path.join(folder, RUN), encoding="utf-8") as file:
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
