"""What the worker tells the supervisor, and what a run's folder keeps of it: one JSON object a line."""

import json
import os
from typing import Any, Protocol

from inspection.store.json_lines import json_lines
from spec.file_names import EVENTS


class Sink(Protocol):
    """Anything that takes an event."""

    def __call__(self, event: str, **fields: Any) -> None:
        """Take one event."""


def to_line(event: str, **fields: Any) -> str:
    """One event as a line."""
    return json.dumps({"event": event, **fields}) + "\n"


def from_line(line: str) -> dict[str, Any]:
    """One line as an event."""
    fields: dict[str, Any] = json.loads(line)
    return fields


def of_run(folder: str) -> list[dict[str, Any]]:
    """The events of a run, in order; none where its folder keeps none."""
    return json_lines(os.path.join(folder, EVENTS))
