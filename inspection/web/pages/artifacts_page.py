"""All artifacts, by type; and one artifact: what it holds, its lineage, its files."""

import urllib.parse
from collections.abc import Callable

from ml_metadata.proto import metadata_store_pb2 as pb

from errors import PipelineError
from inspection.lineage_graph import about, trace
from inspection.plain_records import ArtifactRow, Run, RunDetail
from inspection.read import schema_facts
from inspection.read.column_statistics import read_statistics
from inspection.read.evaluations import read_evaluation
from inspection.read.example_rows import read_examples
from inspection.report.markup import Html, facts, joined, link, table, tag
from inspection.report.report_facts import Facts, read_training, read_transformation
from inspection.report.sections import (
    data_section,
    features_section,
    metrics_section,
    origin_section,
    training_section,
    worst_section,
)
from inspection.store.artifact_lookup import EVALUATION, find_artifact, rows
from inspection.store.metadata_store import Store
from inspection.web import page_files
from inspection.web.page_layout import PAGE, Page, Query, artifact_link, field, form, number, parts, run_link, to

LEAD_OUT = "Links in its folder lead out of it, so what it holds is not shown."
_MOST = 60
"""Artifacts each way of a lineage."""


def listing(store: Store, query: Query) -> Page:
    """Lists artifacts, the newest first."""
    types, wanted, here = store.artifact_types(), query.get("type", ""), number(query, "page")
    if wanted in types:
        found = store.artifacts_of_type(wanted)
        shown, more = found[(here - 1) * PAGE : here * PAGE], len(found) > here * PAGE
    else:
        # By ids, which rise: to list all that are newer would take longer with each part.
        last = max((int(artifact.id) for artifact in store.newest_artifacts(1)), default=0) - (here - 1) * PAGE
        shown, more = store.artifacts(range(max(last - PAGE, 0) + 1, last + 1)), last > PAGE
        shown.sort(key=lambda artifact: -int(artifact.id))
    told = [
        [
            artifact_link(row.id),
            link(row.type, to("/artifacts", type=row.type)),
            about(row),
            row.producer_node,
            run_link(row.producer_run),
            row.uri,
        ]
        for row in rows(store, shown)
    ]
    body = table(["artifact", "type", "what", "node", "run", "where"], told) if told else tag("p", "No such artifacts.")
    chosen = form("/artifacts", [field("type", "Type", wanted, types)], "Show")
    links = parts("/artifacts", query, more=more)
    return Page("Artifacts", joined([tag("h1", "Artifacts"), chosen, body, links]))


def page(store: Store, query: Query) -> Page:
    """Shows one artifact.

    Raises:
      UserError: There is none of this id.
    """
    artifact = find_artifact(store, query.get("id", ""))
    [row] = rows(store, [artifact])
    told = [
        ("type", row.type),
        ("what", about(row)),
        (
            "made by",
            joined(
                [
                    tag("a", row.producer_node, href=to("/node", run=row.producer_run, node=row.producer_node)),
                    " in ",
                    run_link(row.producer_run),
                ]
            )
            if row.producer_run
            else None,
        ),
        ("state", row.state),
        ("where", row.uri),
    ]
    properties = [[name, str(value)[:4000]] for name, value in sorted(row.properties.items())]
    parts_ = [
        tag("h1", row.type, " ", tag("small", row.id)),
        facts(told),
        held(artifact),
        tag(
            "section",
            tag("h2", "Lineage"),
            origin_section.traced(trace(store, artifact, most=_MOST), address="/artifact?id={}"),
            id="lineage",
        ),
        _attempted(lambda: _files(row)),
        tag("details", tag("summary", "Properties"), table(["property", "value"], properties, caption="Properties"))
        if properties
        else None,
    ]
    return Page(f"{row.type} {row.id}", joined(parts_))


def _attempted(make: Callable[[], Html | None]) -> Html | None:
    try:
        return make()
    except (PipelineError, OSError, ValueError) as error:
        return tag("p", str(error), class_="note")


def held(artifact: pb.Artifact) -> Html | None:
    """Shows what an artifact of a known type holds; of another one nothing, of one that is damaged why."""
    if not page_files.contained(artifact.uri):
        return tag("p", LEAD_OUT, class_="note")
    inner = _attempted(lambda: _content(artifact))
    return tag("section", tag("h2", f"What {artifact.type} {artifact.id} holds"), inner) if inner else None


def _content(artifact: pb.Artifact) -> Html | None:
    known = Facts(
        detail=RunDetail(
            run=Run(run_id="", pipeline="", state="", reason=None, started=None, ended=None, folder=None), nodes=()
        )
    )
    inner: Html | None = None
    if artifact.type == "ExampleStatistics":
        known.statistics = read_statistics(artifact)
        inner = data_section.section(known)
    elif artifact.type == "ExampleAnomalies":
        known.splits, known.anomalies = schema_facts.read_anomalies(artifact)
        inner = data_section.section(known) or tag("p", "No anomaly.")
    elif artifact.type == EVALUATION:
        known.evaluation = read_evaluation(artifact)
        inner = metrics_section.section(known)
    elif artifact.type == "Schema":
        columns = schema_facts.read_schema(artifact)
        inner = table(
            ["column", "type", "presence", "values"], [[c.name, c.type, c.presence, c.domain] for c in columns]
        )
    elif artifact.type == "Examples":
        found = read_examples(artifact, limit=10)
        names = list(dict.fromkeys(name for row in found.rows for name in row))[:30]
        cells = [[worst_section.cell(row.get(name)) for name in names] for row in found.rows]
        inner = table(names, cells, caption=f"The first {len(cells)} rows of split {found.split}")
    elif artifact.type == "TransformGraph":
        read_transformation(known, {artifact.type: artifact})
        inner = features_section.section(known)
    elif artifact.type == "ModelRun":
        read_training(known, {artifact.type: artifact})
        inner = joined([training_section.network(known), training_section.section(known)])
    return joined([inner, origin_section.notes(known)]) or None


def _files(row: ArtifactRow) -> Html:
    found = list(page_files.listed(row.uri, f"{row.type} {row.id}"))
    told = [[link(path, f"/files/{row.id}/{urllib.parse.quote(path)}"), size] for path, size in found]
    more = f", the first {page_files.MOST}" if len(found) == page_files.MOST else ""
    return tag("section", tag("h2", f"Files{more}"), table(["file", "bytes"], told), id="files")
