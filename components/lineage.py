"""What an artifact was made from, in one step: for nodes that look things up in ML Metadata."""

from typing import Any

from ml_metadata.proto import metadata_store_pb2

_EVENTS = metadata_store_pb2.Event


def taken(store: Any, artifact_id: int, key: str) -> int | None:
    """Id of what the execution that made an artifact took under a key; None where it is not known."""
    made = [event for event in store.get_events_by_artifact_ids([artifact_id]) if event.type == _EVENTS.OUTPUT]
    if not made:
        return None
    maker = min(event.execution_id for event in made)
    for event in store.get_events_by_execution_ids([maker]):
        if event.type == _EVENTS.INPUT and any(step.key == key for step in event.path.steps):
            return int(event.artifact_id)
    return None
