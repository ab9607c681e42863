"""Rows to predict, read by the readers of ingestion; a cell that does not fit its column is an error of its row.

Cells of text formats are read as text and converted here by the rules of ingestion, so that an invalid cell does not
stop the whole file.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from components.ingestion import sources
from components.ingestion.discovery import data_files, formats
from components.ingestion.parsing import casting
from errors import UserError
from models.data import arrow
from spec.cells.cleaning import Rules
from spec.data import Data
from spec.suggestions import nearest

_UNTOUCHED: Mapping[str, Any] = {"null_values": (), "column_null_values": {}, "dates": {}, "fold_case": ()}
"""Rules of [data] with which text stays as it is."""


@dataclass(frozen=True)
class InputColumn:
    """A raw column that the model reads.

    Attributes:
        name: Its name in the data.
        kind: INT, FLOAT or BYTES.
        nullable: Whether a cell may be null.
    """

    name: str
    kind: str
    nullable: bool


@dataclass
class Rows:
    """Some rows of one file.

    Attributes:
        file: The file.
        first: Number of the first row, from 1.
        cells: The columns that the model reads, converted.
        names: Columns that identify a row, as they are in the file.
        errors: Place of a row among these -> why it cannot be predicted.
        labeled: Places of the rows that have a label, if only the others are predicted.
    """

    file: str
    first: int
    cells: pa.RecordBatch
    names: pa.RecordBatch
    errors: dict[int, str] = field(default_factory=dict)
    labeled: Sequence[int] = ()


def settings(data: Data, source: Any, form: str | None) -> Data:
    """Return [data] for other files than those of the config: without their splits, spans and query.

    Args:
        data: [data] of the config.
        source: Paths or patterns of the files.
        form: Their format; None for that of the config, or what their names tell.
    """
    values = data.model_dump(include={"sheet", "csv", "image", "strip_whitespace", "partitions"})
    cleaning = data.model_dump(include={"null_values", "column_null_values", "dates", "fold_case", "drop"})
    return Data.model_validate({**values, **cleaning, "path": source, "format": form or data.format})


def files(data: Data) -> list[str]:
    """Return the files in order.

    Raises:
        UserError: there is none.
    """
    try:
        return [file.path for file in data_files.resolve(data.paths, data)]
    except UserError as error:
        raise UserError(str(error).replace("data.path: ", "").replace("fix the path", "name another")) from error


def read(
    path: str,
    data: Data,
    columns: Sequence[InputColumn],
    names: Sequence[str],
    size: int,
    label: InputColumn | None = None,
) -> Iterator[Rows]:
    """Read one file.

    Args:
        path: The file.
        data: As `settings` returns it.
        columns: What the model reads.
        names: Columns that identify a row.
        size: Number of rows of each part, except the last.
        label: Column of the label, if only rows without one are predicted; the file need not have it.

    Raises:
        UserError: the file cannot be read, or lacks a column.
    """
    reader = sources.reader(path, data)
    file_columns = reader.look(path, data)
    missing = [column.name for column in columns if column.name not in file_columns]
    if missing:
        listed = ", ".join(map(repr, missing))
        subject = f"column {listed} is" if len(missing) == 1 else f"columns {listed} are"
        hint = nearest(missing[0], file_columns, "columns")
        raise UserError(f"{path}: {subject} missing, which the model reads.{hint}")
    form = formats.of(path, data.format)
    is_text = form is not None and form.is_untyped
    label = label if label is not None and label.name in file_columns else None
    read_columns = [*columns, *([label] if label is not None else [])]
    kinds = {column.name: "BYTES" if is_text else column.kind for column in read_columns}
    present = [name for name in names if name in file_columns]
    raw = data.model_copy(update=_UNTOUCHED) if is_text else data
    batches = reader.batches(path, raw, {**dict.fromkeys(present, "BYTES"), **kinds})
    row = 1
    for table in _parts(batches, [*dict.fromkeys([*kinds, *present])], size):
        rows = _converted(path, row, table, columns, present, data if is_text else None)
        if label is not None:
            rows.labeled = _labeled(table, label.name, data if is_text else None)
        yield rows
        row += len(table)


def _parts(batches: Iterator[pa.RecordBatch], names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
    """Divide rows into parts of equal size."""
    pending: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        selected = pa.RecordBatch.from_arrays(
            [batch.column(batch.schema.get_field_index(n)) for n in names], list(names)
        )
        while len(selected):
            part = selected.slice(0, size - rows)
            pending.append(part)
            rows, selected = rows + len(part), selected.slice(len(part))
            if rows == size:
                yield _joined(pending)
                pending, rows = [], 0
    if pending:
        yield _joined(pending)


def _joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    table = pa.Table.from_batches(batches).combine_chunks()
    return pa.RecordBatch.from_arrays([column.chunk(0) for column in table.columns], table.schema.names)


def _converted(
    path: str,
    first: int,
    batch: pa.RecordBatch,
    columns: Sequence[InputColumn],
    names: Sequence[str],
    data: Data | None,
) -> Rows:
    """Convert the cells of text; without `data` they have their types already."""
    errors: dict[int, str] = {}
    arrays = []
    for column in columns:
        cells = batch.column(batch.schema.get_field_index(column.name))
        if data is not None:
            cells = _cast(cells, column, data.cleaning.rules(column.name), errors)
        if not column.nullable and cells.null_count:
            for row in pc.indices_nonzero(cells.is_null()).to_pylist():
                errors.setdefault(row, f"column {column.name!r} must have a value in every row")
        arrays.append(cells)
    cells = casting.narrowed(pa.RecordBatch.from_arrays(arrays, [column.name for column in columns]))
    name_columns = [batch.column(batch.schema.get_field_index(name)) for name in names]
    return Rows(path, first, cells, pa.RecordBatch.from_arrays(name_columns, list(names)), dict(sorted(errors.items())))


def _labeled(batch: pa.RecordBatch, label: str, data: Data | None) -> list[int]:
    """Return the places of the rows that have a label; texts are cleaned first."""
    cells = batch.column(batch.schema.get_field_index(label))
    if data is not None:
        cells = casting.cast(cells, "BYTES", data.cleaning.rules(label))
    places: list[int] = pc.indices_nonzero(cells.is_valid()).to_pylist()
    return places


def _cast(texts: pa.Array, column: InputColumn, rules: Rules, errors: dict[int, str]) -> pa.Array:
    """Convert texts; a cell that does not fit becomes null, and its row an error."""
    try:
        return casting.cast(texts, column.kind, rules)
    except casting.BadCellError:
        expected_of = dict(_misfits(texts.unique().drop_null(), column.kind, rules))
    is_bad = pc.is_in(texts, value_set=pa.array(list(expected_of), pa.string()))
    for row in pc.indices_nonzero(is_bad).to_pylist():
        text = texts[row].as_py()
        errors.setdefault(row, f"column {column.name!r} holds {text!r}, which is not {expected_of[text]}")
    return casting.cast(arrow.if_else(is_bad, pa.scalar(None, pa.string()), texts), column.kind, rules)


def _misfits(texts: pa.Array, kind: str, rules: Rules) -> Iterator[tuple[str, str]]:
    """Yield the texts that do not fit, each with the expected type."""
    try:
        casting.cast(texts, kind, rules)
    except casting.BadCellError as error:
        if len(texts) == 1:
            expected = {"INT": "an integer", "FLOAT": "a number"}.get(kind, "a date")
            yield texts[0].as_py(), f"{expected}{error.expected}"
        else:
            middle = len(texts) // 2
            yield from _misfits(texts.slice(0, middle), kind, rules)
            yield from _misfits(texts.slice(middle), kind, rules)


def shown_errors(rows: Rows, errors: Mapping[int, str]) -> Iterator[str]:
    """Yield a sentence with file and row for each error."""
    for place, text in errors.items():
        yield f"{rows.file}, row {rows.first + place:,}: {text}"
