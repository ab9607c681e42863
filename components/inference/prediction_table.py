"""The table of predictions, and its encodings: CSV, JSON lines and Parquet."""

import io
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from components.inference.input_rows import Rows
from errors import UserError
from models.data import arrow

FILE, ROW, ERROR = "file", "row", "error"
"""Columns beside the predictions: the file if there are several, the row in it, and why it has no prediction."""
FORMATS = {".csv": "csv", ".jsonl": "jsonl", ".parquet": "parquet"}
"""Extension of the output -> its format."""
_BLOCK_BYTES = 1 << 20


def format_of(path: str) -> str:
    """Return the format of an output by its extension.

    Raises:
        UserError: the extension is unknown.
    """
    for extension, name in FORMATS.items():
        if path.lower().endswith(extension):
            return name
    raise UserError(f"{path}: the name of the output ends with {', '.join(FORMATS)}")


def table(
    rows: Rows,
    outputs: Mapping[str, np.ndarray[Any, Any]],
    errors: Mapping[int, str],
    *,
    classes: Sequence[str] | None,
    with_file: bool,
    contributions: Mapping[str, np.ndarray[Any, Any]] | None = None,
) -> pa.Table:
    """Combine rows with their predictions.

    Args:
        rows: n rows.
        outputs: Output -> values of the rows without errors, in order: (m,) or (m, classes).
        errors: Place of a row -> why it has no prediction.
        classes: Names of the classes.
        with_file: Whether to name the file of each row.
        contributions: Name of a further column -> values of the rows without errors, in order, (m,).

    Returns:
        n rows: `file`, `row`, the columns that identify a row, one column per prediction, the contributions, and
        `error`. The predictions of a row with an error are null.
    """
    count = len(rows.cells)
    columns: dict[str, pa.Array] = {FILE: pa.array([rows.file] * count, pa.string())} if with_file else {}
    columns[ROW] = pa.array(np.arange(rows.first, rows.first + count))
    for name, column in zip(rows.names.schema.names, rows.names.columns, strict=True):
        columns.setdefault(name, column)
    added = ((name, pa.array(values)) for name, values in (contributions or {}).items())
    for name, values in itertools.chain(_flat(outputs, classes), added):
        columns[name] = pc.take(values, _places(count, errors)) if errors else values
    texts = [errors.get(place) for place in range(count)] if errors else [None] * count
    columns[ERROR] = pa.array(texts, pa.string())
    return pa.table(columns)


def _places(count: int, errors: Mapping[int, str]) -> pa.Array:
    """Return the place of each row among those without errors; null for a row with an error."""
    places = np.full(count, -1)
    good = np.setdiff1d(np.arange(count), list(errors))
    places[good] = np.arange(len(good))
    return pa.array(places, pa.int64(), mask=places < 0)


def _flat(outputs: Mapping[str, np.ndarray[Any, Any]], classes: Sequence[str] | None) -> Iterable[tuple[str, pa.Array]]:
    """Yield a column for each output, or for each class of `probabilities` and each distance."""
    for name in sorted(outputs):
        values = outputs[name]
        if values.ndim == 1:
            is_text = values.dtype == object
            column = pa.array(values, pa.binary()).cast(pa.string()) if is_text else pa.array(values)
            yield {"classes": "class"}.get(name, name), column
            continue
        singular = {"probabilities": "probability", "distances": "distance"}.get(name, name)
        width = values.shape[1]
        ends = classes if name == "probabilities" and classes else list(map(str, range(width)))
        for place, end in zip(range(width), ends, strict=True):
            yield f"{singular}_{end}", pa.array(np.ascontiguousarray(values[:, place]))


def encoded(rows: pa.Table, form: str) -> bytes:
    """Encode rows in a format, without the head of the file."""
    if form == "jsonl":
        return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in _plain(rows))
    stream = io.BytesIO()
    if form == "csv":
        pa_csv.write_csv(rows, stream, pa_csv.WriteOptions(include_header=False))
    else:
        with arrow.parquet_writer(stream, rows.schema) as writer:
            writer.write_table(rows)
    return stream.getvalue()


def head(rows: pa.Table, form: str) -> bytes:
    """Return the bytes above the first row in a file of a format: the header line of a CSV file."""
    if form != "csv":
        return b""
    stream = io.BytesIO()
    pa_csv.write_csv(rows.slice(0, 0), stream)
    return stream.getvalue()


class TableWriter:
    """Writes tables with equal columns, one after the other, as one file.

    Args:
        file: A binary file.
        form: Its format.
    """

    def __init__(self, file: Any, form: str) -> None:
        self._file, self._form = file, form
        self._parquet: Any = None
        self._begun = False

    def write(self, rows: pa.Table) -> None:
        """Append rows."""
        if self._form == "parquet":
            self._parquet = self._parquet or arrow.parquet_writer(self._file, rows.schema)
            self._parquet.write_table(rows)
        else:
            self._file.write((b"" if self._begun else head(rows, self._form)) + encoded(rows, self._form))
        self._begun = True

    def __enter__(self) -> "TableWriter":
        return self

    def __exit__(self, *_: object) -> None:
        """Write what follows the last row; the file stays open."""
        if self._parquet is not None:
            self._parquet.close()


def _plain(rows: pa.Table) -> Iterable[dict[str, Any]]:
    """Yield rows as JSON values; a float32 has the digits that determine it."""
    columns = {}
    for name, column in zip(rows.schema.names, rows.columns, strict=True):
        if pa.types.is_float32(column.type):
            columns[name] = [None if text is None else float(text) for text in column.cast(pa.string()).to_pylist()]
        else:
            columns[name] = column.to_pylist()
    for cells in zip(*columns.values(), strict=True):
        yield dict(zip(columns, cells, strict=True))


def join(paths: Sequence[str], form: str, target: Any) -> None:
    """Write parts, as `encoded` returns them, as one file, one part at a time.

    Args:
        paths: The parts in order; for CSV the first is the head.
        form: Their format.
        target: A binary file.
    """
    if form != "parquet":
        for path in paths:
            with open(path, "rb") as part:
                while block := part.read(_BLOCK_BYTES):
                    target.write(block)
        return
    writer = None
    for path in paths:
        with open(path, "rb") as file:
            part = arrow.parquet_file(file).read()
        writer = writer or arrow.parquet_writer(target, part.schema)
        writer.write_table(part)
    if writer is not None:
        writer.close()
