"""The one-line result of a stage, kept on its artifact so that a cached stage still has it."""

from typing import Any

PROPERTY = "summary"
"""Custom property of the artifact."""


def put(artifact: Any, text: str) -> None:
    """Keep a line that says what the stage made, without its name."""
    artifact.set_string_custom_property(PROPERTY, text)
