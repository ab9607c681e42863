"""One run: its report, drawn anew, with links; of one that runs, how far it is."""

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
from inspection.web.pages.artifacts_page import LEAD_OUT
from spec.file_names import REPORT

_LIVE = 3
"""Seconds between two looks at a run that runs."""
_PROGRESS = 5
"""Last lines of progress."""


def page(store: Store, query: Query) -> Page:
    """Shows a run."""
    run_id = find_run(store, query.get("id", "latest"))
    leading = leading_out(store, run_id)
    known = collect(store, run_id) if not leading else Facts(detail=show_run(store, run_id))
    sections = report.sections(known)
    links = [tag("a", title, href=f"#{name}") for name, title, _ in sections]
    picture = graph_section.section(known, node_address=to("/node", run=run_id) + "&node={}")
    laid = [tag("section", tag("h2", title), content, id=name) for name, title, content in sections]
    parts = [
        head_section.section(known),
        tag("p", f"{leading}: {LEAD_OUT}", class_="note") if leading else None,
        _progress(known),
        tag("nav", *_elsewhere(known), aria_label="More of this run"),
        tag("nav", *links, aria_label="Sections") if links else None,
        tag("section", tag("h2", "Nodes"), picture, id="run") if picture else None,
        _artifacts(known),
        *laid,
    ]
    return Page(f"Run {run_id}", joined(parts), _LIVE if known.detail.run.state == "RUNNING" else None)


def leading_out(store: Store, run_id: str) -> str | None:
    """Names the run's folder or an artifact of the run, if a link in it leads out of it."""
    context = store.context(RUN_CONTEXT, run_id)
    folder = properties(context).get("run_folder") if context is not None else None
    if folder and not page_files.contained(str(folder)):
        return f"The folder of run {run_id}"
    return next(
        (
            f"{each.type} {each.id}"
            for each, made in of_run(store, run_id)
            if made and not page_files.contained(each.uri)
        ),
        None,
    )


def _elsewhere(known: Facts) -> list[Html]:
    run = known.detail.run
    found = [link("Compare with another run", to("/compare", b=run.run_id))]
    if run.folder and os.path.isfile(os.path.join(run.folder, REPORT)):
        found.append(link("Report as one file", to("/report", id=run.run_id)))
    return found


def _progress(known: Facts) -> Html | None:
    if known.detail.run.state != "RUNNING":
        return None
    lines = [str(each.get("text")) for each in known.events if each.get("event") == "progress"][-_PROGRESS:]
    done = {each.get("node") for each in known.events if each.get("event") == "node" and each.get("state") != "RUNNING"}
    planned = known.run.get("nodes")
    count = f"{len(done)} of {len(planned)} nodes are done" if isinstance(planned, list) and planned else "It runs"
    told = tag("p", f"{count}; this page looks again every few seconds.", role="status")
    return joined([told, tag("ul", *(tag("li", line) for line in lines)) if lines else None])


def _artifacts(known: Facts) -> Html | None:
    rows = [
        [
            artifact_link(row.id),
            row.type,
            node.node_id,
            row.key,
            row.producer_run if row.producer_run != known.detail.run.run_id else "this run",
        ]
        for node in known.detail.nodes
        for row in node.outputs
    ]
    if not rows:
        return None
    inner = table(["artifact", "type", "node", "as", "made by"], rows, caption="Artifacts")
    return tag("details", tag("summary", f"{len(rows)} artifacts"), inner)
