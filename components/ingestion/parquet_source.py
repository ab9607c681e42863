"""Reads Parquet files."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from components.ingestion import cells, files
from components.ingestion.omissions import Omissions
from errors import UserError
from models import arrow
from models.cleaning import Cleaning

BATCH_ROWS = 65_536
"""Rows read at once: a batch of a hundred numbers each is 50 MB."""


def batches(
    path: str, settings: Mapping[str, Any], columns: Mapping[str, str], omissions: Omissions | None = None
) -> Iterator[pa.RecordBatch]:
    """Read one file.

    Args:
        path: A Parquet file.
        settings: [data].
        columns: Column name -> INT, FLOAT or BYTES; a column that is not named is as it looks.
        omissions: Takes what is not read as it is there.

    Yields:
        Batches of rows; NaN stays a value.

    Raises:
        UserError: the file cannot be read; names file, column and row, from 1.
    """
    rows, cleaning = 0, Cleaning.of(settings)
    with _opened(path) as file:
        kinds = _kinds(path, file.schema_arrow) | dict(columns)
        for batch in file.iter_batches(BATCH_ROWS):
            made = []
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                try:
                    made.append(cells.cast(_plain(column), kinds[name], cleaning.rules(name)))
                except cells.BadCellError as error:
                    raise UserError(
                        f"{path}: column {name!r}, row {rows + error.row + 1}: {error.value!r} is no {kinds[name]}, "
                        "which the schema says it is"
                    ) from error
            yield pa.RecordBatch.from_arrays(made, batch.schema.names)
            rows += len(batch)


def types(path: str, settings: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, str]:
    """Columns of one file, with their types: those given, else as the file has them.

    Args:
        path: A Parquet file.
        settings: [data].
        columns: Column name -> INT, FLOAT or BYTES, of the columns that have a type.

    Raises:
        UserError: the file cannot be read, or a column holds lists or the like.
    """
    with _opened(path) as file:
        return {name: columns.get(name, kind) for name, kind in _kinds(path, file.schema_arrow).items()}


def look(path: str, settings: Mapping[str, Any], omissions: Omissions | None = None) -> list[str]:
    """See that a file can be read and holds a row.

    Returns:
        Names of its columns, in order.

    Raises:
        UserError: it cannot be read, or holds none.
    """
    with _opened(path) as file:
        if not file.metadata.num_rows:
            raise UserError(f"{path} holds no rows")
        return list(_kinds(path, file.schema_arrow))


@contextlib.contextmanager
def _opened(path: str) -> Iterator[Any]:
    try:
        with contextlib.closing(files.open_binary(path)) as file:
            yield arrow.parquet_file(file)
    except arrow.PickledTypeError as error:
        raise UserError(f"{path}: {error}") from error
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path} cannot be read as Parquet: {error}") from error


def _kinds(path: str, schema: pa.Schema) -> dict[str, str]:
    kinds = {}
    for field in schema:
        kind = cells.kind_of(field.type)
        if kind is None:
            raise UserError(f"{path}: column {field.name!r} holds {field.type}: a cell is one number or text")
        if field.name in kinds:
            raise UserError(f"{path}: two columns are named {field.name!r}: rename one")
        kinds[field.name] = kind
    return kinds


def _plain(column: pa.Array) -> pa.Array:
    """Texts as plain texts, so that blank tokens are seen in them."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.cast(pa.string()) if pa.types.is_large_string(column.type) else column
