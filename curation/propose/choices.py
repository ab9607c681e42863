"""Parts of a proposal: keys and values, each with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One entry of a role, or one ignored column.

    Attributes:
        role: Key under [features]; `ignored` for none.
        values: Keys of the entry.
        reason: Shown next to it.
    """

    role: str
    values: Mapping[str, Any]
    reason: str

    @property
    def column(self) -> str:
        """The column of the entry; the first column of a cross."""
        return str(self.values["column"] if "column" in self.values else self.values["columns"][0])


@dataclass(frozen=True)
class Line:
    """One key of a section.

    Attributes:
        key: The key.
        value: Its value.
        reason: Shown next to it.
        active: False for a suggestion: the line is a comment.
    """

    key: str
    value: Any
    reason: str = ""
    active: bool = True
