"""List of artifacts by type; page of an artifact with its content, lineage and files."""

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
from inspection.report.markup import Html, definitions, joined, link, table, tag
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
from inspection.web.page_layout import PAGE, Page, Query, artifact_link, field, form, number, pagination, run_link, to

OUTSIDE_LINKS = "its folder contains links to outside, so its content is not shown."
_MAX_LINEAGE = 60
"""Maximum number of artifacts in each direction of the lineage."""


def listing(store: Store, query: Query) -> Page:
    """Return the list of artifacts, newest first."""
    types, type_name, page_number = store.artifact_types(), query.get("type", ""), number(query, "page")
    if type_name in types:
        artifacts = store.artifacts_of_type(type_name)
        artifacts_of_page, more = (
            artifacts[(page_number - 1) * PAGE : page_number * PAGE],
            len(artifacts) > page_number * PAGE,
        )
    else:
        # By ids, which increase: listing all newer ones would take longer with each page.
        last_id = (
            max((int(artifact.id) for artifact in store.newest_artifacts(1)), default=0) - (page_number - 1) * PAGE
        )
        artifacts_of_page, more = store.artifacts(range(max(last_id - PAGE, 0) + 1, last_id + 1)), last_id > PAGE
        artifacts_of_page.sort(key=lambda artifact: -int(artifact.id))
    table_rows = [
        [
            artifact_link(row.id),
            link(row.type, to("/artifacts", type=row.type)),
            about(row),
            row.state,
            row.producer_node,
            run_link(row.producer_run),
            row.uri,
        ]
        for row in rows(store, artifacts_of_page)
    ]
    body = (
        table(["artifact", "type", "summary", "state", "node", "run", "location"], table_rows)
        if table_rows
        else tag("p", "No artifacts match.")
    )
    filter_form = form("/artifacts", [field("type", "Type", type_name, types)], "Show")
    links = pagination("/artifacts", query, more=more)
    return Page("Artifacts", joined([tag("h1", "Artifacts"), filter_form, body, links]))


def page(store: Store, query: Query) -> Page:
    """Return the page of an artifact.

    Raises:
      UserError: There is no artifact with this id.
    """
    artifact = find_artifact(store, query.get("id", ""))
    [row] = rows(store, [artifact])
    entries = [
        ("type", row.type),
        ("summary", about(row)),
        (
            "produced by",
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
        ("location", row.uri),
    ]
    properties = [[name, str(value)[:4000]] for name, value in sorted(row.properties.items())]
    content = [
        tag("h1", row.type, " ", tag("small", row.id)),
        definitions(entries),
        content_section(artifact),
        tag(
            "section",
            tag("h2", "Lineage"),
            origin_section.lineage_figure(trace(store, artifact, limit=_MAX_LINEAGE), address="/artifact?id={}"),
        ),
        _or_error(lambda: _files(row)),
        tag("details", tag("summary", "Properties"), table(["property", "value"], properties, caption="Properties"))
        if properties
        else None,
    ]
    return Page(f"{row.type} {row.id}", joined(content))


def _or_error(make: Callable[[], Html | None]) -> Html | None:
    try:
        return make()
    except (PipelineError, OSError, ValueError) as error:
        return tag("p", str(error), class_="note")


def content_section(artifact: pb.Artifact) -> Html | None:
    """Return the content of an artifact of a known type, an error if it is damaged, None for other types."""
    if not page_files.contained(artifact.uri):
        return tag("p", OUTSIDE_LINKS[0].upper() + OUTSIDE_LINKS[1:], class_="note")
    inner = _or_error(lambda: _content(artifact))
    return tag("section", tag("h2", f"Content of {artifact.type} {artifact.id}"), inner) if inner else None


def _content(artifact: pb.Artifact) -> Html | None:
    facts = Facts(
        detail=RunDetail(
            run=Run(run_id="", pipeline="", state="", reason=None, started=None, ended=None, folder=None), nodes=()
        )
    )
    content: Html | None = None
    if artifact.type == "ExampleStatistics":
        facts.statistics = read_statistics(artifact)
        content = data_section.section(facts)
    elif artifact.type == "ExampleAnomalies":
        facts.splits, facts.anomalies = schema_facts.read_anomalies(artifact)
        content = data_section.section(facts) or tag("p", "No anomalies.")
    elif artifact.type == EVALUATION:
        facts.evaluation = read_evaluation(artifact)
        content = metrics_section.section(facts)
    elif artifact.type == "Schema":
        columns = schema_facts.read_schema(artifact)
        content = table(
            ["column", "type", "presence", "values"],
            [[column.name, column.type, column.presence, column.domain] for column in columns],
        )
    elif artifact.type == "Examples":
        examples = read_examples(artifact, limit=10)
        names = list(dict.fromkeys(name for row in examples.rows for name in row))[:30]
        cells = [[worst_section.cell(row.get(name)) for name in names] for row in examples.rows]
        content = table(names, cells, caption=f"First {len(cells)} rows of split {examples.split}")
    elif artifact.type == "TransformGraph":
        read_transformation(facts, {artifact.type: artifact})
        content = features_section.section(facts)
    elif artifact.type == "ModelRun":
        read_training(facts, {artifact.type: artifact})
        content = joined([training_section.network(facts), training_section.section(facts)])
    return joined([content, origin_section.notes(facts)]) or None


def _files(row: ArtifactRow) -> Html:
    files = list(page_files.listed(row.uri, f"{row.type} {row.id}"))
    rows_ = [[link(path, f"/files/{row.id}/{urllib.parse.quote(path)}"), size] for path, size in files]
    note = f" (first {page_files.MAX_FILES})" if len(files) == page_files.MAX_FILES else ""
    return tag("section", tag("h2", f"Files{note}"), table(["file", "bytes"], rows_), id="files")
