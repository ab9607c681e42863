"""What the worker tells the supervisor, and what a run's folder keeps of it: one JSON object a line."""

import contextlib
import json
import os
from collections.abc import Iterator
from typing import Any, Protocol

FILE = "events.jsonl"
"""In a run's folder."""


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


def of_run(folder: str) -> Iterator[dict[str, Any]]:
    """The events of a run, in order; none where its folder keeps none."""
    path = os.path.join(folder, FILE)
    if not os.path.exists(path):
        return
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            # A killed process may leave a line half written.
            with contextlib.suppress(ValueError):
                yield from_line(line)
