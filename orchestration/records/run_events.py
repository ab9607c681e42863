"""Events that the worker sends to the supervisor, stored in the folder of the run as one JSON object per line."""

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
    """Return the result of a stage in an earlier run, as a list of one line; empty if it did not finish there."""
    results = [
        fields
        for fields in of_run(folder)
        if fields["event"] == "node" and fields["node"] == stage and fields.get("summary")
    ]
    return [f"before: {results[-1]['summary']} (run {os.path.basename(folder)})"] if results else []
