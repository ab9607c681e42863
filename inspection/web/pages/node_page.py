"""Page of a node of a run: attempts, inputs, outputs, properties and log."""

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
from inspection.web.pages.artifacts_page import content_section

_MAX_LOG_BYTES = 200_000
"""Size of the shown end of a log."""
_MAX_CHARS = 4_000
"""Maximum length of a property."""


def page(store: Store, query: Query) -> Page:
    """Return the page of a node.

    Raises:
      UserError: The run or node does not exist.
    """
    run_id, node_id = find_run(store, query.get("run", "latest")), query.get("node", "")
    detail = show_run(store, run_id)
    attempts = [node for node in detail.nodes if node.node_id == node_id]
    if not attempts:
        names = [node.node_id for node in detail.nodes]
        raise UserError(f"no node {node_id!r} in run {run_id}. {nearest(node_id, names)}")
    title = f"{node_id} of {run_id}"
    content = [
        tag("h1", node_id, " ", tag("small", run_link(run_id))),
        *map(_attempt, attempts),
        *(content_section(artifact) for artifact in store.artifacts(row.id for row in attempts[-1].outputs)),
        _log(detail.run.folder, node_id),
    ]
    return Page(title, joined(content))


def _attempt(node: Node) -> Html:
    inputs = [
        [artifact_link(row.id), row.type, row.key, about(row), row.producer_node, run_link(row.producer_run)]
        for row in node.inputs
    ]
    return joined(
        [
            tag("p", state(node.state), " ", moment(node.started), " ", duration(node.seconds)),
            table(["artifact", "type", "channel", "summary", "produced by", "in run"], inputs, caption="Inputs")
            if inputs
            else None,
            _outputs(node.outputs),
            _properties(node),
        ]
    )


def _outputs(rows: Sequence[ArtifactRow]) -> Html | None:
    cells = [[artifact_link(row.id), row.type, row.key, about(row), row.state, row.uri] for row in rows]
    header = ["artifact", "type", "channel", "summary", "state", "location"]
    return table(header, cells, caption="Outputs") if cells else None


def _properties(node: Node) -> Html | None:
    if not node.properties:
        return None
    rows = [[name, str(value)[:_MAX_CHARS]] for name, value in sorted(node.properties.items())]
    return tag("details", tag("summary", "Properties"), table(["property", "value"], rows, caption="Properties"))


def _log(folder: str | None, node: str) -> Html:
    if folder is None:
        return tag("p", "Executed by another runner, which stores its logs elsewhere.")
    try:
        with page_files.opened(folder, "logs", f"{node}.log") as file:
            size = file.seek(0, 2)
            file.seek(max(size - _MAX_LOG_BYTES, 0))
            text = file.read().decode(errors="replace")
    except (PipelineError, OSError):
        return tag("p", "No log.")
    if not text.strip():
        return tag("p", "The log is empty.")
    lines = [line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n")]
    cut = f" (the last {_MAX_LOG_BYTES:,} of {size:,} bytes)" if size > _MAX_LOG_BYTES else ""
    return tag(
        "section", tag("h2", f"Log{cut}"), tag("pre", "\n".join(lines), tabindex="0", aria_label="log"), id="log"
    )
