"""Findings of gates: limit, measured value, rows, and the edit that accepts them; as a line and as JSON."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

MAX_ROWS = 20
"""Number of rows that a finding lists."""
MAX_ACCEPTED = 0.9
"""Largest share that an edit proposes: with a higher limit the gate would check nothing."""
Predicate = Callable[[pa.RecordBatch], Any]
"""Function from n rows to a boolean Arrow array of n that marks the invalid ones."""


@dataclass
class Finding:
    """A limit that the data exceeds.

    Attributes:
        column: Column; None if the finding is about whole rows.
        limit: Allowed value.
        measured: Measured value.
        text: Sentence with both values, without the column's name.
        edit: Change of config or schema that accepts the data; empty if there is none.
        splits: Splits that exceed the limit.
        at_fault: Marks the rows that exceed it; None if no single row does.
        action: warn or block; empty for the action that the gate's settings name.
        gate: `schema`, or the gate's name; set when the gate is run.
        rows: First rows that exceed the limit: `file` and `line`, which is None if the file itself is the row.
    """

    column: str | None
    limit: Any
    measured: Any
    text: str
    edit: str = ""
    splits: list[str] = field(default_factory=list)
    at_fault: Predicate | None = None
    action: str = ""
    gate: str = ""
    rows: list[dict[str, Any]] = field(default_factory=list)

    def line(self) -> str:
        """Return the finding as one line."""
        gate = "" if self.gate == "schema" else f"{self.gate}: "
        head = gate + (self.text if self.column is None else f"column {self.column!r}: {self.text}")
        rows = ""
        if self.rows:
            rows = f"; {'rows' if len(self.rows) < MAX_ROWS else f'the first {MAX_ROWS} rows'}: {locations(self.rows)}"
        edit = f"; to accept it: {self.edit}" if self.edit else ""
        splits = f" (in {', '.join(self.splits)})" if self.splits else ""
        return head + rows + edit + splits

    def plain(self) -> dict[str, Any]:
        """Return the finding as JSON-able values."""
        keys = ("gate", "column", "limit", "measured", "action", "text", "edit", "splits", "rows")
        return {**{key: getattr(self, key) for key in keys}, "line": self.line()}


def locations(rows: Iterable[dict[str, Any]]) -> str:
    """Return rows grouped by file, such as `a.csv line 3, 5; b.csv line 2`."""
    by_file: dict[str, list[str]] = {}
    for row in rows:
        by_file.setdefault(row["file"], []).extend([] if row["line"] is None else [str(row["line"])])
    return "; ".join(file + (f" line {', '.join(lines)}" if lines else "") for file, lines in by_file.items())


def merge_splits(findings: Iterable[Finding]) -> list[Finding]:
    """Merge findings that differ only in their split and numbers into the one that exceeds its limit most.

    The merged text names the split whose numbers it gives, and the edit accepts the other splits too.
    """
    groups: dict[Any, list[Finding]] = {}
    for finding in findings:
        key = finding.gate, finding.column, finding.action, re.sub(r"[\d.,]+", "", finding.text)
        groups.setdefault(key, []).append(finding)
    merged = []
    for group in groups.values():
        # A gate with one finding may have a limit that is not a number.
        worst = max(group, key=lambda finding: abs(finding.measured - finding.limit)) if len(group) > 1 else group[0]
        note = f" (figures of {', '.join(worst.splits)})" if len({finding.text for finding in group}) > 1 else ""
        splits = [split for finding in group for split in finding.splits]
        merged.append(replace(worst, text=worst.text + note, splits=splits))
    return merged


def dump(findings: Iterable[Finding]) -> str:
    """Return the content of gates.json."""
    return json.dumps([finding.plain() for finding in findings], indent=1, ensure_ascii=False)


def percent(part: float, total: float) -> str:
    """Return a share in percent with four significant digits."""
    return f"{100 * part / total:.4g} %" if total else "0 %"


def text(value: Any) -> Any:
    """Decode bytes; return any other value unchanged."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def toml_key(column: str) -> str:
    """Return a column's name as a TOML key, quoted if necessary."""
    return column if re.fullmatch(r"[A-Za-z0-9_-]+", column) else json.dumps(column, ensure_ascii=False)


def raise_limit(key: str, share: float, alternative: str) -> str:
    """Return the edit that raises a limit to a share.

    Args:
        key: Key of the config.
        share: Measured share.
        alternative: Edit to propose instead if the share is above MAX_ACCEPTED.
    """
    return f"{key} = {round_up(share):g} in the config" if share <= MAX_ACCEPTED else alternative


def round_up(limit: float) -> float:
    """Round up to three decimals, so that a maximum of this value accepts the given one."""
    return float(np.ceil(limit * 1000) / 1000)


def round_down(limit: float) -> float:
    """Round down to three decimals, so that a minimum of this value accepts the given one."""
    return float(np.floor(limit * 1000) / 1000)
