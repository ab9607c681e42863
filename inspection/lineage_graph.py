"""What an artifact was made from, up to the data, and what was made from it, down to what was pushed."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb

from inspection.display_names import Labelled, producers
from inspection.plain_records import ArtifactRow
from inspection.store.artifact_lookup import is_baseline, rows
from inspection.store.metadata_store import INPUT_EVENTS, Store, properties

MOST = 500
"""Artifacts in each direction: data that a thousand runs took has ten thousand descendants."""


@dataclass(frozen=True, kw_only=True)
class Edge:
    """One artifact was made from another.

    Attributes:
      made_from: Id of the one.
      made: Id of the other.
      key: The channel through which it was taken.
      node: The node that did it.
      baseline: It was only compared with; its own lineage is another model's and not followed.
    """

    made_from: int
    made: int
    key: str
    node: str
    baseline: bool


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """The neighbourhood of one artifact.

    Attributes:
      start: The artifact's id.
      artifacts: All artifacts by id, the start included.
      up: What led to the start.
      down: What the start led to.
      sources: Artifact -> the file or folder from outside that its node read, where it took no artifact.
      cut: Whether there are more artifacts than are told.
    """

    start: int
    artifacts: Mapping[int, ArtifactRow]
    up: tuple[Edge, ...]
    down: tuple[Edge, ...]
    sources: Mapping[int, str]
    cut: bool


@dataclass
class _Found:
    store: Store
    edges: list[Edge] = field(default_factory=list)
    makers: dict[int, int] = field(default_factory=dict)
    cut: bool = False


def trace(store: Store, start: pb.Artifact, *, most: int = MOST) -> Lineage:
    """Follows events from an artifact both ways, level by level; a few queries a level.

    A node that was served from the cache made nothing, so it is not on the way.
    """
    above, below = _up(store, int(start.id), most), _down(store, int(start.id), most)
    makers = above.makers | below.makers
    ids = {int(start.id), *(each for edge in above.edges + below.edges for each in (edge.made_from, edge.made))}
    artifacts = {row.id: row for row in rows(store, store.artifacts(ids))}
    executions = {int(each.id): each for each in store.executions_by_id(makers[id_] for id_ in ids & makers.keys())}
    sources = {id_: _source(properties(executions[makers[id_]])) for id_ in ids & makers.keys()}
    named = {id_: row.producer_node or "" for id_, row in artifacts.items()}
    return Lineage(
        start=int(start.id),
        artifacts=artifacts,
        up=tuple(_named(edge, named) for edge in above.edges),
        down=tuple(_named(edge, named) for edge in below.edges),
        sources={id_: source for id_, source in sources.items() if source},
        cut=above.cut or below.cut,
    )


def _up(store: Store, start: int, most: int) -> _Found:
    found = _Found(store)
    todo, seen = {start}, {start}
    while todo:
        made_by = producers(store, todo)
        found.makers |= made_by
        taken: dict[int, list[pb.Event]] = {}
        for event in store.events_of_executions(made_by.values()):
            if event.type in INPUT_EVENTS:
                taken.setdefault(int(event.execution_id), []).append(event)
        parents = set()
        for made in sorted(todo & made_by.keys()):
            for event in taken.get(made_by[made], []):
                found.edges.append(_edge(int(event.artifact_id), made, event))
                if not is_baseline(event):
                    parents.add(int(event.artifact_id))
        todo = _some(found, parents - seen, most - len(seen))
        seen |= todo
    return found


def _down(store: Store, start: int, most: int) -> _Found:
    found = _Found(store)
    todo, seen = {start}, {start}
    while todo:
        taken: dict[int, list[pb.Event]] = {}
        for event in store.events_of_artifacts(todo):
            if event.type in INPUT_EVENTS and not is_baseline(event):
                taken.setdefault(int(event.execution_id), []).append(event)
        outputs = {int(e.artifact_id) for e in store.events_of_executions(taken) if e.type == pb.Event.OUTPUT}
        made_by = {made: maker for made, maker in producers(store, outputs).items() if maker in taken}
        children = _some(found, made_by.keys() - seen, most - len(seen))
        for made in sorted(made_by.keys() & (children | seen)):
            found.makers[made] = made_by[made]
            found.edges += [_edge(int(event.artifact_id), made, event) for event in taken[made_by[made]]]
        todo = children
        seen |= todo
    return found


def _some(found: _Found, ids: set[int], room: int) -> set[int]:
    """Returns as many as there is room for, the newest first."""
    found.cut |= len(ids) > max(room, 0)
    return set(sorted(ids, reverse=True)[: max(room, 0)])


def _edge(made_from: int, made: int, event: pb.Event) -> Edge:
    key = "".join(step.key for step in event.path.steps)
    return Edge(made_from=made_from, made=made, key=key, node="", baseline=is_baseline(event))


def _named(edge: Edge, nodes: Mapping[int, str]) -> Edge:
    return Edge(
        made_from=edge.made_from, made=edge.made, key=edge.key, node=nodes.get(edge.made, ""), baseline=edge.baseline
    )


def _source(facts: Mapping[str, Any]) -> str | None:
    """Returns what a node read from outside: TFX's own nodes name it by several words, ours among their settings."""
    for key in ("input_base", "schema_file", "artifact_uri", "path"):
        if isinstance(facts.get(key), str) and facts[key]:
            return str(facts[key])
    settings = _settings(facts.get("settings"))
    paths = settings.get("paths", settings.get("path"))
    if "columns" not in settings or not isinstance(paths, str | list):
        return None
    return paths if isinstance(paths, str) else ", ".join(map(str, paths))


def _settings(packed: Any) -> Mapping[str, Any]:
    """Reads settings that a node of ours carries, in line or in a file; nothing where they are gone."""
    try:
        told = json.loads(packed)
        if "file" in told:
            with open(told["file"], encoding="utf-8") as file:
                told = {"inline": json.load(file)}
        return told["inline"] if isinstance(told["inline"], dict) else {}
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def about(row: ArtifactRow) -> str:
    """Says in a few words what an artifact is worth."""
    facts = row.properties
    if row.type == "ModelBlessing" and "blessed" in facts:
        return "blessed" if facts["blessed"] else "not blessed"
    if row.type == "PushedModel" and "pushed" in facts:
        return f"pushed to {facts.get('pushed_destination') or row.uri}" if facts["pushed"] else "nothing pushed"
    if isinstance(facts.get("summary"), str):
        return str(facts["summary"])
    return f"span {facts['span']}" if facts.get("span") else ""


def consumers(store: Store, artifact_id: int) -> list[tuple[pb.Execution, str, str]]:
    """Returns the executions that took an artifact, with run and node, the newest first; not as their baseline."""
    events = store.events_of_artifacts([artifact_id])
    taken = {int(event.execution_id) for event in events if event.type in INPUT_EVENTS and not is_baseline(event)}
    labels = Labelled(store)
    found: Iterable[pb.Execution] = sorted(store.executions_by_id(taken), key=lambda each: -int(each.id))
    return [(execution, labels[execution.id].run, labels[execution.id].node) for execution in found]
