"""List of models, newest first, with verdict and pushed version."""

from ml_metadata.proto import metadata_store_pb2 as pb

from inspection.display_names import when
from inspection.lineage_graph import about
from inspection.report.markup import joined, keep, table, tag
from inspection.store.artifact_lookup import BLESSING, MODEL, PUSHED, is_baseline, rows
from inspection.store.metadata_store import INPUT_EVENTS, Store, properties
from inspection.text_output import moment
from inspection.web.page_layout import PAGE, Page, Query, artifact_link, number, pagination, run_link


def page(store: Store, query: Query) -> Page:
    """Return the list of models."""
    page_number = number(query, "page")
    models = store.artifacts_of_type(MODEL)
    models_of_page = models[(page_number - 1) * PAGE : page_number * PAGE]
    results = _results(store, [int(artifact.id) for artifact in models_of_page])
    table_rows = []
    for artifact, row in zip(models_of_page, rows(store, models_of_page), strict=True):
        properties_by_type = {kind: properties(result) for result in results.get(row.id, []) for kind in (result.type,)}
        blessing, pushed = properties_by_type.get(BLESSING, {}), properties_by_type.get(PUSHED, {})
        verdict = None if "blessed" not in blessing else "blessed" if blessing["blessed"] else "not blessed"
        version = pushed.get("pushed_version") if pushed.get("pushed", 1) else None
        table_rows.append(
            [
                artifact_link(row.id, f"Model {row.id}"),
                run_link(row.producer_run),
                keep(moment(when(artifact.create_time_since_epoch))),
                verdict,
                version,
                about(row),
                blessing.get("reason"),
            ]
        )
    header = ["model", "run", "created", "verdict", "pushed as", "summary", "reason"]
    body = table(header, table_rows) if table_rows else tag("p", "No models yet.")
    more = pagination("/models", query, more=len(models) > page_number * PAGE)
    return Page("Models", joined([tag("h1", "Models"), body, more]))


def _results(store: Store, models: list[int]) -> dict[int, list[pb.Artifact]]:
    """Map models to their blessings and pushed models, oldest first, with four queries."""
    model_by_execution: dict[int, int] = {}
    for event in store.events_of_artifacts(models):
        if event.type in INPUT_EVENTS and not is_baseline(event):
            model_by_execution[int(event.execution_id)] = int(event.artifact_id)
    outputs = [event for event in store.events_of_executions(model_by_execution) if event.type == pb.Event.OUTPUT]
    artifacts = {artifact.id: artifact for artifact in store.artifacts(event.artifact_id for event in outputs)}
    results: dict[int, list[pb.Artifact]] = {}
    for event in sorted(outputs, key=lambda event: int(event.execution_id)):
        artifact = artifacts.get(event.artifact_id)
        if artifact is not None and artifact.type in (BLESSING, PUSHED):
            results.setdefault(model_by_execution[int(event.execution_id)], []).append(artifact)
    return results
