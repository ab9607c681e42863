"""Direct inputs of artifacts in ML Metadata, and the place of an artifact without it."""

from typing import Any

from ml_metadata.proto import metadata_store_pb2

_EVENTS = metadata_store_pb2.Event
_PARTS = 4
"""Last parts of a URI that name an artifact: on the platforms they contain the ids of the run and of the task."""


def place(artifact: Any) -> str:
    """Return the end of an artifact's URI, which is equal in a bucket and in the folders that take its place."""
    return "/".join(artifact.uri.rstrip("/").split("/")[-_PARTS:])


def input_id(store: Any, artifact_id: int, key: str) -> int | None:
    """Find the input, under a key, of the execution that produced an artifact; None if unknown.

    Returns:
        Artifact id.
    """
    outputs = [event for event in store.get_events_by_artifact_ids([artifact_id]) if event.type == _EVENTS.OUTPUT]
    if not outputs:
        return None
    producer = min(event.execution_id for event in outputs)
    for event in store.get_events_by_execution_ids([producer]):
        if event.type == _EVENTS.INPUT and any(step.key == key for step in event.path.steps):
            return int(event.artifact_id)
    return None
