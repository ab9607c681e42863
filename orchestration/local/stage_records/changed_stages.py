"""Detection of changed stages: current parameters, compared with those of the execution that made the outputs."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ml_metadata.proto import metadata_store_pb2

from inspection.store.metadata_store import properties

_EVENTS = metadata_store_pb2.Event
_STATES = metadata_store_pb2.Execution


def is_changed(store: Any, node: Any, outputs: Mapping[str, Iterable[Any]]) -> bool:
    """Return whether code, settings or data of a stage differ from those with which its outputs were made.

    Args:
        store: ML Metadata.
        node: The stage in the compiled pipeline.
        outputs: Its outputs in an earlier run, by key.
    """
    producer = _producer(store, [int(artifact.id) for group in outputs.values() for artifact in group])
    if producer is None:
        return False
    recorded = properties(producer)
    return any(
        _plain(getattr(parameter.field_value, parameter.field_value.WhichOneof("value"))) != _plain(recorded.get(name))
        for name, parameter in node.parameters.parameters.items()
        if parameter.HasField("field_value")
    )


def _producer(store: Any, artifact_ids: list[int]) -> Any:
    """Return the execution that made artifacts, not one that was served from the cache; None if there is none."""
    events = store.get_events_by_artifact_ids(artifact_ids) if artifact_ids else []
    ids = {int(event.execution_id) for event in events if event.type == _EVENTS.OUTPUT}
    producers = [
        execution
        for execution in store.get_executions_by_id(sorted(ids))
        if execution.last_known_state == _STATES.COMPLETE
    ]
    return min(producers, key=lambda execution: int(execution.id), default=None)


def _plain(value: Any) -> Any:
    """Return a parameter without the paths of its files; it also contains their digests."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            return value
    if isinstance(value, dict):
        return {key: _plain(nested) for key, nested in value.items() if not (key == "file" and "sha256" in value)}
    return value
