"""The one-line result of a stage, kept on its artifact so that a cached stage still has it."""

from typing import Any

PROPERTY = "summary"
"""Custom property of the artifact."""


def put(artifact: Any, text: str) -> None:
    """Keep a line that says what the stage made, without its name."""
    artifact.set_string_custom_property(PROPERTY, storable(text))


def storable(text: str) -> str:
    """A text as ML Metadata takes it on any database: it quotes a backslash wrongly for PostgreSQL."""
    return text.replace("\\", "/")
