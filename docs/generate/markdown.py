"""Markdown tables."""

import re
from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; the cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def prose(text: str) -> str:
    """Return a docstring as one line of Markdown: asterisks and double underscores outside of code are escaped."""
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()))
    return "".join(part if part.startswith("`") else re.sub(r"(\*|__)", _escaped, part) for part in parts)


def _escaped(match: "re.Match[str]") -> str:
    return "".join(f"\\{character}" for character in match[0])


def code(text: str) -> str:
    """Return text as inline code."""
    return f"`{text}`"
