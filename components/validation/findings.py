"""What a gate found: in a line, and as JSON for reports."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

FILE = "gates.json"
"""Beside the splits' folders in the anomalies artifact: a list of `Finding.plain()`."""
SHOWN = 5
"""Offending rows that a line names; the file holds more."""

Predicate = Callable[[pa.RecordBatch], Any]
"""From n rows to a boolean Arrow array of n: which are at fault."""


@dataclass
class Finding:
    """One limit that was passed.

    Attributes:
        gate: `schema`, or a key of [gates].
        column: The column; None where it is about whole rows.
        limit: What was allowed.
        measured: What there is.
        action: warn or block.
        text: Both in words, without the column's name.
        edit: What would accept it; empty where nothing does.
        splits: Where.
        at_fault: Finds its rows; None where no row is to blame.
        rows: Some of them: `file` and `line`.
    """

    gate: str
    column: str | None
    limit: Any
    measured: Any
    action: str
    text: str
    edit: str = ""
    splits: list[str] = field(default_factory=list)
    at_fault: Predicate | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)

    def line(self) -> str:
        """All of it in one line."""
        gate = "" if self.gate == "schema" else f"{self.gate}: "
        head = gate + (self.text if self.column is None else f"column {self.column!r}: {self.text}")
        shown = f"; rows: {places(self.rows)}" if self.rows else ""
        accepts = f"; to accept it: {self.edit}" if self.edit else ""
        where = f" (in {', '.join(self.splits)})" if self.splits else ""
        return head + shown + accepts + where

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        keys = ("gate", "column", "limit", "measured", "action", "text", "edit", "splits", "rows")
        return {**{key: getattr(self, key) for key in keys}, "line": self.line()}


def places(rows: Iterable[dict[str, Any]]) -> str:
    """The first rows, by file: `a.csv line 3, 5; b.csv line 2`."""
    by_file: dict[str, list[str]] = {}
    every = list(rows)
    for row in every[:SHOWN]:
        by_file.setdefault(row["file"], []).append(str(row["line"]))
    more = f" and {len(every) - SHOWN} more" if len(every) > SHOWN else ""
    return "; ".join(f"{file} line {', '.join(lines)}" for file, lines in by_file.items()) + more


def dump(findings: Iterable[Finding]) -> str:
    """The file's text."""
    return json.dumps([finding.plain() for finding in findings], indent=1, ensure_ascii=False)


def share(part: float, whole: float) -> str:
    """A share in per cent, exactly where it ends after few digits."""
    return f"{100 * part / whole:.4g} %" if whole else "0 %"


def toml_key(column: str) -> str:
    """A column's name as a key of TOML: in quotes where it is no bare word."""
    return column if re.fullmatch(r"[A-Za-z0-9_-]+", column) else json.dumps(column, ensure_ascii=False)


def up(limit: float) -> float:
    """The limit that accepts a value, with few digits."""
    return float(np.ceil(limit * 1000) / 1000)


def down(limit: float) -> float:
    """The same for a lower limit."""
    return float(np.floor(limit * 1000) / 1000)
