"""The pipeline as a graph, coloured by state, with the time that each node took."""

from collections.abc import Iterable, Mapping, Sequence

from inspection.lineage_graph import about
from inspection.plain_records import Node
from inspection.report.markup import Html, css, figure, joined, keep, link, state, table, tag
from inspection.report.report_facts import Facts
from inspection.report.svg import short, svg, text
from inspection.text_output import duration, moment

WIDE, HIGH, GAP, ROW = 106, 46, 18, 16
"""Of a box and between two of them, in pixels."""
Edge = tuple[str, str]


def section(known: Facts, *, node_address: str | None = None) -> Html | None:
    """Draws the nodes.

    Args:
      known: The run.
      node_address: Where a node has its page, with {} for its id; None where there is none.
    """
    if not known.detail.nodes:
        return None
    nodes = list({node.node_id: node for node in known.detail.nodes}.values())  # the last attempt
    edges = edges_of(known, nodes)
    boxes = {
        node.node_id: (node.node_id, " ".join(filter(None, (node.state, duration(node.seconds)))), node.state)
        for node in nodes
    }
    picture = draw(boxes, edges, label=f"Nodes of run {known.detail.run.run_id}")
    said = {
        str(each.get("node")): str(each.get("summary") or "") for each in known.events if each.get("event") == "node"
    }
    rows = [
        [
            link(node.node_id, node_address.replace("{}", node.node_id) if node_address else None),
            state(node.state),
            keep(moment(node.started)),
            keep(duration(node.seconds)),
            ", ".join(sorted({one for one, other in edges if other == node.node_id})),
            said.get(node.node_id) or _summary(node),
        ]
        for node in known.detail.nodes
    ]
    below = table(["node", "state", "started", "took", "after", "what came out"], rows)
    if node_address is not None:
        return joined([tag("figure", picture), below])
    return figure(picture, "What ran, in the order in which data flows.", below)


def _summary(node: Node) -> str:
    return next((told for row in node.outputs if (told := about(row))), "")


def edges_of(known: Facts, nodes: Sequence[Node]) -> list[Edge]:
    """Returns which node comes after which: as planned, else by the artifacts that were taken."""
    names = {node.node_id for node in nodes}
    planned = known.run.get("upstream")
    if isinstance(planned, Mapping):
        return [(str(one), str(other)) for other, all_ in planned.items() for one in all_ if {one, other} <= names]
    made = {row.id: node.node_id for node in nodes for row in node.outputs}
    taken = {(made[row.id], node.node_id) for node in nodes for row in node.inputs if row.id in made}
    return sorted((one, other) for one, other in taken if one != other)


def draw(boxes: Mapping[str, tuple[str, str, str]], edges: Iterable[Edge], *, label: str, wide: int = WIDE) -> Html:
    """Draws boxes in layers from left to right.

    Args:
      boxes: Key -> what stands in the box, what below it, and the word of its colour.
      edges: Pairs of keys; one that another way makes plain is left out, and one that closes a circle.
      label: What the picture shows.
      wide: Width of a box in pixels.
    """
    order = list(boxes)
    kept = _reduced(order, {(one, other) for one, other in edges if one in boxes and other in boxes})
    layer = _layers(order, kept)
    columns: dict[int, list[str]] = {}
    for key in order:
        columns.setdefault(layer[key], []).append(key)
    place: dict[str, float] = {}
    for number in sorted(columns):
        before = {key: [place[one] for one, other in kept if other == key and one in place] for key in columns[number]}
        columns[number].sort(key=lambda key: sum(before[key]) / len(before[key]) if before[key] else 0.0)
        for row, key in enumerate(columns[number]):
            place[key] = float(row)
    parts: list[Html] = []
    at = {key: (8 + layer[key] * (wide + GAP), 8 + place[key] * (HIGH + ROW)) for key in order}
    for one, other in sorted(kept):
        (x1, y1), (x2, y2) = at[one], at[other]
        start, end = (x1 + wide, y1 + HIGH / 2), (x2 - 2, y2 + HIGH / 2)
        bend = GAP * 0.7
        curve = f"M{start[0]:g} {start[1]:g}C{start[0] + bend:g} {start[1]:g} {end[0] - bend:g} {end[1]:g} "
        curve += f"{end[0]:g} {end[1]:g}"
        tip = f"M{end[0] - 5:g} {end[1] - 4:g}L{end[0]:g} {end[1]:g}L{end[0] - 5:g} {end[1] + 4:g}"
        parts += [tag("path", d=curve, class_="edge"), tag("path", d=tip, class_="edge")]
    for key, (x, y) in at.items():
        upper, lower, word = boxes[key]
        parts.append(
            tag(
                "g",
                tag("title", f"{upper}: {lower}"),
                tag("rect", x=x, y=y, width=wide, height=HIGH, rx=6),
                text(x + wide / 2, y + 19, short(upper, int(wide / 6.6)), anchor="middle", class_="name"),
                text(x + wide / 2, y + 36, short(lower, int(wide / 5.9)), anchor="middle"),
                class_=f"node {css(word)}",
            )
        )
    width = 16 + (max(layer.values(), default=0) + 1) * (wide + GAP) - GAP
    height = 16 + (max(place.values(), default=0) + 1) * (HIGH + ROW) - ROW
    return tag(
        "div", svg(width, height, *parts, label=label), class_="wide", tabindex="0", role="region", aria_label=label
    )


def _reduced(order: Sequence[str], edges: set[Edge]) -> set[Edge]:
    """Leaves out what closes a circle, and what a longer way says already."""
    after: dict[str, set[str]] = {key: set() for key in order}
    kept: set[Edge] = set()
    for one, other in sorted(edges):
        if one != other and one not in _reached(after, other):
            after[one].add(other)
            kept.add((one, other))
    return {
        (one, other)
        for one, other in kept
        if not any(other in _reached(after, between) for between in after[one] - {other})
    }


def _reached(after: Mapping[str, set[str]], start: str) -> set[str]:
    found, todo = {start}, [start]
    while todo:
        for key in after[todo.pop()] - found:
            found.add(key)
            todo.append(key)
    return found


def _layers(order: Sequence[str], edges: set[Edge]) -> dict[str, int]:
    """Puts each key one layer right of the last one before it; one without any stands left of the first one after."""
    layer = dict.fromkeys(order, 0)
    for _ in order:
        for one, other in edges:
            layer[other] = max(layer[other], layer[one] + 1)
    for key in order:
        nexts = [layer[other] for one, other in edges if one == key]
        if nexts and not any(other == key for _, other in edges):
            layer[key] = min(nexts) - 1
    return layer
