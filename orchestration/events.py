"""What the worker tells the supervisor: one JSON object a line."""

import json
from typing import Any, Protocol


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
