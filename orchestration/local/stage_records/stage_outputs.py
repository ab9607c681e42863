"""Outputs of executions, and checks of their integrity; imports only ml_metadata, not TFX."""

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ml_metadata.proto import metadata_store_pb2

from components.baseline import reference
from components.fingerprints import artifact_digest
from components.summary import text

_MADE = metadata_store_pb2.Event.OUTPUT
_OUTPUT = (_MADE, metadata_store_pb2.Event.INTERNAL_OUTPUT)


def of(store: Any, execution_id: int) -> dict[str, list[Any]]:
    """Return the output artifacts of an execution by key, paired by id: PostgreSQL returns rows in any order."""
    events = [event for event in store.get_events_by_execution_ids([execution_id]) if event.type in _OUTPUT]
    artifacts = (
        {artifact.id: artifact for artifact in store.get_artifacts_by_id([event.artifact_id for event in events])}
        if events
        else {}
    )
    outputs: dict[str, list[Any]] = {}
    for event in sorted(events, key=_index):
        outputs.setdefault(_key(event), []).append(artifacts[event.artifact_id])
    return outputs


def content(artifacts: Iterable[Any], name: str) -> Any:
    """Return the content of a JSON file of the first artifact that has it; None if none has."""
    for artifact in artifacts:
        path = os.path.join(artifact.uri, name)
        if os.path.isfile(path):
            with open(path, encoding="utf-8") as file:
                return json.load(file)
    return None


def swapped(store: Any, execution_ids: Iterable[int]) -> set[int]:
    """Return the executions whose record has an output under another key than the execution that wrote it.

    TFX's cache pairs keys and artifacts by the order of two replies, so on PostgreSQL it wrote such records. The
    artifacts are intact, the record is wrong.

    Args:
        store: ML Metadata.
        execution_ids: The executions.
    """
    ids = sorted(set(execution_ids))
    output_events = [event for event in store.get_events_by_execution_ids(ids) if event.type == _MADE] if ids else []
    producer_events: dict[int, Any] = {}
    for event in (
        store.get_events_by_artifact_ids({event.artifact_id for event in output_events}) if output_events else []
    ):
        earliest = producer_events.get(event.artifact_id)
        if event.type == _MADE and (earliest is None or event.execution_id < earliest.execution_id):
            producer_events[event.artifact_id] = event
    return {
        int(event.execution_id) for event in output_events if _key(event) != _key(producer_events[event.artifact_id])
    }


def _key(event: Any) -> str:
    return next((str(step.key) for step in event.path.steps if step.HasField("key")), "")


def _index(event: Any) -> int:
    return next((int(step.index) for step in event.path.steps if step.HasField("index")), 0)


class Damage(NamedTuple):
    """A damaged output.

    Attributes:
        key: Its key.
        uri: Its URI.
        word: Kind of the damage, such as "missing" or "damaged".
    """

    key: str
    uri: str
    word: str

    def __str__(self) -> str:
        return f"{self.key} ({self.uri}) is {self.word}"


def damage(outputs: Mapping[str, Iterable[Any]]) -> dict[int, Damage]:
    """Return artifact id -> damage of the outputs of an earlier execution; empty if all are intact."""
    damaged = {}
    for key, artifacts in outputs.items():
        for artifact in artifacts:
            word = (
                artifact_digest.damage(artifact.uri, text(artifact, artifact_digest.PROPERTY))
                or reference.not_serving(text(artifact, "pushed_destination"))
                if artifact.state == metadata_store_pb2.Artifact.LIVE
                else "no longer in use"
            )
            if word:
                damaged[int(artifact.id)] = Damage(key, artifact.uri, word)
    return damaged
