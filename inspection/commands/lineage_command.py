"""`inspect lineage ARTIFACT|MODEL`: a tree, or a graph for Graphviz or Mermaid."""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from inspection.lineage_graph import Edge, Lineage, about, trace
from inspection.store.artifact_lookup import by_id, find_model
from inspection.store.metadata_store import Store
from inspection.text_output import printable

_MOST_ALIKE = 10
"""Artifacts that one node made from the same one, in the tree."""


def answer(store: Store, args: argparse.Namespace) -> tuple[dict[str, Any], Callable[[], str]]:
    """Returns the lineage, and a function that draws it."""
    start = by_id(store, args.artifact) or find_model(store, args.artifact, pipeline=args.pipeline)
    found = trace(store, start, most=args.limit)
    value = {
        "start": found.start,
        "artifacts": list(found.artifacts.values()),
        "made_from": found.up,
        "led_to": found.down,
        "sources": found.sources,
        "cut": found.cut,
    }
    return value, lambda: dot(found) if args.dot else mermaid(found) if args.mermaid else tree(found)


def tree(found: Lineage) -> str:
    """Draws what led to the artifact and what it led to; an artifact that stands above is not unfolded again."""
    lines = [_told(found, found.start), ""]
    up = list(_branches(found, found.start, _by(found.up, up=True), up=True, seen=set()))
    down = list(_branches(found, found.start, _by(found.down, up=False), up=False, seen=set()))
    lines += ["made from", *up, ""] if up else []
    lines += ["led to", *down, ""] if down else ["led to nothing yet", ""]
    if found.cut:
        lines += ["There is more: --limit N follows more artifacts.", ""]
    return "".join(f"{line}\n" for line in lines[:-1])


def _by(edges: Sequence[Edge], *, up: bool) -> dict[int, list[Edge]]:
    """Groups edges by the artifact that they leave, on the way up or down."""
    grouped: dict[int, list[Edge]] = {}
    for edge in edges:
        grouped.setdefault(edge.made if up else edge.made_from, []).append(edge)
    return grouped


def _branches(
    found: Lineage, at: int, edges: Mapping[int, Sequence[Edge]], *, up: bool, seen: set[int]
) -> Iterator[str]:
    chosen, hidden = _chosen(edges.get(at, []), up=up)
    source = found.sources.get(at) if up else None
    last = len(chosen) + (hidden > 0) + (source is not None) - 1
    for place, edge in enumerate(chosen):
        stem, inner = ("└─ ", "   ") if place == last else ("├─ ", "│  ")
        other = edge.made_from if up else edge.made
        key = f"{printable(edge.key)}: " if up and edge.key else ""
        if edge.baseline:
            yield f"{stem}{key}{_told(found, other)} (compared with)"
        elif other in seen:
            yield f"{stem}{key}{_short(found, other)} (above)"
        else:
            seen.add(other)
            yield f"{stem}{key}{_told(found, other)}"
            for line in _branches(found, other, edges, up=up, seen=seen):
                yield f"{inner}{line}"
    if hidden:
        yield f"{'├─' if source is not None else '└─'} ... and {hidden:,} more"
    if source is not None:
        yield f"└─ read from {printable(source)}"


def _chosen(edges: Sequence[Edge], *, up: bool) -> tuple[list[Edge], int]:
    """Leaves out what several channels say twice, and most of many that one node made; says how many of these."""
    once = {edge.made_from if up else edge.made: edge for edge in reversed(edges)}
    newest = sorted(once.items(), key=lambda item: (item[1].node, -item[0]))
    alike: dict[str, int] = {}
    chosen = []
    for _, edge in newest:
        alike[edge.node] = alike.get(edge.node, 0) + 1
        if alike[edge.node] <= _MOST_ALIKE:
            chosen.append(edge)
    return chosen, len(once) - len(chosen)


def _short(found: Lineage, id_: int) -> str:
    row = found.artifacts.get(id_)
    return f"{printable(row.type)} {id_}" if row else f"artifact {id_}"


def _told(found: Lineage, id_: int) -> str:
    row = found.artifacts.get(id_)
    if row is None:
        return _short(found, id_)
    start = found.artifacts.get(found.start)
    run = row.producer_run if id_ == found.start or not start or row.producer_run != start.producer_run else None
    by = " of ".join(filter(None, (row.producer_node, run)))
    state = "" if row.state in ("LIVE", "PUBLISHED", "UNKNOWN") else row.state
    return ", ".join([_short(found, id_), *(printable(part) for part in (by, about(row), state) if part)])


def dot(found: Lineage) -> str:
    """Writes a graph for Graphviz: `dot -Tsvg`."""

    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    lines = ["digraph lineage {", "  rankdir=LR;", "  node [shape=box];"]
    for id_ in sorted(found.artifacts):
        bold = ", style=bold" if id_ == found.start else ""
        lines.append(f"  a{id_} [label={quoted(_told(found, id_))}{bold}];")
    for id_, source in sorted(found.sources.items()):
        lines += [f"  s{id_} [label={quoted(printable(source))}, shape=folder];", f"  s{id_} -> a{id_};"]
    for edge in _edges(found):
        dashed = ", style=dashed" if edge.baseline else ""
        lines.append(f"  a{edge.made_from} -> a{edge.made} [label={quoted(printable(edge.key))}{dashed}];")
    return "\n".join([*lines, "}", ""])


def mermaid(found: Lineage) -> str:
    """Writes a flowchart for Mermaid."""

    def quoted(text: str) -> str:
        # Mermaid reads entities, and with them no markup.
        return '"' + "".join(char if char.isalnum() or char in " -_/.,:" else f"#{ord(char)};" for char in text) + '"'

    lines = ["flowchart LR"]
    lines += [f"  a{id_}[{quoted(_told(found, id_))}]" for id_ in sorted(found.artifacts)]
    for id_, source in sorted(found.sources.items()):
        lines += [f"  s{id_}[({quoted(printable(source))})]", f"  s{id_} --> a{id_}"]
    for edge in _edges(found):
        arrow = "-.->" if edge.baseline else "-->"
        label = f"|{quoted(printable(edge.key))}|" if edge.key else ""
        lines.append(f"  a{edge.made_from} {arrow}{label} a{edge.made}")
    return "\n".join([*lines, f"  style a{found.start} stroke-width:3px", ""])


def _edges(found: Lineage) -> list[Edge]:
    return sorted({*found.up, *found.down}, key=lambda edge: (edge.made_from, edge.made, edge.key))
