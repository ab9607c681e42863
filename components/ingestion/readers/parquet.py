"""Reader of Parquet files."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from components.ingestion.discovery import opening
from components.ingestion.omissions import Omissions
from components.ingestion.parsing import casting
from components.ingestion.readers import Format, NoRowsError
from components.ingestion.rows import left_out_columns
from errors import UserError
from models.data import arrow
from spec.data import Data

FORMAT = Format(extensions=(".parquet", ".pq"), keys=("drop", "partitions"), is_cleaned=True)
BATCH_ROWS = 65_536
"""Rows per batch: 50 MB for rows of a hundred numbers."""


def batches(
    path: str, data: Data, columns: Mapping[str, str], omissions: Omissions | None = None
) -> Iterator[pa.RecordBatch]:
    """Read a file in batches.

    Args:
        path: A Parquet file.
        data: [data].
        columns: Column name -> INT, FLOAT or BYTES; other columns keep their type.
        omissions: Records skipped, dropped and converted parts.

    Yields:
        Batches of rows; NaN stays a value.

    Raises:
        UserError: the file cannot be read; the message names file, column and row, from 1.
    """
    rows, cleaning = 0, data.cleaning
    with _opened(path) as file:
        names = _names(path, file.schema_arrow, data)
        kinds = {name: casting.kind_of(file.schema_arrow.field(name).type) for name in names} | dict(columns)
        fewer = names if len(names) < len(file.schema_arrow.names) else None
        for read in file.iter_batches(BATCH_ROWS, columns=fewer):
            arrays, batch = [], left_out_columns.select(read, data)
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                try:
                    arrays.append(casting.cast(_plain(column), str(kinds[name]), cleaning.rules(name)))
                except casting.BadCellError as error:
                    advice = f" is not {kinds[name]}, the type in the schema: fix the value, or change the type"
                    expected = error.expected or advice
                    raise UserError(
                        f"{path}: column {name!r}, row {rows + error.row + 1}: {error.value!r}{expected}"
                    ) from error
            yield pa.RecordBatch.from_arrays(arrays, batch.schema.names)
            rows += len(batch)


def types(path: str, data: Data, columns: Mapping[str, str], omissions: Omissions | None = None) -> dict[str, str]:
    """Return the type of each column of a file: the given type, else the type in the file.

    Args:
        path: A Parquet file.
        data: [data].
        columns: Column name -> INT, FLOAT or BYTES, of the columns that have a type.
        omissions: Records columns that are not read.

    Raises:
        UserError: the file cannot be read, or a column has a nested type.
    """
    with _opened(path) as file:
        schema = file.schema_arrow
        names = _names(path, schema, data, omissions)
        return {name: columns.get(name) or _kind(file, name, schema.field(name).type) for name in names}


def look(path: str, data: Data, omissions: Omissions | None = None) -> list[str]:
    """Check that a file can be read and contains a row.

    Returns:
        Column names in order.

    Raises:
        UserError: the file cannot be read, or contains no row.
    """
    with _opened(path) as file:
        if not file.metadata.num_rows:
            raise NoRowsError(f"{path} holds no rows")
        return _names(path, file.schema_arrow, data, omissions)


def unreadable(path: str, data: Data) -> dict[str, str]:
    """Return unnamed columns and columns without a schema type -> reason.

    Raises:
        UserError: the file cannot be read.
    """
    with _opened(path) as file:
        names = left_out_columns.kept(file.schema_arrow.names, data)
        nameless = {name: left_out_columns.NAMELESS for name in names if not name.strip()}
        other = _unreadable(file.schema_arrow, data)
        return nameless | {
            name: f"it holds {content}, and a cell is one number or text" for name, content in other.items()
        }


@contextlib.contextmanager
def _opened(path: str) -> Iterator[Any]:
    try:
        with contextlib.closing(opening.open_binary(path)) as file:
            yield arrow.parquet_file(file)
    except arrow.PickledTypeError as error:
        raise UserError(f"{path}: {error}") from error
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path} cannot be read as Parquet: {error}") from error


def _names(path: str, schema: pa.Schema, data: Data, omissions: Omissions | None = None) -> list[str]:
    """Return the columns to read; each must have a schema type and a unique name."""
    names = left_out_columns.kept(schema.names, data, omissions)
    left_out_columns.check_names(path, names)
    for name in names:
        if omissions is not None and pa.types.is_duration(schema.field(name).type):
            omissions.add("column", "a duration, read as seconds", name, action="converted")
    if other := _unreadable(schema, data):
        raise UserError(
            "\n".join(
                f"{path}: column {name!r} holds {content}, and a cell is one number or text: "
                f"{left_out_columns.advice(name)}"
                for name, content in other.items()
            )
        )
    return names


def _unreadable(schema: pa.Schema, data: Data) -> dict[str, str]:
    fields = [field for field in schema if left_out_columns.reason(field.name, data) is None]
    return {field.name: _shown(field.type) for field in fields if casting.kind_of(field.type) is None}


def _shown(type_: pa.DataType) -> str:
    """Format an Arrow type without the name of a list's value field, which differs between writers."""
    return re.sub(r"<(item|element): ", "<", str(type_))


def _kind(file: Any, name: str, type_: pa.DataType) -> str:
    """Return the schema type of a column; BYTES for integers beyond int64, which are keys."""
    if pa.types.is_uint64(type_):
        limit = pa.scalar(2**63, pa.uint64())
        for batch in file.iter_batches(BATCH_ROWS, columns=[name]):
            column = batch.column(batch.schema.get_field_index(name))
            if pc.any(pc.greater_equal(column, limit)).as_py():
                return "BYTES"
    return str(casting.kind_of(type_))


def _plain(column: pa.Array) -> pa.Array:
    """Decode dictionary and other encodings of strings, so that null tokens are recognized."""
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.cast(pa.string()) if pa.types.is_large_string(column.type) else column
