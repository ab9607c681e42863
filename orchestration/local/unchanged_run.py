"""Runs without changes since the last one: recorded as served from the cache, without importing TFX.

TFX's cache would give the same result, stage by stage, after importing TensorFlow and TFX. In unclear cases (another
version of a package, an unfinished stage, a damaged output, a warm start) a worker runs, and each stage queries the
cache.
"""

import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml_metadata.proto import metadata_store_pb2

from components.baseline import reference
from inspection.store import execution_folders
from inspection.store.metadata_store import PIPELINE_CONTEXT, RUN_CONTEXT
from models import file_reads
from orchestration.display.terminal import Terminal
from orchestration.local.run_start import Place
from orchestration.local.stage_records import finished_stages, stage_outputs
from orchestration.records import run_events, run_record
from spec.file_names import CARD, EVENTS, REPORT, RUN
from spec.stages.stage_names import RESOLVERS

_EVENTS = metadata_store_pb2.Event
_STATES = metadata_store_pb2.Execution


@dataclass(frozen=True)
class Unchanged:
    """The last run, if the current one would have the same result.

    Attributes:
        facts: Its run.json.
        folder: Its folder.
        executions: Its executions by node, in order.
    """

    facts: dict[str, Any]
    folder: str
    executions: dict[str, Any]


def newest(place: Place) -> dict[str, Any]:
    """Return run.json of the newest run that preflight did not refuse; empty if there is none."""
    folder = place.root.runs(place.pipeline)
    for name in sorted(os.listdir(folder), reverse=True) if os.path.isdir(folder) else []:
        facts = _facts(os.path.join(folder, name))
        if not run_record.is_refused(facts):
            return facts
    return {}


def unchanged(place: Place, store: Any, last_run: str | None, expected: Mapping[str, Any]) -> Unchanged | None:
    """Check whether the last run had the same inputs and whether all its outputs still exist.

    Args:
        place: The place of the runs.
        store: ML Metadata.
        last_run: The run that held the pipeline's lock last; the caller holds it now.
        expected: Values that run.json must contain: `identity`, `beam_args`, `metadata`, `root`.

    Returns:
        The last run; None if it may differ.
    """
    folder = os.path.join(place.root.runs(place.pipeline), last_run or "")
    facts = _facts(folder) if last_run else {}
    required = {**expected, "state": "COMPLETE", "versions": run_record.versions()}
    if any(facts.get(key) != value for key, value in required.items()) or file_reads.changed(facts.get("reads") or {}):
        return None
    nodes = facts.get("nodes") or []
    executions = finished_stages.finished(store, place.pipeline, str(last_run), nodes)
    outputs = [stage_outputs.of(store, int(execution.id)) for execution in executions.values()]
    if not nodes or set(executions) != set(nodes) or any(map(stage_outputs.damage, outputs)):
        return None
    return Unchanged(facts, folder, {node: executions[node] for node in nodes})


