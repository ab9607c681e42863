"""Page of a run: its report with links, and its progress while it runs."""

import os

from inspection.report import page as report
from inspection.report.markup import Html, joined, link, table, tag
from inspection.report.report_facts import Facts, collect
from inspection.report.sections import graph_section, head_section
from inspection.run_history import find_run, show_run
from inspection.store.artifact_lookup import of_run
from inspection.store.metadata_store import RUN_CONTEXT, Store, properties
from inspection.web import page_files
from inspection.web.page_layout import Page, Query, artifact_link, to
from inspection.web.pages.artifacts_page import OUTSIDE_LINKS
from spec.file_names import REPORT

_REFRESH_SECONDS = 3
"""Interval at which the page of a running run reloads."""
_PROGRESS_LINES = 5
"""Number of shown lines of progress."""


def page(store: Store, query: Query) -> Page:
    """Return the page of a run."""
    run_id = find_run(store, query.get("id", "latest"))
    unsafe = with_outside_links(store, run_id)
    facts = collect(store, run_id) if not unsafe else Facts(detail=show_run(store, run_id))
    sections = report.sections(facts)
    links = [tag("a", title, href=f"#{name}") for name, title, _ in sections]
    graph = graph_section.section(facts, node_address=to("/node", run=run_id) + "&node={}")
    section_tags = [tag("section", tag("h2", title), body, id=name) for name, title, body in sections]
    content = [
        head_section.section(facts),
        tag("p", f"{unsafe}: {OUTSIDE_LINKS}", class_="note") if unsafe else None,
        _progress(facts),
        tag("nav", *_links(facts), aria_label="More of this run"),
        tag("nav", *links, aria_label="Sections") if links else None,
        tag("section", tag("h2", "Nodes"), graph, id="run") if graph else None,
        _artifacts(facts),
        *section_tags,
    ]
    return Page(f"Run {run_id}", joined(content), _REFRESH_SECONDS if facts.detail.run.state == "RUNNING" else None)


def with_outside_links(store: Store, run_id: str) -> str | None:
    """Return the name of the run's folder or artifact that contains links to outside; None if there is none."""
    context = store.context(RUN_CONTEXT, run_id)
    folder = properties(context).get("run_folder") if context is not None else None
    if folder and not page_files.contained(str(folder)):
        return f"The folder of run {run_id}"
    return next(
        (
            f"{artifact.type} {artifact.id}"
            for artifact, is_output in of_run(store, run_id)
            if is_output and not page_files.contained(artifact.uri)
        ),
        None,
    )


def _links(facts: Facts) -> list[Html]:
    run = facts.detail.run
    links = [link("Compare with another run", to("/compare", b=run.run_id))]
    if run.folder and os.path.isfile(os.path.join(run.folder, REPORT)):
        links.append(link(REPORT, to("/report", id=run.run_id)))
    return links


def _progress(facts: Facts) -> Html | None:
    if facts.detail.run.state != "RUNNING":
        return None
    lines = [str(event.get("text")) for event in facts.events if event.get("event") == "progress"][-_PROGRESS_LINES:]
    finished_nodes = {
        event.get("node") for event in facts.events if event.get("event") == "node" and event.get("state") != "RUNNING"
    }
    nodes = facts.run.nodes
    count = f"{len(finished_nodes)} of {len(nodes)} nodes finished" if nodes else "Running"
    status = tag("p", f"{count}; this page reloads every {_REFRESH_SECONDS} seconds.", role="status")
    return joined([status, tag("ul", *(tag("li", line) for line in lines)) if lines else None])


def _artifacts(facts: Facts) -> Html | None:
    rows = [
        [
            artifact_link(row.id),
            row.type,
            node.node_id,
            row.key,
            row.producer_run if row.producer_run != facts.detail.run.run_id else "this run",
        ]
        for node in facts.detail.nodes
        for row in node.outputs
    ]
    if not rows:
        return None
    inner = table(["artifact", "type", "node", "channel", "produced by"], rows, caption="Artifacts")
    return tag("details", tag("summary", f"{len(rows)} artifacts"), inner)
