"""Lineage of an artifact: its ancestors back to the data, and its descendants down to the pushed models."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb

from inspection.display_names import Labelled, key_of, producers
from inspection.plain_records import ArtifactRow
from inspection.store.artifact_lookup import is_baseline, rows
from inspection.store.metadata_store import INPUT_EVENTS, Store, properties

MAX_ARTIFACTS = 500
"""Artifacts in each direction: data that a thousand runs used has ten thousand descendants."""


@dataclass(frozen=True, kw_only=True)
class Edge:
    """One artifact was made from another.

    Attributes:
      made_from: Id of the input.
      made: Id of the output.
      key: Input channel.
      node: The node that produced the output.
      baseline: Whether the input was only the baseline; its lineage belongs to another model and is not followed.
    """

    made_from: int
    made: int
    key: str
    node: str
    baseline: bool


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """Ancestors and descendants of an artifact.

    Attributes:
      start: The artifact's id.
      artifacts: All artifacts by id, including the start.
      up: Edges to ancestors.
      down: Edges to descendants.
      sources: Artifact -> external file or folder that its node read, if it has no input artifact.
      cut: Whether the limit was reached, so that artifacts are missing.
    """

    start: int
    artifacts: Mapping[int, ArtifactRow]
    up: tuple[Edge, ...]
    down: tuple[Edge, ...]
    sources: Mapping[int, str]
    cut: bool


@dataclass
class _Search:
    store: Store
    edges: list[Edge] = field(default_factory=list)
    producer_ids: dict[int, int] = field(default_factory=dict)
    cut: bool = False


def trace(store: Store, start: pb.Artifact, *, limit: int = MAX_ARTIFACTS) -> Lineage:
    """Follow events from an artifact in both directions, level by level, with a few queries per level.

    Cached executions produced nothing, so they are not part of the lineage.

    Args:
      store: The store.
      start: The artifact.
      limit: Maximum number of artifacts in each direction.
    """
    above, below = _up(store, int(start.id), limit), _down(store, int(start.id), limit)
    producer_ids = above.producer_ids | below.producer_ids
    ids = {int(start.id), *(id_ for edge in above.edges + below.edges for id_ in (edge.made_from, edge.made))}
    artifacts = {row.id: row for row in rows(store, store.artifacts(ids))}
    executions = {
        int(id_.id): id_ for id_ in store.executions_by_id(producer_ids[id_] for id_ in ids & producer_ids.keys())
    }
    sources = {id_: _source(properties(executions[producer_ids[id_]])) for id_ in ids & producer_ids.keys()}
    nodes = {id_: row.producer_node or "" for id_, row in artifacts.items()}
    return Lineage(
        start=int(start.id),
        artifacts=artifacts,
        up=tuple(_with_node(edge, nodes) for edge in above.edges),
        down=tuple(_with_node(edge, nodes) for edge in below.edges),
        sources={id_: source for id_, source in sources.items() if source},
        cut=above.cut or below.cut,
    )


def _up(store: Store, start: int, limit: int) -> _Search:
    search = _Search(store)
    todo, visited = {start}, {start}
    while todo:
        made_by = producers(store, todo)
        search.producer_ids |= made_by
        inputs: dict[int, list[pb.Event]] = {}
        for event in store.events_of_executions(made_by.values()):
            if event.type in INPUT_EVENTS:
                inputs.setdefault(int(event.execution_id), []).append(event)
        parents = set()
        for output in sorted(todo & made_by.keys()):
            for event in inputs.get(made_by[output], []):
                search.edges.append(_edge(int(event.artifact_id), output, event))
                if not is_baseline(event):
                    parents.add(int(event.artifact_id))
        todo = _limited(search, parents - visited, limit - len(visited))
        visited |= todo
    return search


def _down(store: Store, start: int, limit: int) -> _Search:
    search = _Search(store)
    todo, visited = {start}, {start}
    while todo:
        inputs: dict[int, list[pb.Event]] = {}
        for event in store.events_of_artifacts(todo):
            if event.type in INPUT_EVENTS and not is_baseline(event):
                inputs.setdefault(int(event.execution_id), []).append(event)
        outputs = {
            int(event.artifact_id) for event in store.events_of_executions(inputs) if event.type == pb.Event.OUTPUT
        }
        made_by = {output: producer for output, producer in producers(store, outputs).items() if producer in inputs}
        children = _limited(search, made_by.keys() - visited, limit - len(visited))
        for output in sorted(made_by.keys() & (children | visited)):
            search.producer_ids[output] = made_by[output]
            search.edges += [_edge(int(event.artifact_id), output, event) for event in inputs[made_by[output]]]
        todo = children
        visited |= todo
    return search


def _limited(search: _Search, ids: set[int], room: int) -> set[int]:
    """Return the newest ids within the limit, and note whether some were cut."""
    search.cut |= len(ids) > max(room, 0)
    return set(sorted(ids, reverse=True)[: max(room, 0)])


def _edge(made_from: int, output: int, event: pb.Event) -> Edge:
    return Edge(made_from=made_from, made=output, key=key_of(event), node="", baseline=is_baseline(event))


def _with_node(edge: Edge, nodes: Mapping[int, str]) -> Edge:
    return Edge(
        made_from=edge.made_from, made=edge.made, key=edge.key, node=nodes.get(edge.made, ""), baseline=edge.baseline
    )


def _source(facts: Mapping[str, Any]) -> str | None:
    """Return the external path that a node read: a property of TFX's nodes, or one of our nodes' settings."""
    for key in ("input_base", "schema_file", "artifact_uri", "path"):
        if isinstance(facts.get(key), str) and facts[key]:
            return str(facts[key])
    settings = _settings(facts.get("settings"))
    paths = settings.get("paths", settings.get("path"))
    if "columns" not in settings or not isinstance(paths, str | list):
        return None
    return paths if isinstance(paths, str) else ", ".join(map(str, paths))


def _settings(packed: Any) -> Mapping[str, Any]:
    """Read the settings of one of our nodes, inline or in a file; empty if they cannot be read."""
    try:
        value = json.loads(packed)
        if "file" in value:
            with open(value["file"], encoding="utf-8") as file:
                value = {"inline": json.load(file)}
        return value["inline"] if isinstance(value["inline"], dict) else {}
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def about(row: ArtifactRow) -> str:
    """Return the main fact about an artifact in a few words."""
    facts = row.properties
    if row.type == "ModelBlessing" and "blessed" in facts:
        return "blessed" if facts["blessed"] else "not blessed"
    if row.type == "PushedModel" and "pushed" in facts:
        return f"pushed to {facts.get('pushed_destination') or row.uri}" if facts["pushed"] else "nothing pushed"
    if isinstance(facts.get("summary"), str):
        return str(facts["summary"])
    return f"span {facts['span']}" if facts.get("span") else ""


def consumers(store: Store, artifact_id: int) -> list[tuple[pb.Execution, str, str]]:
    """Return executions with this artifact as input, not as baseline, newest first, each with its run and node."""
    events = store.events_of_artifacts([artifact_id])
    ids = {int(event.execution_id) for event in events if event.type in INPUT_EVENTS and not is_baseline(event)}
    labels = Labelled(store)
    executions: Iterable[pb.Execution] = sorted(store.executions_by_id(ids), key=lambda execution: -int(execution.id))
    return [(execution, labels[execution.id].run, labels[execution.id].node) for execution in executions]
