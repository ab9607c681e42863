"""One node of a run: its attempts, what it took and made, its settings and its log."""

from collections.abc import Sequence

from errors import PipelineError, UserError
from inspection.display_names import nearest
from inspection.lineage_graph import about
from inspection.plain_records import ArtifactRow, Node
from inspection.report.markup import Html, joined, state, table, tag
from inspection.run_history import find_run, show_run
from inspection.store.metadata_store import Store
from inspection.text_output import duration, moment
from inspection.web import page_files
from inspection.web.page_layout import Page, Query, artifact_link, run_link
from inspection.web.pages.artifacts_page import held

_BYTES = 200_000
"""Of a log, its end."""
_LONGEST = 4_000
"""Characters of a property."""


def page(store: Store, query: Query) -> Page:
    """Shows a node.

    Raises:
      UserError: There is no such run or node.
    """
    run_id, wanted = find_run(store, query.get("run", "latest")), query.get("node", "")
    detail = show_run(store, run_id)
    attempts = [node for node in detail.nodes if node.node_id == wanted]
    if not attempts:
        names = [node.node_id for node in detail.nodes]
        raise UserError(f"no node {wanted!r} in run {run_id}. {nearest(wanted, names)}")
    title = f"{wanted} of {run_id}"
    parts = [
        tag("h1", wanted, " ", tag("small", run_link(run_id))),
        *map(_attempt, attempts),
        *(held(each) for each in store.artifacts(row.id for row in attempts[-1].outputs)),
        _log(detail.run.folder, wanted),
    ]
    return Page(title, joined(parts))


def _attempt(node: Node) -> Html:
    took = [
        [artifact_link(row.id), row.type, row.key, about(row), row.producer_node, run_link(row.producer_run)]
        for row in node.inputs
    ]
    return joined(
        [
            tag("p", state(node.state), " ", moment(node.started), " ", duration(node.seconds)),
            table(["artifact", "type", "as", "what", "made by", "in run"], took, caption="What it took")
            if took
            else None,
            _made(node.outputs),
            _properties(node),
        ]
    )


def _made(rows: Sequence[ArtifactRow]) -> Html | None:
    told = [[artifact_link(row.id), row.type, row.key, about(row), row.uri] for row in rows]
    return table(["artifact", "type", "as", "what", "where"], told, caption="What it made") if told else None


def _properties(node: Node) -> Html | None:
    if not node.properties:
        return None
    rows = [[name, str(value)[:_LONGEST]] for name, value in sorted(node.properties.items())]
    return tag("details", tag("summary", "Properties"), table(["property", "value"], rows, caption="Properties"))


def _log(folder: str | None, node: str) -> Html:
    if folder is None:
        return tag("p", "Another runner made this run and keeps its logs elsewhere.")
    try:
        with page_files.opened(folder, "logs", f"{node}.log") as file:
            size = file.seek(0, 2)
            file.seek(max(size - _BYTES, 0))
            text = file.read().decode(errors="replace")
    except (PipelineError, OSError):
        return tag("p", "It wrote no log.")
    if not text.strip():
        return tag("p", "Its log is empty.")
    lines = [line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n")]
    cut = f" (the last {_BYTES:,} of {size:,} bytes)" if size > _BYTES else ""
    return tag(
        "section", tag("h2", f"Log{cut}"), tag("pre", "\n".join(lines), tabindex="0", aria_label="log"), id="log"
    )
