"""Whether a stage would run again: its parameters now, compared with those of the execution that made its outputs."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ml_metadata.proto import metadata_store_pb2

from inspection.store.metadata_store import properties

_EVENTS = metadata_store_pb2.Event
_STATES = metadata_store_pb2.Execution


def is_changed(store: Any, node: Any, outputs: Mapping[str, Iterable[Any]]) -> bool:
    """Return whether the code, settings or data that a stage is given differ from those that made its outputs.

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
    """Return the execution that made artifacts, or None: executions served from the cache output the same ones."""
    events = store.get_events_by_artifact_ids(artifact_ids) if artifact_ids else []
    ids = {int(event.execution_id) for event in events if event.type == _EVENTS.OUTPUT}
    made = [one for one in store.get_executions_by_id(sorted(ids)) if one.last_known_state == _STATES.COMPLETE]
    return min(made, key=lambda one: int(one.id), default=None)


def _plain(value: Any) -> Any:
    """Return a parameter without the places of its files, whose digests it has too."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            return value
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items() if not (key == "file" and "sha256" in value)}
    return value
