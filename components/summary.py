"""One-line summary of a stage, stored on its artifact so that a cached stage has it too."""

from typing import Any

PROPERTY = "summary"
"""Custom property of the artifact."""


def put(artifact: Any, text: str) -> None:
    """Set the summary of a stage, without the stage's name."""
    artifact.set_string_custom_property(PROPERTY, storable(text))


def storable(text: str) -> str:
    """Replace backslashes, which ML Metadata does not escape correctly for PostgreSQL."""
    return text.replace("\\", "/")


def quotable(text: str) -> str:
    """Make a string storable inside JSON, which escapes quotes, control and non-ASCII characters with backslashes."""
    plain = " ".join(storable(text).replace('"', "'").split())
    return "".join(character if " " <= character <= "~" else "?" for character in plain)


def text(node: Any, key: str) -> str:
    """Read a string property of an artifact or execution; empty if it is not set.

    Direct access to protobuf's map would insert an empty value, which makes ML Metadata abort the process on write.
    """
    return str(node.custom_properties[key].string_value) if key in node.custom_properties else ""
