"""Reader of gates.json: the findings of the gates, in a run's folder and in an ExampleAnomalies artifact."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from errors import ResourceError
from inspection.store import artifact_files
from spec.file_names import GATES

SCHEMA = "schema"
"""`gate` of the findings about anomalies against the schema."""


@dataclass(frozen=True, kw_only=True)
class RowLocation:
    """A row of a data file; `line` is None if the row is the whole file, such as an image."""

    file: str
    line: int | None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A finding of a gate; see FINDING in inspection/run_files.py."""

    gate: str
    column: str | None
    limit: Any
    measured: Any
    action: str
    text: str
    edit: str
    splits: Sequence[str]
    rows: Sequence[RowLocation]
    line: str


def read_findings(folder: str) -> list[Finding]:
    """Read gates.json of a folder; empty if the folder has none, as of a stock ExampleValidator.

    Raises:
      ResourceError: The file cannot be read, or does not contain findings.
    """
    path = os.path.join(folder, GATES)
    if not artifact_files.exists(path):
        return []
    try:
        return [_finding(entry) for entry in json.loads(artifact_files.read(path))]
    except (ValueError, TypeError, AttributeError) as error:
        raise ResourceError(f"{path} is damaged: it does not contain findings of gates") from error


def _finding(entry: Mapping[str, Any]) -> Finding:
    return Finding(
        gate=str(entry.get("gate") or ""),
        column=entry.get("column"),
        limit=entry.get("limit"),
        measured=entry.get("measured"),
        action=str(entry.get("action") or ""),
        text=str(entry.get("text") or ""),
        edit=str(entry.get("edit") or ""),
        splits=tuple(map(str, entry.get("splits") or ())),
        rows=tuple(
            RowLocation(file=str(row.get("file") or ""), line=row.get("line")) for row in entry.get("rows") or ()
        ),
        line=str(entry.get("line") or ""),
    )
