"""Record of a run that preflight refused, so that `inspect runs` shows it with its reason."""

from collections.abc import Sequence

from ml_metadata import errors as mlmd_errors
from ml_metadata.proto import metadata_store_pb2

import project
from errors import PipelineError
from inspection.run_history import REFUSED
from inspection.store.metadata_store import PIPELINE_CONTEXT, RUN_CONTEXT
from orchestration.local.run_start import Place
from orchestration.paths import new_run_id
from orchestration.preflight.preflight_findings import Check
from orchestration.records import run_record
from pipeline import load
from pipeline.variants import Name

_NEEDED = ("root", "store", "disk")
"""Checks that must pass before anything can be recorded."""


def record(name: Name, place: Place, checks: Sequence[Check], reason: str) -> None:
    """Write run.json and a context in ML Metadata, if the pipeline exists and the root is writable.

    The record has no identity, so that no later run resumes it or counts it as its predecessor.

    Args:
        name: The run.
        place: The place of its runs.
        checks: The results of preflight.
        reason: Its findings.
    """
    if any(check.findings for check in checks if check.name in _NEEDED):
        return
    if name.pipeline not in load.names(project.folder()):
        return
    run_id = new_run_id()
    try:
        run_book = run_record.Record(
            place.root.run(name.run, run_id),
            {"run_id": run_id, "pipeline": name.run, "root": place.root.path, "metadata": place.shown},
        )
        run_book.close("FAILED", reason)
        store = place.open_store().mlmd
        context_types = {
            context_type: store.put_context_type(metadata_store_pb2.ContextType(name=context_type), can_add_fields=True)
            for context_type in (PIPELINE_CONTEXT, RUN_CONTEXT)
        }
        pipeline_context = store.get_context_by_type_and_name(PIPELINE_CONTEXT, name.run)
        if pipeline_context is None:
            pipeline_context = metadata_store_pb2.Context(type_id=context_types[PIPELINE_CONTEXT], name=name.run)
            [pipeline_context.id] = store.put_contexts([pipeline_context])
        run_context = metadata_store_pb2.Context(type_id=context_types[RUN_CONTEXT], name=run_id)
        run_context.custom_properties["run_folder"].string_value = run_book.folder
        run_context.custom_properties[REFUSED].string_value = "preflight"
        [run_context.id] = store.put_contexts([run_context])
        store.put_parent_contexts(
            [metadata_store_pb2.ParentContext(parent_id=pipeline_context.id, child_id=run_context.id)]
        )
        place.close(store, run_id, "FAILED", reason)
    except (OSError, PipelineError, mlmd_errors.StatusError, RuntimeError):
        # The findings are printed in any case; an error of this record must not hide them.
        return
