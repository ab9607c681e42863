"""Where the rows are that a gate stopped for: the data's files are read again, which only a stopped run pays for."""

import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from components.ingestion import planning, sources
from components.ingestion.discovery import data_files, formats
from components.ingestion.ingestion_settings import IngestionSettings
from components.ingestion.parsing import csv_errors
from components.validation.gate_findings import MOST, Finding
from errors import ResourceError, UserError
from spec.data import Data
from spec.rows import data_paths

_NUMBER = "row number"
"""A column beside the file's own, which no CSV's header or schema is likely to have; a file that has it is left out."""


def locate(findings: Sequence[Finding], source: Mapping[str, Any], content: str = "") -> None:
    """Fill in the findings' rows, unless the data has changed since it was read.

    Args:
        findings: Those whose `at_fault` can tell.
        source: The settings of ingestion.
        content: Digest of the data that ingestion read; empty where none was taken.
    """
    waiting = [finding for finding in findings if finding.at_fault is not None]
    if not waiting:
        return
    settings = IngestionSettings.model_validate(source)
    try:
        data_files.verify(data_files.resolve(settings.paths, settings.data), content)
        for path, batch, numbers in _kept(settings):
            added = next(iter(sources.added(path, settings.data)), None)
            for finding in waiting:
                _fill(finding, path, batch, numbers, added)
            waiting = [finding for finding in waiting if len(finding.rows) < MOST]
            if not waiting:
                break
    except (UserError, ResourceError, OSError, KeyError, pa.ArrowException):
        # The verdict stands without them.
        pass
    _lines([finding for finding in findings if finding.rows], settings.data)


def _fill(finding: Finding, path: str, batch: pa.RecordBatch, numbers: Any, name: str | None) -> None:
    assert finding.at_fault is not None
    if finding.column is not None and finding.column not in batch.schema.names:
        return
    found = np.flatnonzero(finding.at_fault(batch).to_numpy(zero_copy_only=False))[: MOST - len(finding.rows)]
    if name is not None:
        # Each row is a file of its own.
        names = batch.column(batch.schema.get_field_index(name)).take(pa.array(found)).to_pylist()
        finding.rows += [{"file": f"{path.rstrip('/')}/{one}", "line": None} for one in names]
    else:
        finding.rows += [{"file": path, "line": int(numbers[row])} for row in found]


def _kept(source: IngestionSettings) -> Iterator[tuple[str, pa.RecordBatch, Any]]:
    """File, rows that ingestion kept, and their numbers in the file, from 1."""
    plan = planning.plan(source)
    keeper = planning.keeper(source)
    for file in plan.files:
        before = 0
        for batch in sources.reader(file.path, source.data).batches(file.path, source.data, plan.columns):
            numbers = pa.array(np.arange(before + 1, before + len(batch) + 1))
            before += len(batch)
            numbered = pa.RecordBatch.from_arrays([*batch.columns, numbers], [*batch.schema.names, _NUMBER])
            kept = planning.kept(numbered, file, plan, source, keeper)
            at = kept.num_columns - 1
            own = pa.RecordBatch.from_arrays(kept.columns[:at], kept.schema.names[:at])
            yield file.path, own, kept.column(at).to_numpy()


def _lines(findings: Sequence[Finding], data: Data) -> None:
    """Row numbers of CSV files to lines, by reading these up to the last one."""
    wanted: dict[str, set[int]] = {}
    for finding in findings:
        for row in finding.rows:
            form = None if row["line"] is None else formats.of(row["file"], data.format)
            if form is not None and form.is_csv:
                wanted.setdefault(row["file"], set()).add(row["line"])
    lines = {path: _lines_of(path, numbers, data) for path, numbers in wanted.items()}
    for finding in findings:
        for row in finding.rows:
            row["line"] = lines.get(row["file"], {}).get(row["line"], row["line"])
            row["file"] = os.path.relpath(row["file"]) if _is_below(row["file"]) else row["file"]


def _lines_of(path: str, numbers: set[int], data: Data) -> dict[int, int]:
    before, last = (1 if data.csv.header else 0), max(numbers)
    with csv_errors.numbered(path, data) as rows:
        wanted = itertools.takewhile(lambda row: row[0] - before <= last, rows)
        return {row - before: line for row, line, _ in wanted if row - before in numbers}


def _is_below(path: str) -> bool:
    """Whether a path is in the working folder, so that it can be shown short."""
    return not data_paths.is_remote(path) and os.path.abspath(path).startswith(os.getcwd() + os.sep)
