"""Where it all came from: lineage, config, versions, the command."""

import shlex
from collections.abc import Mapping
from typing import Any

from inspection.lineage_graph import Lineage, about
from inspection.report.markup import Html, facts, figure, joined, link, table, tag
from inspection.report.report_facts import Facts
from inspection.report.sections.graph_section import draw
from inspection.run_configuration import flat
from inspection.store.metadata_store import redact

_BOX = 138
"""Width of an artifact's box in pixels: types have long names."""
_MOST = 30
"""Artifacts of a drawn lineage."""


def lineage(known: Facts, *, address: str | None = None) -> Html | None:
    """Draws what the model was made from, up to the data, and where it was pushed."""
    return traced(known.lineage, address=address) if known.lineage is not None else None


def traced(found: Lineage, *, address: str | None = None) -> Html:
    """Draws the lineage of an artifact.

    Args:
      found: The lineage.
      address: Where an artifact has its page, with {} for its id.
    """
    boxes: dict[str, tuple[str, str, str]] = {}
    kept = sorted(found.artifacts, key=lambda id_: (abs(id_ - found.start), id_))[:_MOST]
    for id_ in sorted(kept):
        row = found.artifacts[id_]
        colour = "start" if id_ == found.start else "artifact"
        boxes[str(id_)] = (f"{row.type} {id_}", row.producer_node or about(row), colour)
        if id_ in found.sources:
            boxes[f"from {id_}"] = (found.sources[id_].rstrip("/").rpartition("/")[2], "file or folder", "source")
    all_edges = [*found.up, *found.down]
    edges = [(str(each.made_from), str(each.made)) for each in all_edges]
    edges += [(f"from {id_}", str(id_)) for id_ in kept if id_ in found.sources]
    rows = [
        [
            link(row.id, address.replace("{}", str(row.id)) if address else None),
            row.type,
            row.producer_node,
            row.producer_run,
            ", ".join(sorted({str(each.made_from) for each in all_edges if each.made == row.id}))
            or found.sources.get(row.id),
            about(row),
            row.uri,
        ]
        for _, row in sorted(found.artifacts.items())
    ]
    header = ["artifact", "type", "node", "run", "made from", "what", "where"]
    below = table(header, rows, caption="Artifacts")
    told = f"What {found.artifacts[found.start].type} {found.start} was made from, and what it led to"
    more = " (only a part is shown)" if found.cut or len(found.artifacts) > len(kept) else ""
    return figure(draw(boxes, edges, label=told, wide=_BOX), told + more, below)


def settings(known: Facts) -> Html | None:
    """Shows the config as resolved, the versions, and the command that makes the run again."""
    if not known.run:
        return None
    leaves = [(key, _said(value)) for key, value in flat(known.config) if value not in (None, [], {}, "")]
    versions = known.run.get("versions")
    parts = [
        facts([("command", tag("code", command(known) or ""))]),
        facts([*(versions.items() if isinstance(versions, Mapping) else ()), ("seed", known.run.get("seed"))]),
        tag("details", tag("summary", "Config as resolved"), table(["key", "value"], leaves, caption="Config"))
        if leaves
        else None,
    ]
    return joined(parts)


def command(known: Facts) -> str | None:
    """Returns the command line that began the run, a password in it as ***."""
    told = known.run.get("command")
    if not isinstance(told, list) or not told:
        return None
    return f"python {shlex.join(redact(str(each)) if '://' in str(each) else str(each) for each in told)}"


def notes(known: Facts) -> Html | None:
    """Says what could not be read."""
    if not known.notes:
        return None
    return tag("ul", *(tag("li", note) for note in known.notes))


def _said(value: Any) -> Any:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value if isinstance(value, str | int | float) else str(value)
