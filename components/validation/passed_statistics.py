"""Which statistics of previous runs data is compared with; imports neither TensorFlow nor TFX."""

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ml_metadata.proto import metadata_store_pb2

from components import lineage
from components.baseline import reference
from spec.addresses import run_folders
from spec.rows.span_names import shown

STATISTICS_ID = "statistics"
"""Custom property of the anomalies artifact: id of the statistics that passed."""


def select(
    store: Any,
    candidate: Any,
    artifacts: Mapping[str, Iterable[Any]],
    *,
    is_same: Callable[[Any], bool],
    serving: str | None,
) -> list[Any]:
    """Select the statistics that passed validation, except those of this run or of the same data; nearest first.

    Blocked data, data whose model was rolled back, and data of runs under another root must not become the reference of
    later data.

    Args:
        store: ML Metadata.
        candidate: This run's statistics: `id` and `span`.
        artifacts: All `statistics`, `anomalies` and `model` artifacts of the pipeline, as TFX has them.
        is_same: Returns whether statistics are those of the same rows.
        serving: The pipeline's serving folder; None if it is not on this machine.
    """
    passed = {anomalies.get_int_custom_property(STATISTICS_ID) for anomalies in artifacts["anomalies"]}
    statistics = [
        artifact
        for artifact in artifacts["statistics"]
        if artifact.id in passed - {candidate.id} and not is_same(artifact)
    ]
    statistics = _of_root(store, statistics, serving)
    excluded = _rolled_back(store, artifacts.get("model", []), serving) if statistics else set()
    accepted = (
        artifact
        for artifact in statistics
        if not excluded or lineage.input_id(store, artifact.id, "examples") not in excluded
    )
    return nearest(candidate, accepted)


def nearest(candidate: Any, earlier: Iterable[Any]) -> list[Any]:
    """Sort artifacts of previous runs: spans before the candidate's first, newest span first, then newest run first."""
    return sorted(
        earlier,
        key=lambda artifact: (artifact.span < candidate.span, artifact.span if candidate.span else 0, artifact.id),
        reverse=True,
    )


def name(previous_span: int, span: int, unit: str) -> str:
    """Return how messages name a previous run.

    Args:
        previous_span: Span of its data; 0 if the data has no spans.
        span: Span of this run.
        unit: What spans count; see `span_names.shown`.
    """
    return f"span {shown(previous_span, unit)}" if 0 < previous_span != span else "the last run with other data"


def _of_root(store: Any, statistics: list[Any], serving: str | None) -> list[Any]:
    """Select the statistics that runs under this root produced or took from the cache."""
    home = os.path.dirname(serving or "")
    if not home or "://" in home or not statistics:
        return statistics
    above = store.get_context_by_type_and_name("pipeline", os.path.basename(home))
    runs = store.get_children_contexts_by_context(above.id) if above is not None else []
    runs_of_root = [run for run in runs if run_folders.is_under(_folder(run), run.name, home)]
    if len(runs_of_root) == len(runs):
        return statistics
    executions = [int(execution.id) for run in runs_of_root for execution in store.get_executions_by_context(run.id)]
    events = store.get_events_by_execution_ids(executions) if executions else []
    ids = {event.artifact_id for event in events if event.type == metadata_store_pb2.Event.OUTPUT}
    return [artifact for artifact in statistics if artifact.id in ids]


def _rolled_back(store: Any, models: Iterable[Any], serving: str | None) -> set[int | None]:
    """Return the ids of the Examples of models that were rolled back."""
    versions = reference.rolled_back(serving) if serving else []
    rolled_back = [reference.find_model(models, version.model, str(serving)) for version in versions]
    return {lineage.input_id(store, model.id, "raw_examples") for model in rolled_back if model is not None} - {None}


def _folder(run: Any) -> str:
    return str(run.custom_properties["run_folder"].string_value) if "run_folder" in run.custom_properties else ""
