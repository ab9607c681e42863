"""Reader of Parquet files."""

import codecs
import collections
import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from components.ingestion.discovery import opening
from components.ingestion.omissions import Omissions
from components.ingestion.parsing import casting, vectors
from components.ingestion.readers import Format, NoRowsError
from components.ingestion.rows import left_out_columns
from errors import UserError
from models.data import arrow
from spec.data import Data

FORMAT = Format(extensions=(".parquet", ".pq"), keys=("drop", "partitions", "vectors"), is_cleaned=True)
HEAD_BYTES = 512
"""Number of bytes that are read to detect text in a file that is not Parquet."""
BATCH_ROWS, VECTOR_NUMBERS = 65_536, 100
"""Rows per batch, for vectors of fewer numbers than the second: 50 MB for rows of a hundred numbers."""


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
        kinds = _kinds(file.schema_arrow, names, data) | dict(columns)
        fewer = names if len(names) < len(file.schema_arrow.names) else None
        for read in file.iter_batches(_batch_rows(data), columns=fewer):
            arrays, batch = [], _flat(path, left_out_columns.select(read, data), data, rows)
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
        kinds = _kinds(schema, names, data)
        return {name: columns.get(name) or _kind(file, name, kind, schema) for name, kind in kinds.items()}


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
        return vectors.expanded(_names(path, file.schema_arrow, data, omissions), data)


def lengths(path: str, data: Data) -> dict[str, int | None]:
    """Return columns of lists of numbers -> the length of all lists; None if there are several.

    Raises:
        UserError: the file cannot be read.
    """
    list_lengths: dict[str, int | None] = {}
    with _opened(path) as file:
        schema = file.schema_arrow
        counts = collections.Counter(schema.names)
        for name in left_out_columns.read_columns(schema.names, data):
            if counts[name] > 1 or not vectors.is_numbers(schema.field(name).type):
                continue
            ends = set[int]()
            for batch in file.iter_batches(BATCH_ROWS, columns=[name]):
                sizes = pc.min_max(pc.list_value_length(batch.column(batch.schema.get_field_index(name)))).as_py()
                ends |= {size for size in sizes.values() if size is not None}
            list_lengths[name] = ends.pop() if len(ends) == 1 else None
    return list_lengths


def unreadable(path: str, data: Data) -> dict[str, str]:
    """Return unnamed columns and columns without a schema type -> reason.

    Raises:
        UserError: the file cannot be read.
    """
    with _opened(path) as file:
        names = left_out_columns.read_columns(file.schema_arrow.names, data)
        nameless = {name: left_out_columns.NAMELESS for name in names if not name.strip()}
        unsupported = _unreadable(file.schema_arrow, data)
        return nameless | {
            name: f"it holds {content}, and a cell is one number or text" for name, content in unsupported.items()
        }


@contextlib.contextmanager
def _opened(path: str) -> Iterator[Any]:
    try:
        with contextlib.closing(opening.open_binary(path)) as file:
            yield arrow.parquet_file(file)
    except arrow.PickledTypeError as error:
        raise UserError(f"{path}: {error}") from error
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path} cannot be read as Parquet: {error}{_hint(path)}") from error


def _hint(path: str) -> str:
    """Return the probable type of a file that is not Parquet, as the end of a sentence."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        head = codecs.getincrementaldecoder("utf-8")().decode(opening.head(path, HEAD_BYTES))
        if "\n" in head and "\0" not in head:
            return '; it looks like text: write format = "csv" or "jsonl" under [data], or let its name end so'
    return ""


def _names(path: str, schema: pa.Schema, data: Data, omissions: Omissions | None = None) -> list[str]:
    """Return the columns to read; each must have a schema type or hold vectors, and have a unique name."""
    names = left_out_columns.read_columns(schema.names, data, omissions)
    left_out_columns.check_names(path, vectors.expanded(names, data))
    for name in names:
        if omissions is not None and pa.types.is_duration(schema.field(name).type):
            omissions.add("column", "a duration, read as seconds", name, action="converted")
    for name in names:
        if name in data.vectors and not vectors.is_numbers(schema.field(name).type):
            raise UserError(
                f"{path}: column {name!r} holds {_type_text(schema.field(name).type)}, and data.vectors needs lists of "
                f"numbers: remove {name!r} from data.vectors"
            )
    if unsupported := _unreadable(schema, data):
        raise UserError(
            "\n".join(
                f"{path}: column {name!r} holds {content}, and a cell is one number or text: "
                f"{left_out_columns.advice(name)}"
                for name, content in unsupported.items()
            )
        )
    return names


def _unreadable(schema: pa.Schema, data: Data) -> dict[str, str]:
    fields = [field for field in schema if left_out_columns.reason(field.name, data) is None]
    fields = [field for field in fields if field.name not in data.vectors]
    return {field.name: _type_text(field.type) for field in fields if casting.kind_of(field.type) is None}


def _type_text(type_: pa.DataType) -> str:
    """Format an Arrow type without the name of a list's value field, which differs between writers."""
    return re.sub(r"<(item|element): ", "<", str(type_))


def _kinds(schema: pa.Schema, names: Iterable[str], data: Data) -> dict[str, str]:
    """Return the schema types of the columns that are read."""
    kinds: dict[str, str] = {}
    for name in names:
        type_ = schema.field(name).type
        kind = casting.kind_of(type_.value_type if name in data.vectors else type_)
        kinds |= dict.fromkeys(vectors.expanded([name], data), str(kind))
    return kinds


def _batch_rows(data: Data) -> int:
    """Return the rows per batch: fewer if rows hold vectors."""
    return max(1, BATCH_ROWS // (1 + sum(data.vectors.values()) // VECTOR_NUMBERS))


def _flat(path: str, batch: pa.RecordBatch, data: Data, rows: int) -> pa.RecordBatch:
    """Replace columns of lists by a column per number."""
    if not data.vectors:
        return batch
    arrays: list[pa.Array] = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        length = data.vectors.get(name)
        arrays += [column] if length is None else vectors.columns(path, name, column, length, rows)
    return pa.RecordBatch.from_arrays(arrays, vectors.expanded(batch.schema.names, data))


def _kind(file: Any, name: str, kind: str, schema: pa.Schema) -> str:
    """Return the schema type of a column; BYTES for integers beyond int64, which are keys."""
    if name in schema.names and pa.types.is_uint64(schema.field(name).type):
        limit = pa.scalar(2**63, pa.uint64())
        for batch in file.iter_batches(BATCH_ROWS, columns=[name]):
            column = batch.column(batch.schema.get_field_index(name))
            if pc.any(pc.greater_equal(column, limit)).as_py():
                return "BYTES"
    return kind


def _plain(column: pa.Array) -> pa.Array:
    """Decode dictionary and other encodings of strings, so that null tokens are recognized.

    Some programs write texts as binary without a word that they are UTF-8; bytes that are none stay binary.
    """
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    is_binary = pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)
    if is_binary and column.null_count < len(column):
        with contextlib.suppress(pa.ArrowInvalid):
            return column.cast(pa.string())
    return column.cast(pa.string()) if pa.types.is_large_string(column.type) else column
