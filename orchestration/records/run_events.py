"""Events that the worker sends to the supervisor, kept in the run's folder as one JSON object per line."""

import json
import os
from typing import Any, Protocol

from inspection.store.json_lines import json_lines
from spec.file_names import EVENTS


class Sink(Protocol):
    """Function that receives an event."""

    def __call__(self, event: str, **fields: Any) -> None:
        """Receive one event."""


def to_line(event: str, **fields: Any) -> str:
    """Encode one event as a line."""
    return json.dumps({"event": event, **fields}) + "\n"


def from_line(line: str) -> dict[str, Any]:
    """Decode one line."""
    fields: dict[str, Any] = json.loads(line)
    return fields


def of_run(folder: str) -> list[dict[str, Any]]:
    """Return the events of a run, in order; empty if its folder has none."""
    return json_lines(os.path.join(folder, EVENTS))


def before(stage: str | None, folder: str) -> list[str]:
    """Return the line on a stage's result in an earlier run; none if it did not finish there."""
    found = [one for one in of_run(folder) if one["event"] == "node" and one["node"] == stage and one.get("summary")]
    return [f"before: {found[-1]['summary']} (run {os.path.basename(folder)})"] if found else []
