"""The one-line result of a stage, kept on its artifact so that a cached stage still has it."""

from collections.abc import Callable
from typing import Any

PROPERTY = "summary"
"""Custom property of the artifact."""


_listeners: list[Callable[[str], None]] = []


def listen(listener: Callable[[str], None]) -> None:
    """Have a function told how far a stage is, for the rest of this process."""
    _listeners[:] = [listener]


def progress(text: str) -> None:
    """Tell how far the stage is that runs now."""
    for listener in _listeners:
        listener(text)


def put(artifact: Any, text: str) -> None:
    """Keep a line that says what the stage made, without its name."""
    artifact.set_string_custom_property(PROPERTY, storable(text))


def storable(text: str) -> str:
    """A text as ML Metadata takes it on any database: it quotes a backslash wrongly for PostgreSQL."""
    return text.replace("\\", "/")
