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
    """Write run.json and a context in ML Metadata; nothing if the pipeline does not exist or nothing can be written.

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
        book = run_record.Record(
            place.root.run(name.run, run_id),
            {"run_id": run_id, "pipeline": name.run, "root": place.root.path, "metadata": place.shown},
        )
        book.close("FAILED", reason)
        store = place.open_store().mlmd
        kinds = {
            kind: store.put_context_type(metadata_store_pb2.ContextType(name=kind), can_add_fields=True)
            for kind in (PIPELINE_CONTEXT, RUN_CONTEXT)
        }
        above = store.get_context_by_type_and_name(PIPELINE_CONTEXT, name.run)
        if above is None:
            above = metadata_store_pb2.Context(type_id=kinds[PIPELINE_CONTEXT], name=name.run)
            [above.id] = store.put_contexts([above])
        run = metadata_store_pb2.Context(type_id=kinds[RUN_CONTEXT], name=run_id)
        run.custom_properties["run_folder"].string_value = book.folder
        run.custom_properties[REFUSED].string_value = "preflight"
        [run.id] = store.put_contexts([run])
        store.put_parent_contexts([metadata_store_pb2.ParentContext(parent_id=above.id, child_id=run.id)])
        place.close(store, run_id, "FAILED", reason)
    except (OSError, PipelineError, mlmd_errors.StatusError, RuntimeError):
        # The user reads the findings in any case; a record that cannot be written must not hide them.
        return
