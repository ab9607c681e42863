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


def quotable(text: str) -> str:
    """A text that is storable also within a JSON text, which escapes quotes, tabs and letters beyond ASCII."""
    plain = " ".join(storable(text).replace('"', "'").split())
    return "".join(letter if " " <= letter <= "~" else "?" for letter in plain)


def text(node: Any, key: str) -> str:
    """A custom property of an artifact or execution; empty where it has none.

    To ask protobuf's map itself would put an empty value there, at whose writing ML Metadata ends the process.
    """
    return str(node.custom_properties[key].string_value) if key in node.custom_properties else ""
