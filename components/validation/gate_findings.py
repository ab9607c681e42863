"""What a gate found: in a line, and as JSON for reports."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

FILE = "gates.json"
"""Beside the splits' folders in the anomalies artifact: a list of `Finding.plain()`."""
MOST = 20
"""Offending rows that a finding names."""

MOST_ACCEPTED = 0.9
"""Largest share that an edit accepts: a gate that lets more through looks at nothing."""
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
        rows: Some of them: `file` and `line`, which is None where the whole file is the row.
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
        shown = (
            f"; {'rows' if len(self.rows) < MOST else f'the first {MOST} rows'}: {places(self.rows)}"
            if self.rows
            else ""
        )
        accepts = f"; to accept it: {self.edit}" if self.edit else ""
        where = f" (in {', '.join(self.splits)})" if self.splits else ""
        return head + shown + accepts + where

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        keys = ("gate", "column", "limit", "measured", "action", "text", "edit", "splits", "rows")
        return {**{key: getattr(self, key) for key in keys}, "line": self.line()}


def places(rows: Iterable[dict[str, Any]]) -> str:
    """The rows, by file: `a.csv line 3, 5; b.csv line 2`."""
    by_file: dict[str, list[str]] = {}
    for row in rows:
        by_file.setdefault(row["file"], []).extend([] if row["line"] is None else [str(row["line"])])
    return "; ".join(file + (f" line {', '.join(lines)}" if lines else "") for file, lines in by_file.items())


def worst(found: Iterable[Finding]) -> list[Finding]:
    """One finding where several splits pass the same limit: that of the split which is furthest beyond it.

    Its text says whose figures these are, and its edit accepts the others too.
    """
    alike: dict[Any, list[Finding]] = {}
    for one in found:
        alike.setdefault((one.column, one.action, re.sub(r"[\d.,]+", "", one.text)), []).append(one)
    merged = []
    for several in alike.values():
        most = max(several, key=lambda one: abs(one.measured - one.limit)) if len(several) > 1 else several[0]
        figures = f" (figures of {', '.join(most.splits)})" if len({one.text for one in several}) > 1 else ""
        splits = [split for one in several for split in one.splits]
        merged.append(replace(most, text=most.text + figures, splits=splits))
    return merged


def dump(findings: Iterable[Finding]) -> str:
    """The file's text."""
    return json.dumps([finding.plain() for finding in findings], indent=1, ensure_ascii=False)


def share(part: float, whole: float) -> str:
    """A share in per cent, exactly where it ends after few digits."""
    return f"{100 * part / whole:.4g} %" if whole else "0 %"


def text(value: Any) -> Any:
    """A cell as a text, where its bytes are one."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def toml_key(column: str) -> str:
    """A column's name as a key of TOML: in quotes where it is no bare word."""
    return column if re.fullmatch(r"[A-Za-z0-9_-]+", column) else json.dumps(column, ensure_ascii=False)


def loosened(key: str, value: float, instead: str) -> str:
    """The edit that lets a share through, unless that would let nearly everything through.

    Args:
        key: Of the config.
        value: The share.
        instead: What to do where it is more than MOST_ACCEPTED.
    """
    return f"{key} = {up(value):g} in the config" if value <= MOST_ACCEPTED else instead


def up(limit: float) -> float:
    """The limit that accepts a value, with few digits."""
    return float(np.ceil(limit * 1000) / 1000)


def down(limit: float) -> float:
    """The same for a lower limit."""
    return float(np.floor(limit * 1000) / 1000)
