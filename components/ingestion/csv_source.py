"""Reads a CSV file, plain or gzipped, as Arrow batches with the schema's types."""

import re
from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.csv as pa_csv
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from errors import UserError

BLOCK_BYTES = 4 << 20
"""Text read at once: bounds memory, and makes large batches."""
ARROW_TYPES = {"INT": pa.int64(), "FLOAT": pa.float32(), "BYTES": pa.string()}
"""Schema type -> Arrow type."""

_CELL = re.compile(r"In CSV column #(\d+)(?:: Row #(\d+))?: (.*)", re.S)


def batches(path: str, columns: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
    """Read one file.

    Args:
        path: A .csv or .csv.gz file with a header line.
        columns: Column name -> schema type (INT, FLOAT, BYTES); the type of any other column is inferred.

    Yields:
        Batches of rows; an empty cell is null.

    Raises:
        UserError: the file cannot be read; names file, column and row.
    """
    options = pa_csv.ConvertOptions(
        column_types={name: ARROW_TYPES[kind] for name, kind in columns.items()},
        strings_can_be_null=True,
        null_values=[""],
    )
    names: list[str] = []
    try:
        with _open(path) as stream:
            reader = pa_csv.open_csv(
                stream,
                read_options=pa_csv.ReadOptions(block_size=BLOCK_BYTES, use_threads=False),
                parse_options=pa_csv.ParseOptions(newlines_in_values=True),
                convert_options=options,
            )
            names = reader.schema.names
            yield from reader
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{path}: {_explain(str(error), names or list(columns))}") from error


def _open(path: str) -> pa.NativeFile:
    file = FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)
    return pa.input_stream(file, compression="gzip" if path.endswith(".gz") else None)


def _explain(message: str, names: list[str]) -> str:
    """Say an Arrow error with the column's name instead of its number."""
    match = _CELL.search(message)
    if match is None:
        return message
    number, row, reason = match.groups()
    column = names[int(number)] if int(number) < len(names) else f"#{number}"
    where = f"column {column!r}" + (f", row {row}" if row else "")
    return f"{where}: {reason.strip()}"