def repeat(
    last_run: Unchanged, place: Place, store: Any, run_id: str, book: run_record.Record, terminal: Terminal
) -> Any:
    """Record a run that repeats the last one.

    Args:
        last_run: The last run.
        place: The place of the runs.
        store: ML Metadata.
        run_id: The new run.
        book: Record of the new run.
        terminal: Shows its nodes.

    Returns:
        The outcome, which is that of the last run.
    """
    last_run_id = last_run.facts["run_id"]
    terminal.say(f"nothing has changed since run {last_run_id}: every stage is served from the cache")
    run = _context(place, store, last_run_id, run_id, book.folder)
    nodes, lines = list(last_run.executions), _lines(last_run.folder)
    book.event({"event": "plan", "nodes": nodes, "upstream": last_run.facts["upstream"]})
    book.update(nodes=nodes, upstream=last_run.facts["upstream"], unchanged_since=last_run_id)
    terminal.plan(nodes)
    for node, execution in last_run.executions.items():
        start = time.monotonic()
        _copy(store, execution, _STATES.COMPLETE if node in RESOLVERS else _STATES.CACHED, last_run_id, run)
        state, line = "COMPLETE" if node in RESOLVERS else "CACHED", lines.get(node, "")
        seconds = time.monotonic() - start
        book.event({"event": "node", "node": node, "state": state, "seconds": seconds, "summary": line})
        terminal.node(node, state, seconds, line)
    if last_run.facts.get("omissions"):
        for line in last_run.facts["omissions"]:
            terminal.note(line)
        book.update(omissions=last_run.facts["omissions"])
    if last_run.facts.get("warnings"):
        for line in last_run.facts["warnings"]:
            terminal.warn(line)
        book.update(warnings=last_run.facts["warnings"])
    recorded = {key: last_run.facts[key] for key in ("files", "tuned") if last_run.facts.get(key)}
    book.update(reads=last_run.facts.get("reads") or {}, **recorded)
    for entry in os.scandir(last_run.folder):
        # Results that the stages copied into the run's folder.
        if entry.is_file() and entry.name not in (RUN, EVENTS, REPORT, CARD):
            shutil.copy(entry.path, book.folder)
    last_outcome = last_run.facts["outcome"]
    if "pushed" not in last_outcome:
        return last_outcome
    serving = place.root.serving(place.pipeline)
    return {**last_outcome, **reference.outcome(serving, last_outcome["pushed"] or "")}


def _facts(folder: str) -> dict[str, Any]:
    try:
        with open(os.path.join(folder, RUN), encoding="utf-8") as file:
            facts: dict[str, Any] = json.load(file)
    except (OSError, ValueError):
        return {}
    return facts


def _context(place: Place, store: Any, last_run_id: str, run_id: str, folder: str) -> Any:
    """Create the context of the new run like that of the last one."""
    last_context = store.get_context_by_type_and_name(RUN_CONTEXT, last_run_id)
    context = metadata_store_pb2.Context(type_id=last_context.type_id, name=run_id)
    context.custom_properties["run_folder"].string_value = folder
    [context.id] = store.put_contexts([context])
    pipeline_context = store.get_context_by_type_and_name(PIPELINE_CONTEXT, place.pipeline)
    store.put_parent_contexts([metadata_store_pb2.ParentContext(parent_id=pipeline_context.id, child_id=context.id)])
    return context


def _copy(store: Any, execution: Any, state: int, last_run_id: str, run: Any) -> None:
    """Copy an execution with its inputs and outputs into the new run."""
    copied = metadata_store_pb2.Execution(type_id=execution.type_id, last_known_state=state)
    for name, value in execution.properties.items():
        copied.properties[name].CopyFrom(value)
    for name, value in execution.custom_properties.items():
        if name != execution_folders.TOKEN:  # the folders are those of the first execution
            copied.custom_properties[name].CopyFrom(value)
    last_events = store.get_events_by_execution_ids([execution.id])
    artifacts = {
        artifact.id: artifact for artifact in store.get_artifacts_by_id([event.artifact_id for event in last_events])
    }
    artifacts_and_events = []
    for event in last_events:
        copied_event = _EVENTS(type=event.type, artifact_id=event.artifact_id)
        copied_event.path.CopyFrom(event.path)
        artifacts_and_events.append((artifacts[event.artifact_id], copied_event))
    last_contexts = store.get_contexts_by_execution(execution.id)
    contexts = [
        run if (context.type, context.name) == (RUN_CONTEXT, last_run_id) else context for context in last_contexts
    ]
    store.put_execution(copied, artifacts_and_events, contexts)


def _lines(folder: str) -> dict[str, str]:
    """Return the result line of each node, from the events of a run."""
    events = run_events.of_run(folder)
    return {event["node"]: event["summary"] for event in events if event["event"] == "node" and "summary" in event}
