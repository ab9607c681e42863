"""`inspect lineage ARTIFACT|MODEL`: lineage as a tree, or as a graph for Graphviz or Mermaid."""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from inspection.lineage_graph import Edge, Lineage, about, trace
from inspection.store.artifact_lookup import by_id, find_model
from inspection.store.metadata_store import Store
from inspection.text_output import printable

_MAX_PER_NODE = 10
"""Artifacts in the tree that one node produced from the same input."""


def answer(store: Store, args: argparse.Namespace) -> tuple[dict[str, Any], Callable[[], str]]:
    """Return the lineage, and a function that formats it."""
    start = by_id(store, args.artifact) or find_model(store, args.artifact, pipeline=args.pipeline)
    lineage = trace(store, start, limit=args.limit)
    value = {
        "start": lineage.start,
        "artifacts": list(lineage.artifacts.values()),
        "made_from": lineage.up,
        "led_to": lineage.down,
        "sources": lineage.sources,
        "cut": lineage.cut,
    }
    return value, lambda: dot(lineage) if args.dot else mermaid(lineage) if args.mermaid else tree(lineage)


def tree(lineage: Lineage) -> str:
    """Format ancestors and descendants as a tree; an artifact that was listed before is not expanded again."""
    lines = [_describe(lineage, lineage.start), ""]
    up = list(_branches(lineage, lineage.start, _by_artifact(lineage.up, up=True), up=True, visited=set()))
    down = list(_branches(lineage, lineage.start, _by_artifact(lineage.down, up=False), up=False, visited=set()))
    lines += ["made from", *up, ""] if up else []
    lines += ["led to", *down, ""] if down else ["nothing was made from it yet", ""]
    if lineage.cut:
        lines += ["Not all artifacts are shown: --limit N follows more.", ""]
    return "".join(f"{line}\n" for line in lines[:-1])


def _by_artifact(edges: Sequence[Edge], *, up: bool) -> dict[int, list[Edge]]:
    """Group edges by the artifact at which they start, upwards or downwards."""
    grouped: dict[int, list[Edge]] = {}
    for edge in edges:
        grouped.setdefault(edge.made if up else edge.made_from, []).append(edge)
    return grouped


def _branches(
    lineage: Lineage, artifact: int, edges: Mapping[int, Sequence[Edge]], *, up: bool, visited: set[int]
) -> Iterator[str]:
    edges_shown, hidden_count = _selected(edges.get(artifact, []), up=up)
    source = lineage.sources.get(artifact) if up else None
    last_index = len(edges_shown) + (hidden_count > 0) + (source is not None) - 1
    for index, edge in enumerate(edges_shown):
        stem, inner = ("└─ ", "   ") if index == last_index else ("├─ ", "│  ")
        neighbor = edge.made_from if up else edge.made
        key = f"{printable(edge.key)}: " if up and edge.key else ""
        if edge.baseline:
            yield f"{stem}{key}{_describe(lineage, neighbor)} (compared with)"
        elif neighbor in visited:
            yield f"{stem}{key}{_name(lineage, neighbor)} (above)"
        else:
            visited.add(neighbor)
            yield f"{stem}{key}{_describe(lineage, neighbor)}"
            for line in _branches(lineage, neighbor, edges, up=up, visited=visited):
                yield f"{inner}{line}"
    if hidden_count:
        yield f"{'├─' if source is not None else '└─'} ... and {hidden_count:,} more"
    if source is not None:
        yield f"└─ read from {printable(source)}"


def _selected(edges: Sequence[Edge], *, up: bool) -> tuple[list[Edge], int]:
    """Return one edge per neighbor, at most _MAX_PER_NODE for a node, and how many were dropped."""
    edge_by_neighbor = {edge.made_from if up else edge.made: edge for edge in reversed(edges)}
    newest = sorted(edge_by_neighbor.items(), key=lambda item: (item[1].node, -item[0]))
    count_by_node: dict[str, int] = {}
    selected = []
    for _, edge in newest:
        count_by_node[edge.node] = count_by_node.get(edge.node, 0) + 1
        if count_by_node[edge.node] <= _MAX_PER_NODE:
            selected.append(edge)
    return selected, len(edge_by_neighbor) - len(selected)


def _name(lineage: Lineage, id_: int) -> str:
    row = lineage.artifacts.get(id_)
    return f"{printable(row.type)} {id_}" if row else f"artifact {id_}"


def _describe(lineage: Lineage, id_: int) -> str:
    row = lineage.artifacts.get(id_)
    if row is None:
        return _name(lineage, id_)
    start = lineage.artifacts.get(lineage.start)
    run = row.producer_run if id_ == lineage.start or not start or row.producer_run != start.producer_run else None
    producer = " of ".join(filter(None, (row.producer_node, run)))
    state = "" if row.state in ("LIVE", "PUBLISHED", "UNKNOWN") else row.state
    return ", ".join([_name(lineage, id_), *(printable(part) for part in (producer, about(row), state) if part)])


def dot(lineage: Lineage) -> str:
    """Format the lineage for Graphviz: `dot -Tsvg`."""

    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    lines = ["digraph lineage {", "  rankdir=LR;", "  node [shape=box];"]
    for id_ in sorted(lineage.artifacts):
        bold = ", style=bold" if id_ == lineage.start else ""
        lines.append(f"  a{id_} [label={quoted(_describe(lineage, id_))}{bold}];")
    for id_, source in sorted(lineage.sources.items()):
        lines += [f"  s{id_} [label={quoted(printable(source))}, shape=folder];", f"  s{id_} -> a{id_};"]
    for edge in _edges(lineage):
        dashed = ", style=dashed" if edge.baseline else ""
        lines.append(f"  a{edge.made_from} -> a{edge.made} [label={quoted(printable(edge.key))}{dashed}];")
    return "\n".join([*lines, "}", ""])


def mermaid(lineage: Lineage) -> str:
    """Format the lineage for Mermaid."""

    def quoted(text: str) -> str:
        # Mermaid decodes entities and does not interpret them as markup.
        return '"' + "".join(char if char.isalnum() or char in " -_/.,:" else f"#{ord(char)};" for char in text) + '"'

    lines = ["flowchart LR"]
    lines += [f"  a{id_}[{quoted(_describe(lineage, id_))}]" for id_ in sorted(lineage.artifacts)]
    for id_, source in sorted(lineage.sources.items()):
        lines += [f"  s{id_}[({quoted(printable(source))})]", f"  s{id_} --> a{id_}"]
    for edge in _edges(lineage):
        arrow = "-.->" if edge.baseline else "-->"
        label = f"|{quoted(printable(edge.key))}|" if edge.key else ""
        lines.append(f"  a{edge.made_from} {arrow}{label} a{edge.made}")
    return "\n".join([*lines, f"  style a{lineage.start} stroke-width:3px", ""])


def _edges(lineage: Lineage) -> list[Edge]:
    return sorted({*lineage.up, *lineage.down}, key=lambda edge: (edge.made_from, edge.made, edge.key))
