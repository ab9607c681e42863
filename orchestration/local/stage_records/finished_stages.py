"""Finished stages of a run, and clean-up after unfinished ones; imports only ml_metadata, not TFX."""

import glob
import os
import shutil
from collections.abc import Iterable
from typing import Any

from ml_metadata.proto import metadata_store_pb2

from components.summary import storable
from inspection.store import execution_folders
from inspection.store.metadata_store import NODE_CONTEXT, PIPELINE_CONTEXT, RUN_CONTEXT, properties
from orchestration.local.stage_records import stage_outputs
from spec.addresses import run_folders

_STATES = metadata_store_pb2.Execution
_ENDED_WELL = (_STATES.COMPLETE, _STATES.CACHED)


def finished(store: Any, pipeline: str, run_id: str, node_ids: Iterable[str]) -> dict[str, Any]:
    """Return the last successful execution of each stage of a run, without records whose outputs are swapped.

    Args:
        store: ML Metadata.
        pipeline: The pipeline's name.
        run_id: The run.
        node_ids: The stages.

    Returns:
        Stage -> execution, for stages that have one.
    """
    run_context = store.get_context_by_type_and_name(RUN_CONTEXT, run_id)
    executions = [] if run_context is None else store.get_executions_by_context(run_context.id)
    node_of_context = {f"{pipeline}.{node_id}": node_id for node_id in node_ids}
    swapped_ids = stage_outputs.swapped(
        store, (int(candidate.id) for candidate in executions if candidate.last_known_state == _STATES.CACHED)
    )
    finished_executions = {}
    for execution in sorted(executions, key=lambda candidate: int(candidate.id)):
        if execution.last_known_state in _ENDED_WELL and int(execution.id) not in swapped_ids:
            for context in store.get_contexts_by_execution(execution.id):
                if context.type == NODE_CONTEXT and context.name in node_of_context:
                    finished_executions[node_of_context[context.name]] = execution
    return finished_executions


def newest_with(store: Any, pipeline: str, node_ids: list[str], home: str) -> str | None:
    """Return the newest run of a pipeline under a root in which all these stages have finished, or None.

    Args:
        store: ML Metadata.
        pipeline: The pipeline's name.
        node_ids: The stages.
        home: The pipeline's folder under the root.
    """
    pipeline_context = store.get_context_by_type_and_name(PIPELINE_CONTEXT, pipeline)
    runs = [] if pipeline_context is None else store.get_children_contexts_by_context(pipeline_context.id)
    runs_of_root = [
        run for run in runs if run_folders.is_under(str(properties(run).get("run_folder") or ""), run.name, home)
    ]
    for run in sorted(runs_of_root, key=lambda context: -context.id):
        if len(finished(store, pipeline, run.name, node_ids)) == len(node_ids):
            return str(run.name)
    return None


def close_in_store(store: Any, run_id: str, state: str, reason: str, *, artifacts: str) -> None:
    """Record the end of a run, mark executions that a dead worker left as RUNNING, and remove their folders.

    The caller holds the pipeline's lock, so that nothing of the pipeline runs.

    Args:
        store: ML Metadata.
        run_id: Name of the `pipeline_run` context; nothing happens if it does not exist.
        state: COMPLETE, FAILED, NOT_BLESSED, BLOCKED or CANCELED.
        reason: Reason, in one line.
        artifacts: Folder of the pipeline's artifacts.
    """
    context = store.get_context_by_type_and_name(RUN_CONTEXT, run_id)
    if context is None:
        return
    context.custom_properties["state"].string_value = state
    context.custom_properties["reason"].string_value = storable(reason)[:1000]
    end_state = _STATES.CANCELED if state == "CANCELED" else _STATES.FAILED
    executions = store.get_executions_by_context(context.id)
    unfinished = [candidate for candidate in executions if candidate.last_known_state == _STATES.RUNNING]
    for execution in unfinished:
        execution.last_known_state = end_state
        execution.custom_properties["__error__"].string_value = storable(reason)[:1000]
    for execution in executions:
        # TFX does not remove the working folder of a failed stage.
        if execution.last_known_state not in _ENDED_WELL:
            _remove_folders(artifacts, execution)
    if unfinished:
        store.put_executions(unfinished)
    # The state is written last, because a run with a state counts as cleaned up.
    store.put_contexts([context])


def _remove_folders(artifacts: str, execution: Any) -> None:
    """Remove the folders of an execution: NODE/KEY/ID-TOKEN, and those under NODE/.system.

    Folders of an execution without a token are kept, because an execution with the same id in another store may have
    written them. Links that lead out of the root are not followed; the root itself may be reached through links.
    """
    name = execution_folders.of(execution)
    if name is None:
        return
    root = os.path.dirname(os.path.dirname(artifacts))
    for pattern in (("*", "*"), ("*", ".system", "*")):
        for folder in glob.glob(os.path.join(glob.escape(artifacts), *pattern, name)):
            if os.path.realpath(folder) == os.path.join(os.path.realpath(root), os.path.relpath(folder, root)):
                shutil.rmtree(folder, ignore_errors=True)
