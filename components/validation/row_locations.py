"""Finds file and line of invalid rows by reading the data again, which happens only if a run is blocked."""

import itertools
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from components.ingestion import planning, sources
from components.ingestion.discovery import data_files, formats
from components.ingestion.discovery.bucket_data import BucketData
from components.ingestion.ingestion_settings import IngestionSettings
from components.ingestion.parsing import csv_errors
from components.validation.gate_findings import MAX_ROWS, Finding
from errors import ResourceError, UserError
from spec.data import Data
from spec.rows import data_paths

_NUMBER = "row number"
"""Column added to those of the file; a file that already has a column of this name is skipped."""


def locate(
    findings: Sequence[Finding], source: IngestionSettings, content: str = "", bucket: BucketData | None = None
) -> None:
    """Fill in the rows of findings, unless the data has changed since ingestion.

    Args:
        findings: Findings; those without `at_fault` are skipped.
        source: Settings of the ingestion.
        content: Digest of the data that ingestion read; empty if unknown.
        bucket: The bucket that holds the data; None if it is read where it is.
    """
    incomplete = [finding for finding in findings if finding.at_fault is not None]
    if not incomplete:
        return
    try:
        if bucket is None:
            data_files.verify(data_files.resolve(source.paths, source.data), content)
        else:
            bucket.verify(content)
            bucket.fill()
        for path, batch, numbers in _batches(source):
            name_column = next(iter(sources.added(path, source.data)), None)
            for finding in incomplete:
                _fill(finding, path, batch, numbers, name_column)
            incomplete = [finding for finding in incomplete if len(finding.rows) < MAX_ROWS]
            if not incomplete:
                break
    except (UserError, ResourceError, OSError, KeyError, pa.ArrowException):
        # The run is blocked anyway; only the rows are missing from the message.
        pass
    _lines([finding for finding in findings if finding.rows], source.data)
    if bucket is not None:
        for row in (row for finding in findings for row in finding.rows):
            row["file"] = bucket.shown(row["file"])


def _fill(finding: Finding, path: str, batch: pa.RecordBatch, numbers: Any, name_column: str | None) -> None:
    """Add the invalid rows of a batch to a finding."""
    assert finding.at_fault is not None
    if finding.column is not None and finding.column not in batch.schema.names:
        return
    rows = np.flatnonzero(finding.at_fault(batch).to_numpy(zero_copy_only=False))[: MAX_ROWS - len(finding.rows)]
    if name_column is not None:
        # Each row is a file, such as an image.
        names = batch.column(batch.schema.get_field_index(name_column)).take(pa.array(rows)).to_pylist()
        finding.rows += [{"file": f"{path.rstrip('/')}/{name}", "line": None} for name in names]
    else:
        finding.rows += [{"file": path, "line": int(numbers[row])} for row in rows]


def _batches(source: IngestionSettings) -> Iterator[tuple[str, pa.RecordBatch, Any]]:
    """Yield the path of each file, its rows that ingestion keeps, and their numbers in the file, from 1."""
    plan = planning.plan(source)
    keeper = planning.keeper(source)
    for file in plan.files:
        rows_before = 0
        for batch in sources.reader(file.path, source.data).batches(file.path, source.data, plan.columns):
            numbers = pa.array(np.arange(rows_before + 1, rows_before + len(batch) + 1))
            rows_before += len(batch)
            numbered = pa.RecordBatch.from_arrays([*batch.columns, numbers], [*batch.schema.names, _NUMBER])
            rows = planning.kept_rows(numbered, file, plan, source, keeper)
            number_column = rows.num_columns - 1
            data_columns = pa.RecordBatch.from_arrays(rows.columns[:number_column], rows.schema.names[:number_column])
            yield file.path, data_columns, rows.column(number_column).to_numpy()


def _lines(findings: Sequence[Finding], data: Data) -> None:
    """Replace row numbers of CSV files by line numbers, by reading each file up to its last row."""
    numbers_of: dict[str, set[int]] = {}
    for finding in findings:
        for row in finding.rows:
            form = None if row["line"] is None else formats.of(row["file"], data.format)
            if form is not None and form.is_csv:
                numbers_of.setdefault(row["file"], set()).add(row["line"])
    lines = {path: _lines_of(path, numbers, data) for path, numbers in numbers_of.items()}
    for finding in findings:
        for row in finding.rows:
            row["line"] = lines.get(row["file"], {}).get(row["line"], row["line"])
            row["file"] = os.path.relpath(row["file"]) if _is_below(row["file"]) else row["file"]


def _lines_of(path: str, numbers: set[int], data: Data) -> dict[int, int]:
    header, last_row = (1 if data.csv.header else 0), max(numbers)
    with csv_errors.numbered(path, data) as rows:
        first_rows = itertools.takewhile(lambda row: row[0] - header <= last_row, rows)
        return {row - header: line for row, line, _ in first_rows if row - header in numbers}


def _is_below(path: str) -> bool:
    """Return whether a path is in the working folder and can be shown relative to it."""
    return not data_paths.is_remote(path) and os.path.abspath(path).startswith(os.getcwd() + os.sep)
