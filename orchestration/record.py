"""What the supervisor writes about a run: run.json, events.jsonl, and the run's true end in ML Metadata."""

import importlib.metadata
import json
import os
import platform
import sys
import time
from typing import Any

from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2

from components.summary import storable
from inspection.store import RUN_CONTEXT, redact
from orchestration import events

PACKAGES = ("tfx", "tensorflow", "keras", "apache-beam", "tensorflow-transform", "tensorflow-data-validation")


def versions() -> dict[str, str]:
    """Versions that a result depends on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        found[package] = importlib.metadata.version(package)
    return found


class Record:
    """One run's folder.

    Args:
        folder: Absolute path; made here.
        facts: First content of run.json.
    """

    def __init__(self, folder: str, facts: dict[str, Any]) -> None:
        os.makedirs(os.path.join(folder, "logs"))
        self.folder = folder
        self.facts = {
            **facts,
            "command": [
                os.path.basename(sys.argv[0]),
                *(redact(each) if "://" in each else each for each in sys.argv[1:]),
            ],
            "pid": os.getpid(),
            "started": _now(),
            "versions": versions(),
        }
        self._events = open(os.path.join(folder, "events.jsonl"), "a", encoding="utf-8")  # noqa: SIM115  until close
        self._write()

    def event(self, fields: dict[str, Any]) -> None:
        """Append one event with its time."""
        self._events.write(events.to_line(**{**fields, "time": _now()}))
        self._events.flush()

    def update(self, **facts: Any) -> None:
        """Add facts to run.json."""
        self.facts.update(facts)
        self._write()

    def close(self, state: str, reason: str) -> None:
        """Write how the run ended."""
        self.update(state=state, reason=reason, ended=_now())
        self._events.close()

    def _write(self) -> None:
        path = os.path.join(self.folder, "run.json")
        with open(f"{path}.partial", "w", encoding="utf-8") as file:
            json.dump(self.facts, file, indent=1)
        os.replace(f"{path}.partial", path)


def close_in_store(store: MetadataStore, run_id: str, state: str, reason: str) -> None:
    """Write a run's end to its context, and mark executions that its dead worker left as RUNNING.

    Args:
        store: ML Metadata.
        run_id: Name of the `pipeline_run` context; nothing happens where the worker never made it.
        state: COMPLETE, FAILED, NOT_BLESSED, BLOCKED or CANCELED.
        reason: Why, in a line.
    """
    context = store.get_context_by_type_and_name(RUN_CONTEXT, run_id)
    if context is None:
        return
    context.custom_properties["state"].string_value = state
    context.custom_properties["reason"].string_value = storable(reason)[:1000]
    store.put_contexts([context])
    ended = metadata_store_pb2.Execution.CANCELED if state == "CANCELED" else metadata_store_pb2.Execution.FAILED
    dead = [
        execution
        for execution in store.get_executions_by_context(context.id)
        if execution.last_known_state == metadata_store_pb2.Execution.RUNNING
    ]
    for execution in dead:
        execution.last_known_state = ended
        execution.custom_properties["__error__"].string_value = storable(reason)[:1000]
    if dead:
        store.put_executions(dead)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")
