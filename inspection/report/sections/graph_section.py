"""Graph of the pipeline's nodes, with state and duration."""

from collections.abc import Iterable, Mapping, Sequence

from inspection.lineage_graph import about
from inspection.plain_records import Node
from inspection.report.markup import Html, css, figure, joined, keep, link, state, table, tag
from inspection.report.report_facts import Facts
from inspection.report.svg import short, svg, text
from inspection.text_output import duration, moment

WIDTH, HEIGHT, COLUMN_GAP, ROW_GAP = 106, 46, 18, 16
"""Size of a box and gaps between boxes, in pixels."""
Edge = tuple[str, str]


def section(facts: Facts, *, node_address: str | None = None) -> Html | None:
    """Return the graph and a table of the nodes.

    Args:
      facts: Facts of the run.
      node_address: Address of a node's page with {} for its id; None without pages.
    """
    if not facts.detail.nodes:
        return None
    nodes = list({node.node_id: node for node in facts.detail.nodes}.values())  # the last attempt
    edges = edges_of(facts, nodes)
    boxes = {
        node.node_id: (node.node_id, " ".join(filter(None, (node.state, duration(node.seconds)))), node.state)
        for node in nodes
    }
    graph = draw(boxes, edges, label=f"Nodes of run {facts.detail.run.run_id}")
    summaries = {
        str(event.get("node")): str(event.get("summary") or "")
        for event in facts.events
        if event.get("event") == "node"
    }
    rows = [
        [
            link(node.node_id, node_address.replace("{}", node.node_id) if node_address else None),
            state(node.state),
            keep(moment(node.started)),
            keep(duration(node.seconds)),
            ", ".join(sorted({source for source, target in edges if target == node.node_id})),
            summaries.get(node.node_id) or _summary(node),
        ]
        for node in facts.detail.nodes
    ]
    node_table = table(["node", "state", "started", "took", "after", "result"], rows)
    if node_address is not None:
        return joined([tag("figure", graph), node_table])
    return figure(graph, "Nodes, in data-flow order.", node_table)


def _summary(node: Node) -> str:
    return next((text_ for row in node.outputs if (text_ := about(row))), "")


def edges_of(facts: Facts, nodes: Sequence[Node]) -> list[Edge]:
    """Return the edges from each node to the nodes that need it: from the plan, else from their artifacts."""
    names = {node.node_id for node in nodes}
    if facts.run.upstream is not None:
        planned = [
            (source, target) for target, upstream_nodes in facts.run.upstream.items() for source in upstream_nodes
        ]
        return [(source, target) for source, target in planned if {source, target} <= names]
    producers = {row.id: node.node_id for node in nodes for row in node.outputs}
    edges = {(producers[row.id], node.node_id) for node in nodes for row in node.inputs if row.id in producers}
    return sorted((source, target) for source, target in edges if source != target)


def draw(
    boxes: Mapping[str, tuple[str, str, str]], edges: Iterable[Edge], *, label: str, box_width: int = WIDTH
) -> Html:
    """Return a graph of boxes in layers from left to right.

    Args:
      boxes: Key -> first line, second line, and the state that determines the color.
      edges: Pairs of keys; edges that are implied by a longer path or close a cycle are not drawn.
      label: Text for screen readers.
      box_width: Width of a box in pixels.
    """
    order = list(boxes)
    drawn_edges = _reduced(order, {(source, target) for source, target in edges if source in boxes and target in boxes})
    layer = _layers(order, drawn_edges)
    columns: dict[int, list[str]] = {}
    for key in order:
        columns.setdefault(layer[key], []).append(key)
    row_of: dict[str, float] = {}
    for number in sorted(columns):
        neighbors = {
            key: [row_of[source] for source, target in drawn_edges if target == key and source in row_of]
            for key in columns[number]
        }
        columns[number].sort(key=lambda key: sum(neighbors[key]) / len(neighbors[key]) if neighbors[key] else 0.0)
        for row, key in enumerate(columns[number]):
            row_of[key] = float(row)
    parts: list[Html] = []
    positions = {
        key: (8 + layer[key] * (box_width + COLUMN_GAP), 8 + row_of[key] * (HEIGHT + ROW_GAP)) for key in order
    }
    for source, target in sorted(drawn_edges):
        (x1, y1), (x2, y2) = positions[source], positions[target]
        start, end = (x1 + box_width, y1 + HEIGHT / 2), (x2 - 2, y2 + HEIGHT / 2)
        control = COLUMN_GAP * 0.7
        curve = f"M{start[0]:g} {start[1]:g}C{start[0] + control:g} {start[1]:g} {end[0] - control:g} {end[1]:g} "
        curve += f"{end[0]:g} {end[1]:g}"
        arrow = f"M{end[0] - 5:g} {end[1] - 4:g}L{end[0]:g} {end[1]:g}L{end[0] - 5:g} {end[1] + 4:g}"
        parts += [tag("path", d=curve, class_="edge"), tag("path", d=arrow, class_="edge")]
    for key, (x, y) in positions.items():
        upper, lower, state_name = boxes[key]
        parts.append(
            tag(
                "g",
                tag("title", f"{upper}: {lower}"),
                tag("rect", x=x, y=y, width=box_width, height=HEIGHT, rx=6),
                text(x + box_width / 2, y + 19, short(upper, int(box_width / 6.6)), anchor="middle", class_="name"),
                text(x + box_width / 2, y + 36, short(lower, int(box_width / 5.9)), anchor="middle"),
                class_=f"node {css(state_name)}",
            )
        )
    width = 16 + (max(layer.values(), default=0) + 1) * (box_width + COLUMN_GAP) - COLUMN_GAP
    height = 16 + (max(row_of.values(), default=0) + 1) * (HEIGHT + ROW_GAP) - ROW_GAP
    return tag(
        "div", svg(width, height, *parts, label=label), class_="wide", tabindex="0", role="region", aria_label=label
    )


def _reduced(order: Sequence[str], edges: set[Edge]) -> set[Edge]:
    """Remove edges that close a cycle, and edges that are implied by a longer path."""
    targets_of: dict[str, set[str]] = {key: set() for key in order}
    acyclic: set[Edge] = set()
    for source, target in sorted(edges):
        if source != target and source not in _reachable(targets_of, target):
            targets_of[source].add(target)
            acyclic.add((source, target))
    return {
        (source, target)
        for source, target in acyclic
        if not any(target in _reachable(targets_of, between) for between in targets_of[source] - {target})
    }


def _reachable(targets_of: Mapping[str, set[str]], start: str) -> set[str]:
    reached, todo = {start}, [start]
    while todo:
        for key in targets_of[todo.pop()] - reached:
            reached.add(key)
            todo.append(key)
    return reached


def _layers(order: Sequence[str], edges: set[Edge]) -> dict[str, int]:
    """Assign layers: each key is right of its inputs; a key without inputs is left of the first that needs it."""
    layer = dict.fromkeys(order, 0)
    for _ in order:
        for source, target in edges:
            layer[target] = max(layer[target], layer[source] + 1)
    for key in order:
        following = [layer[target] for source, target in edges if source == key]
        if following and not any(target == key for _, target in edges):
            layer[key] = min(following) - 1
    return layer
