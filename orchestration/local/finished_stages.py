"""Which stages of a run have finished, and what a dead process left of those that have not. Needs ml_metadata alone."""

import glob
import os
import shutil
from collections.abc import Iterable
from typing import Any

from ml_metadata.proto import metadata_store_pb2

from components.summary import storable
from inspection.store import execution_folders
from inspection.store.metadata_store import NODE_CONTEXT, PIPELINE_CONTEXT, RUN_CONTEXT
from orchestration.local import stage_outputs

_STATES = metadata_store_pb2.Execution
_ENDED_WELL = (_STATES.COMPLETE, _STATES.CACHED)


def finished(store: Any, pipeline: str, run_id: str, node_ids: Iterable[str]) -> dict[str, Any]:
    """The last successful execution of each stage of a run, without those whose record has outputs swapped.

    Args:
        store: ML Metadata.
        pipeline: The pipeline's name.
        run_id: The run.
        node_ids: The stages that are asked for.

    Returns:
        Execution by stage, without stages that have none.
    """
    run = store.get_context_by_type_and_name(RUN_CONTEXT, run_id)
    executions = [] if run is None else store.get_executions_by_context(run.id)
    wanted = {f"{pipeline}.{node_id}": node_id for node_id in node_ids}
    wrong = stage_outputs.swapped(store, (int(one.id) for one in executions if one.last_known_state == _STATES.CACHED))
    found = {}
    for execution in sorted(executions, key=lambda one: int(one.id)):
        if execution.last_known_state in _ENDED_WELL and int(execution.id) not in wrong:
            for context in store.get_contexts_by_execution(execution.id):
                if context.type == NODE_CONTEXT and context.name in wanted:
                    found[wanted[context.name]] = execution
    return found


def newest_with(store: Any, pipeline: str, node_ids: list[str]) -> str | None:
    """The newest run of a pipeline in which all these stages have finished; None where there is none."""
    above = store.get_context_by_type_and_name(PIPELINE_CONTEXT, pipeline)
    runs = [] if above is None else store.get_children_contexts_by_context(above.id)
    for run in sorted(runs, key=lambda context: -context.id):
        if len(finished(store, pipeline, run.name, node_ids)) == len(node_ids):
            return str(run.name)
    return None


def close_in_store(store: Any, run_id: str, state: str, reason: str, *, artifacts: str) -> None:
    """Write a run's end to its context, mark executions that a dead worker left as RUNNING, and remove their folders.

    The caller holds the pipeline's lock, so that nothing of it runs.

    Args:
        store: ML Metadata.
        run_id: Name of the `pipeline_run` context; nothing happens where the worker never made it.
        state: COMPLETE, FAILED, NOT_BLESSED, BLOCKED or CANCELED.
        reason: Why, in a line.
        artifacts: Folder of the pipeline's artifacts.
    """
    context = store.get_context_by_type_and_name(RUN_CONTEXT, run_id)
    if context is None:
        return
    context.custom_properties["state"].string_value = state
    context.custom_properties["reason"].string_value = storable(reason)[:1000]
    ended = _STATES.CANCELED if state == "CANCELED" else _STATES.FAILED
    executions = store.get_executions_by_context(context.id)
    dead = [one for one in executions if one.last_known_state == _STATES.RUNNING]
    for execution in dead:
        execution.last_known_state = ended
        execution.custom_properties["__error__"].string_value = storable(reason)[:1000]
    for execution in executions:
        # Of a stage that failed TFX leaves the working folder.
        if execution.last_known_state not in _ENDED_WELL:
            _remove_folders(artifacts, execution)
    if dead:
        store.put_executions(dead)
    # Last: a run with a state is one that was put in order.
    store.put_contexts([context])


def _remove_folders(artifacts: str, execution: Any) -> None:
    """Remove what an execution wrote: NODE/KEY/ID-TOKEN, and its places under NODE/.system.

    Folders of an execution without a token stay: the same id of another store may have written them. So does what is
    behind a link: the root may be reached through links, but none may lead out of it.
    """
    name = execution_folders.of(execution)
    if name is None:
        return
    root = os.path.dirname(os.path.dirname(artifacts))
    for pattern in (("*", "*"), ("*", ".system", "*")):
        for folder in glob.glob(os.path.join(glob.escape(artifacts), *pattern, name)):
            if os.path.realpath(folder) == os.path.join(os.path.realpath(root), os.path.relpath(folder, root)):
                shutil.rmtree(folder, ignore_errors=True)
