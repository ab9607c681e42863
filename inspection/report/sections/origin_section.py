"""Lineage, config, versions and command of a run."""

import shlex
from typing import Any

from inspection.lineage_graph import Lineage, about
from inspection.read.recorded_run import RecordedRun
from inspection.read.run_origin import revision_line, rows_of
from inspection.report.markup import Html, definitions, figure, joined, link, table, tag
from inspection.report.report_facts import Facts
from inspection.report.sections.graph_section import draw
from inspection.run_configuration import flat, from_tuner
from inspection.store.metadata_store import redact

_BOX = 138
"""Width of an artifact's box in pixels, for long names of types."""
_FILE = ("bytes", "digest")
_FILES = ["path", "span", "rows", *_FILE]
_MAX_BOXES = 30
"""Maximum number of artifacts in the graph."""


def lineage(facts: Facts, *, address: str | None = None) -> Html | None:
    """Return the lineage of the run's model, from the data to the pushed version."""
    return lineage_figure(facts.lineage, address=address) if facts.lineage is not None else None


def lineage_figure(graph: Lineage, *, address: str | None = None) -> Html:
    """Return graph and table of the lineage of an artifact.

    Args:
      graph: The lineage.
      address: Address of an artifact's page with {} for its id; None without pages.
    """
    boxes: dict[str, tuple[str, str, str]] = {}
    artifact_ids = sorted(graph.artifacts, key=lambda id_: (abs(id_ - graph.start), id_))[:_MAX_BOXES]
    for id_ in sorted(artifact_ids):
        row = graph.artifacts[id_]
        state = "start" if id_ == graph.start else "artifact"
        boxes[str(id_)] = (f"{row.type} {id_}", row.producer_node or about(row), state)
        if id_ in graph.sources:
            boxes[f"from {id_}"] = (graph.sources[id_].rstrip("/").rpartition("/")[2], "file or folder", "source")
    all_edges = [*graph.up, *graph.down]
    edges = [(str(edge.made_from), str(edge.made)) for edge in all_edges]
    edges += [(f"from {id_}", str(id_)) for id_ in artifact_ids if id_ in graph.sources]
    rows = [
        [
            link(row.id, address.replace("{}", str(row.id)) if address else None),
            row.type,
            row.producer_node,
            row.producer_run,
            ", ".join(sorted({str(edge.made_from) for edge in all_edges if edge.made == row.id}))
            or graph.sources.get(row.id),
            about(row),
            row.uri,
        ]
        for _, row in sorted(graph.artifacts.items())
    ]
    header = ["artifact", "type", "node", "run", "made from", "summary", "location"]
    data = table(header, rows, caption="Artifacts")
    caption = f"Lineage of {graph.artifacts[graph.start].type} {graph.start}"
    note = " (incomplete)" if graph.cut or len(graph.artifacts) > len(artifact_ids) else ""
    return figure(draw(boxes, edges, label=caption, box_width=_BOX), caption + note, data)


def settings(facts: Facts) -> Html | None:
    """Return the files, the revision of the code, the config as used, the versions, and the command of the run."""
    if facts.run == RecordedRun():
        return None
    tuned = from_tuner(facts.run)
    leaves = [
        (
            key,
            f"{_plain(value)} (from the tuner; the config has {_plain(tuned[key])})" if key in tuned else _plain(value),
        )
        for key, value in flat(facts.run.used)
        if value not in (None, [], {}, "")
    ]
    files = [[file.get("path"), file.get("span"), rows_of(file), *map(file.get, _FILE)] for file in facts.run.files]
    revisions = [("code", revision_line(revision)) for revision in facts.run.git]
    parts = [
        definitions([("command", tag("code", command(facts) or ""))]),
        definitions([*facts.run.versions.items(), ("seed", facts.run.seed), *revisions]),
        tag("details", tag("summary", f"Files of the data: {len(files)}"), table(_FILES, files, caption="Files"))
        if files
        else None,
        tag("details", tag("summary", "Resolved config"), table(["key", "value"], leaves, caption="Config"))
        if leaves
        else None,
    ]
    return joined(parts)


def command(facts: Facts) -> str | None:
    """Return the command line of the run, with passwords replaced by ***."""
    if not facts.run.command:
        return None
    return f"python {shlex.join(redact(text) if '://' in text else text for text in facts.run.command)}"


def notes(facts: Facts) -> Html | None:
    """Return the list of files that could not be read."""
    if not facts.notes:
        return None
    return tag("ul", *(tag("li", note) for note in facts.notes))


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value if isinstance(value, str | int | float) else str(value)
