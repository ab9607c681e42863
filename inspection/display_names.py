"""Who made what: names of pipeline, run and node by execution, and the words for states and times."""

import difflib
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import NamedTuple

from ml_metadata.proto import metadata_store_pb2 as pb

from inspection.plain_records import ArtifactRow
from inspection.store.metadata_store import NODE_CONTEXT, PIPELINE_CONTEXT, RUN_CONTEXT, Store, properties


def producers(store: Store, artifact_ids: Iterable[int]) -> dict[int, int]:
    """Maps artifacts to the executions that made them.

    A node served from the cache writes an OUTPUT event on the artifact it reuses, and a resolver an INTERNAL_OUTPUT
    one, so the producer is the earliest OUTPUT.
    """
    return {artifact_id: int(event.execution_id) for artifact_id, event in producing(store, artifact_ids).items()}


def producing(store: Store, artifact_ids: Iterable[int]) -> dict[int, pb.Event]:
    """Maps artifacts to the events by which they were made: see `producers`."""
    first: dict[int, pb.Event] = {}
    for event in store.events_of_artifacts(artifact_ids):
        if event.type == pb.Event.OUTPUT:
            known = first.get(event.artifact_id)
            if known is None or _at(event) < _at(known):
                first[int(event.artifact_id)] = event
    return first


def _at(event: pb.Event) -> tuple[int, int]:
    return int(event.milliseconds_since_epoch), int(event.execution_id)


class Labels(NamedTuple):
    """Names of an execution; empty where the store does not say."""

    pipeline: str
    run: str
    node: str


class Labelled(dict[int, Labels]):
    """Pipeline, run and node by execution id; each costs one query, the first time it is asked for."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store

    def __missing__(self, execution_id: int) -> Labels:
        names = {context.type: context.name for context in self._store.contexts_of_execution(execution_id)}
        pipeline = names.get(PIPELINE_CONTEXT, "")
        # Both halves of a node context's name may hold dots: strip the pipeline, never split.
        node = names.get(NODE_CONTEXT, "").removeprefix(f"{pipeline}.")
        self[execution_id] = Labels(pipeline, names.get(RUN_CONTEXT, ""), node or f"execution {execution_id}")
        return self[execution_id]


def artifact_row(artifact: pb.Artifact, event: pb.Event, producer: Labels | None) -> ArtifactRow:
    """Tells an artifact and the channel that one event names."""
    name = "".join(step.key for step in event.path.steps)
    index = max((step.index for step in event.path.steps), default=0)
    return ArtifactRow(
        id=int(artifact.id),
        type=artifact.type,
        key=f"{name}[{index}]" if index else name,
        name=artifact.name,
        uri=artifact.uri,
        state=pb.Artifact.State.Name(artifact.state),
        producer_run=producer.run or None if producer else None,
        producer_node=producer.node if producer else None,
        properties=properties(artifact),
    )


def state_of(execution: pb.Execution) -> str:
    """Returns MLMD's word for the state."""
    return str(pb.Execution.State.Name(execution.last_known_state))


def seconds_of(execution: pb.Execution) -> float | None:
    """Returns the time from the start to the last update; None while it runs."""
    took = (int(execution.last_update_time_since_epoch) - int(execution.create_time_since_epoch)) / 1000
    return None if state_of(execution) in ("NEW", "RUNNING") else max(0.0, took)  # a clock may be set back


def when(milliseconds: int) -> datetime | None:
    """Returns a time since the epoch as local time; None where there is none or it is out of range."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, timezone.utc).astimezone() if milliseconds else None
    except (OverflowError, ValueError, OSError):
        return None


def nearest(word: str, names: Iterable[str], *, none: str = "It holds none") -> str:
    """Says which of the names a mistyped word was meant to be, or `none` where there are no names."""
    found = difflib.get_close_matches(word, list(names), n=1, cutoff=0.0)
    return f"Did you mean {found[0]!r}?" if found else none
