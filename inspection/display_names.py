"""Names of pipeline, run and node by execution; producers of artifacts; states and times of executions."""

import difflib
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import NamedTuple

from ml_metadata.proto import metadata_store_pb2 as pb

from inspection.plain_records import MISSING, ArtifactRow
from inspection.store import missing_artifacts
from inspection.store.metadata_store import NODE_CONTEXT, PIPELINE_CONTEXT, RUN_CONTEXT, Store, properties


def producers(store: Store, artifact_ids: Iterable[int]) -> dict[int, int]:
    """Map artifacts to the executions that produced them.

    A cached node writes an OUTPUT event for the artifact that it reuses, and a resolver an INTERNAL_OUTPUT event, so
    the producer is the execution of the earliest OUTPUT event.
    """
    return {artifact_id: int(event.execution_id) for artifact_id, event in producing(store, artifact_ids).items()}


def producing(store: Store, artifact_ids: Iterable[int]) -> dict[int, pb.Event]:
    """Map artifacts to their first OUTPUT events: see `producers`."""
    first_events: dict[int, pb.Event] = {}
    for event in store.events_of_artifacts(artifact_ids):
        if event.type == pb.Event.OUTPUT:
            earliest = first_events.get(event.artifact_id)
            if earliest is None or _at(event) < _at(earliest):
                first_events[int(event.artifact_id)] = event
    return first_events


def _at(event: pb.Event) -> tuple[int, int]:
    return int(event.milliseconds_since_epoch), int(event.execution_id)


class Labels(NamedTuple):
    """Names of an execution; empty if unknown."""

    pipeline: str
    run: str
    node: str


class Labelled(dict[int, Labels]):
    """Pipeline, run and node by execution id; the first access to an id costs one query."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store

    def __missing__(self, execution_id: int) -> Labels:
        names = {context.type: context.name for context in self._store.contexts_of_execution(execution_id)}
        pipeline = names.get(PIPELINE_CONTEXT, "")
        # Both parts of a node context's name may contain dots: remove the pipeline instead of splitting.
        node = names.get(NODE_CONTEXT, "").removeprefix(f"{pipeline}.")
        self[execution_id] = Labels(pipeline, names.get(RUN_CONTEXT, ""), node or f"execution {execution_id}")
        return self[execution_id]


def key_of(event: pb.Event) -> str:
    """Return the key of an event's artifact; both keys of one that an execution used twice, which is one event."""
    return " and ".join(dict.fromkeys(sorted(step.key for step in event.path.steps if step.key)))


def artifact_row(artifact: pb.Artifact, event: pb.Event, producer: Labels | None) -> ArtifactRow:
    """Return an artifact with its producer and the channel of one of its events."""
    name = key_of(event)
    index = max((step.index for step in event.path.steps), default=0)
    return ArtifactRow(
        id=int(artifact.id),
        type=artifact.type,
        key=f"{name}[{index}]" if index else name,
        name=artifact.name,
        uri=artifact.uri,
        state=MISSING if missing_artifacts.is_missing(artifact) else pb.Artifact.State.Name(artifact.state),
        producer_run=producer.run or None if producer else None,
        producer_node=producer.node if producer else None,
        properties=properties(artifact),
    )


def state_of(execution: pb.Execution) -> str:
    """Return MLMD's name of the state."""
    return str(pb.Execution.State.Name(execution.last_known_state))


def seconds_of(execution: pb.Execution) -> float | None:
    """Return seconds from the start to the last update; None while the execution runs."""
    seconds = (int(execution.last_update_time_since_epoch) - int(execution.create_time_since_epoch)) / 1000
    return (
        None if state_of(execution) in ("NEW", "RUNNING") else max(0.0, seconds)
    )  # negative if the clock was set back


def when(milliseconds: int) -> datetime | None:
    """Convert milliseconds since the epoch to a time in UTC; None if 0 or out of range."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, timezone.utc) if milliseconds else None
    except (OverflowError, ValueError, OSError):
        return None


def nearest(name: str, names: Iterable[str], *, none: str = "There are none") -> str:
    """Return a suggestion for a mistyped name, or `none` if there are no names."""
    matches = difflib.get_close_matches(name, list(names), n=1, cutoff=0.0)
    return f"Did you mean {matches[0]!r}?" if matches else none
