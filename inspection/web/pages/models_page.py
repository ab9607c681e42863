"""All models, the newest first: which were blessed, which were pushed under which version."""

from ml_metadata.proto import metadata_store_pb2 as pb

from inspection.display_names import when
from inspection.lineage_graph import about
from inspection.report.markup import joined, keep, table, tag
from inspection.store.artifact_lookup import BLESSING, MODEL, PUSHED, is_baseline, rows
from inspection.store.metadata_store import INPUT_EVENTS, Store, properties
from inspection.text_output import moment
from inspection.web.page_layout import PAGE, Page, Query, artifact_link, number, parts, run_link


def page(store: Store, query: Query) -> Page:
    """Lists models."""
    here = number(query, "page")
    found = store.artifacts_of_type(MODEL)
    shown = found[(here - 1) * PAGE : here * PAGE]
    made = _made_of(store, [int(artifact.id) for artifact in shown])
    told = []
    for artifact, row in zip(shown, rows(store, shown), strict=True):
        facts = {kind: properties(each) for each in made.get(row.id, []) for kind in (each.type,)}
        blessing, pushed = facts.get(BLESSING, {}), facts.get(PUSHED, {})
        word = None if "blessed" not in blessing else "blessed" if blessing["blessed"] else "not blessed"
        version = pushed.get("pushed_version") if pushed.get("pushed", 1) else None
        told.append(
            [
                artifact_link(row.id, f"Model {row.id}"),
                run_link(row.producer_run),
                keep(moment(when(artifact.create_time_since_epoch))),
                word,
                version,
                about(row),
                blessing.get("reason"),
            ]
        )
    header = ["model", "run", "made", "verdict", "pushed as", "what", "why"]
    body = table(header, told) if told else tag("p", "No models yet.")
    more = parts("/models", query, more=len(found) > here * PAGE)
    return Page("Models", joined([tag("h1", "Models"), body, more]))


def _made_of(store: Store, models: list[int]) -> dict[int, list[pb.Artifact]]:
    """Maps models to the blessings and pushed models that were made of them, the last ones last; four queries."""
    taken: dict[int, int] = {}
    for event in store.events_of_artifacts(models):
        if event.type in INPUT_EVENTS and not is_baseline(event):
            taken[int(event.execution_id)] = int(event.artifact_id)
    outputs = [event for event in store.events_of_executions(taken) if event.type == pb.Event.OUTPUT]
    artifacts = {artifact.id: artifact for artifact in store.artifacts(event.artifact_id for event in outputs)}
    made: dict[int, list[pb.Artifact]] = {}
    for event in sorted(outputs, key=lambda event: int(event.execution_id)):
        artifact = artifacts.get(event.artifact_id)
        if artifact is not None and artifact.type in (BLESSING, PUSHED):
            made.setdefault(taken[int(event.execution_id)], []).append(artifact)
    return made
