"""Text of a proposed config: TOML with the reason next to each choice."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from curation.propose.choices import Entry, Line
from models import roles
from printing import in_a_line, visible

_BARE = re.compile(r"[A-Za-z0-9_-]+")
SHORT = 118
"""Maximum length of a line with its reason; for a longer one the reason goes above the line."""


def config(head: Sequence[str], sections: Mapping[str, Sequence[Line]], entries: Sequence[Entry]) -> str:
    """Write a config.

    Args:
        head: Lines of the comment at its top.
        sections: Section -> its lines, in order; [features] comes after [columns].
        entries: The columns' roles.

    Returns:
        The text of a TOML file.
    """
    blocks = ["\n".join(f"# {visible(line)}".rstrip() for line in head)]
    for name, lines in sections.items():
        if lines:
            blocks.append("\n".join([f"[{name}]", *(_line(line) for line in lines)]))
        if name == "columns":
            blocks.append(features(entries))
    return "\n\n".join(blocks) + "\n"


def features(entries: Sequence[Entry]) -> str:
    """Write the section [features]."""
    lines = ["[features]"]
    for role in roles.shipped():
        role_entries = [entry for entry in entries if entry.role == role]
        if role_entries:
            lines += [f"{role} = [", *_entry_lines((toml(entry.values), entry.reason) for entry in role_entries), "]"]
    ignored = [entry for entry in entries if entry.role == "ignored"]
    if ignored:
        lines += ["ignored = [", *_entry_lines((toml(entry.column), entry.reason) for entry in ignored), "]"]
    return "\n".join(lines)


def _entry_lines(items: Iterable[tuple[str, str]]) -> list[str]:
    return [_with_reason(f"  {text},", reason, "  ") for text, reason in items]


def _line(line: Line) -> str:
    text = f"{line.key} = {toml(line.value)}"
    return _with_reason(text if line.active else f"# {text}", line.reason, "")


def _with_reason(text: str, reason: str, indent: str) -> str:
    """Put the reason after the text, or above it if the line would be too long."""
    reason = in_a_line(reason)
    if not reason:
        return text
    line_with_reason = f"{text}  # {reason}"
    return line_with_reason if len(line_with_reason) <= SHORT else f"{indent}# {reason}\n{text}"


def _escaped(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 1 << 16 else f"\\U{ord(char):08x}"


def toml(value: Any) -> str:
    """Format a value as TOML on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # JSON escapes the characters that TOML requires except DEL; other non-printable characters are escaped too.
        return "".join(char if char.isprintable() else _escaped(char) for char in json.dumps(value, ensure_ascii=False))
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else repr(value)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else toml(key)
