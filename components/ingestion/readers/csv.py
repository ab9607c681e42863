"""Reader of CSV files, compressed or not, in the dialect of the config."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from components.ingestion.discovery import compression
from components.ingestion.omissions import Omissions
from components.ingestion.parsing import casting, csv_errors, csv_header, csv_text
from components.ingestion.parsing.casting import ARROW_TYPES
from components.ingestion.parsing.typed_columns import typed
from components.ingestion.readers import Format, NoRowsError
from components.ingestion.rows import left_out_columns
from errors import UserError
from spec.data import Data

FORMAT = Format(
    extensions=(".csv", ".tsv", ".txt", ".data"),
    keys=("csv", "drop", "partitions"),
    is_csv=True,
    is_cleaned=True,
    is_untyped=True,
)
BLOCK_BYTES = 4 << 20
"""Size of a block of text in bytes: limits memory and still gives large batches."""


def batches(
    path: str, data: Data, columns: Mapping[str, str], omissions: Omissions | None = None
) -> Iterator[pa.RecordBatch]:
    """Read a file in batches.

    Args:
        path: A CSV file.
        data: [data].
        columns: Column name -> INT, FLOAT or BYTES; other columns are text.
        omissions: Records skipped, dropped and converted parts.

    Yields:
        Batches of rows; a blank cell is null.

    Raises:
        UserError: the file cannot be read; the message names file, column, row, and the line if it differs.
    """
    kinds = {name: ARROW_TYPES[kind] for name, kind in columns.items()}
    batch_count = rows = 0
    last_batch = None
    cleaning = data.cleaning
    as_texts = bool(cleaning.numbers.thousands or cleaning.numbers.units or cleaning.dates or cleaning.plain)
    omitted = Omissions()
    if not as_texts:
        try:
            for batch in _read(path, data, kinds, omitted):
                last_batch = _clean(left_out_columns.select(batch, data), data)
                _check_texts(path, data, last_batch, rows)
                yield last_batch
                batch_count, rows = batch_count + 1, rows + len(batch)
        except pa.ArrowInvalid:
            # Arrow checks null tokens before it strips a number, so the failed cell may be null: read it as text.
            as_texts = True
    if as_texts:
        first_row, omitted = 1 if _has_header(data) else 0, Omissions()
        for number, batch in enumerate(_read_texts(path, data, omitted)):
            if number >= batch_count:
                last_batch = _typed(path, data, left_out_columns.select(batch, data), columns, rows + first_row)
                _check_texts(path, data, last_batch, rows)
                yield last_batch
                rows += len(batch)
    if omissions is not None:
        omissions.merge(omitted)
    if last_batch is not None:
        csv_errors.check_end(path, data, last_batch)
        csv_errors.check_footer(path, data, last_batch)


def types(path: str, data: Data, columns: Mapping[str, str], omissions: Omissions | None = None) -> dict[str, str]:
    """Return the type of each column of a file: the given type, else the narrowest that fits all cells.

    Args:
        path: A CSV file.
        data: As for `batches`.
        columns: Column name -> INT, FLOAT or BYTES, of the columns that have a type.
        omissions: Records columns that are not read.

    Raises:
        UserError: as for `batches`; or two columns have the same name.
    """
    names = left_out_columns.read_columns(header(path, data), data, omissions)
    left_out_columns.check_names(path, names)
    unknown = [name for name in names if name not in columns]
    looks: dict[str, str | None] = dict.fromkeys(unknown)
    if unknown:
        cleaning = data.cleaning
        for batch in _read_texts(path, data):
            clean = _clean(batch, data)
            for name in unknown:
                column = clean.column(clean.schema.get_field_index(name))
                looks[name] = casting.looks_like(column, looks[name], cleaning.rules(name).numbers)
    return {name: columns.get(name) or looks[name] or "BYTES" for name in names}


def look(path: str, data: Data, omissions: Omissions | None = None) -> list[str]:
    """Check that a file can be read and contains a row.

    Returns:
        Column names in order.

    Raises:
        UserError: it cannot be read, or is empty.
    """
    csv_errors.check_text(path)
    try:
        with csv_text.rows(path, data, errors="strict") as lines:
            # Arrow skips blank lines too.
            filled = (cells for _, cells in lines if cells)
            first_row, second_row = next(filled, []), next(filled, None)
    except UnicodeDecodeError as error:
        raise UserError(csv_errors.undecodable(path, csv_text.codec(data))) from error
    except csv.Error as error:
        raise UserError(csv_errors.unreadable(path, error)) from error
    except compression.FAULTS as error:
        raise UserError(f"{path} cannot be read: {error}") from error
    if not first_row:
        raise NoRowsError(f"{path} is empty: it needs {'a header line and ' if _has_header(data) else ''}rows")
    if _has_header(data) and second_row is None:
        raise NoRowsError(f"{path} holds a header line and no rows")
    names = list(data.csv.names)
    if names and len(names) != len(first_row):
        raise UserError(f"{path}: data.csv.names has {len(names)} names for {len(first_row)} columns")
    return left_out_columns.read_columns(names or read_header(path, data).names, data, omissions)


def header(path: str, data: Data) -> list[str]:
    """Return the column names in order.

    Raises:
        UserError: the file cannot be read, or is empty.
    """
    return read_header(path, data).names


def read_header(path: str, data: Data) -> csv_header.Header:
    """Read the column names, with the names of the header line as written.

    Raises:
        UserError: as for `header`.
    """
    # Arrow reports undecodable bytes in later rows, with the row.
    with csv_errors.explained(path, data):
        csv_errors.check_text(path)
        header = csv_header.read(path, data)
    if not header.names:
        raise UserError(f"{path} is empty: it needs a header line and rows")
    return header


def _has_header(data: Data) -> bool:
    return bool(data.csv.header)


def _read(
    path: str, data: Data, kinds: Mapping[str, pa.DataType], omissions: Omissions | None = None
) -> Iterator[pa.RecordBatch]:
    dialect, (names, header_names, has_rows, _) = data.csv, read_header(path, data)
    if not has_rows:
        return
    block = BLOCK_BYTES if dialect.long_cells == "error" else max(BLOCK_BYTES, 2 * csv_text.LINE_LENGTH)
    with csv_errors.explained(path, data), csv_text.arrow(path, data, omissions) as stream:
        reader = pa_csv.open_csv(
            stream,
            read_options=pa_csv.ReadOptions(block_size=block, use_threads=False, column_names=names),
            parse_options=pa_csv.ParseOptions(
                delimiter=csv_text.delimiter(path, data),
                quote_char=dialect.quote or False,
                escape_char=dialect.escape or False,
                newlines_in_values=bool(dialect.quote),
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types={name: kinds.get(name, pa.string()) for name in names},
                strings_can_be_null=True,
                null_values=list(data.null_values),
                decimal_point=dialect.decimal,
            ),
        )
        count = 0
        for batch in reader:
            is_repeated = _repeated(batch, header_names)
            count += 0 if is_repeated is None else int(is_repeated.sum())
            batch = batch if is_repeated is None else batch.filter(pa.array(~is_repeated))
            yield _shortened(batch, data, Omissions() if omissions is None else omissions)
    if count and omissions is not None:
        lines = csv_errors.repeated(path, data, count)
        for line in lines:
            omissions.add("row", csv_header.AGAIN, f"line {line}", action="left out")
        omissions.add("row", csv_header.AGAIN, action="left out", count=count - len(lines))


def _shortened(batch: pa.RecordBatch, data: Data, omissions: Omissions) -> pa.RecordBatch:
    """Cut or drop cells that are too long, as csv.long_cells says; for "error", `_check_texts` reports them."""
    mode = data.csv.long_cells
    if mode == "error":
        return batch
    keep, columns = np.ones(len(batch), bool), list(batch.columns)
    for position, column in enumerate(batch.columns):
        if not pa.types.is_string(column.type):
            continue
        long = pc.fill_null(pc.greater(pc.binary_length(column), csv_text.FIELD_BYTES), False)
        rows = np.flatnonzero(long.to_numpy(zero_copy_only=False))
        if not len(rows):
            continue
        keep[rows] = False
        cut = [column[row].as_py().encode()[: csv_text.FIELD_BYTES].decode("utf-8", "ignore") for row in rows]
        columns[position] = pc.replace_with_mask(column, long, pa.array(cut, pa.string()))
        if mode == "cut":
            name = batch.schema.names[position]
            omissions.add("cell", csv_text.TOO_LONG, name, action="cut", count=len(rows))
    if mode == "cut":
        return pa.RecordBatch.from_arrays(columns, batch.schema.names)
    if not keep.all():
        omissions.add("row", csv_text.TOO_LONG, action="left out", count=int((~keep).sum()))
    return batch.filter(pa.array(keep))


def _repeated(batch: pa.RecordBatch, header: Sequence[str]) -> "np.ndarray[Any, Any] | None":
    """Return which rows repeat the header; None if none does. A header is not numbers: all columns are text here."""
    if len(header) < 2 or not all(pa.types.is_string(column.type) for column in batch.columns):
        return None
    candidates = pa.array(np.ones(len(batch), bool))
    for name, column in zip(header, batch.columns, strict=True):
        candidates = pc.and_(candidates, pc.fill_null(pc.match_substring(column, name.strip(), ignore_case=True), True))
        if not pc.any(candidates).as_py():
            return None
    is_repeated, rows = np.zeros(len(batch), bool), np.flatnonzero(candidates.to_numpy(zero_copy_only=False))
    for row in rows:
        is_repeated[row] = csv_header.is_repeated([column[row].as_py() for column in batch.columns], header)
    return is_repeated if is_repeated.any() else None


def _read_texts(path: str, data: Data, omissions: Omissions | None = None) -> Iterator[pa.RecordBatch]:
    try:
        yield from _read(path, data, {}, omissions)
    except pa.ArrowInvalid as error:
        raise UserError(f"{path}: {csv_errors.explain(path, data, str(error))}") from error


def _clean(batch: pa.RecordBatch, data: Data) -> pa.RecordBatch:
    cleaning, names = data.cleaning, batch.schema.names
    columns = [casting.clean(column, cleaning.rules(name)) for name, column in zip(names, batch.columns, strict=True)]
    return pa.RecordBatch.from_arrays(columns, names)


def _typed(path: str, data: Data, batch: pa.RecordBatch, columns: Mapping[str, str], rows_above: int) -> pa.RecordBatch:
    """Convert a batch of strings to the columns' types; `rows_above` counts the rows above it, including the header."""
    texts = zip(batch.schema.names, batch.columns, strict=True)
    return typed(
        path,
        texts,
        columns,
        data.cleaning,
        lambda row: csv_errors.place(path, data, rows_above + row + 1),
        csv_errors.of_total,
    )


def _check_texts(path: str, data: Data, batch: pa.RecordBatch, rows: int) -> None:
    """Check that no string contains a NUL or is longer than FIELD_BYTES."""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if not pa.types.is_string(column.type):
            continue
        content = np.frombuffer(column.buffers()[2] or b"", np.uint8)
        # The bytes of all cells together tell whether one cell can be invalid.
        checks = [] if content.all() else [(pc.match_substring(column, "\0"), "")]
        if len(content) > csv_text.FIELD_BYTES:
            checks.append((pc.greater(pc.binary_length(column), csv_text.FIELD_BYTES), csv_errors.LONG))
        for is_invalid, problem in checks:
            index = pc.index(is_invalid, True).as_py()
            if index >= 0:
                row = rows + index + 1 + _has_header(data)
                location = f"{path}: column {name!r}, {csv_errors.place(path, data, row)}"
                raise UserError(f"{location}: {problem or csv_errors.nul(path)}")
