"""Reads a CSV file, plain or gzipped, as Arrow batches with the schema's types."""

import contextlib
import csv
import io
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
_INFERRED = (pa.int64(), pa.float64(), pa.string())
"""Types that any other column may have."""

_CELL = re.compile(r"In CSV column #(\d+)(?:: Row #(\d+))?: (.*)", re.S)


def batches(path: str, columns: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
    """Read one file.

    Args:
        path: A .csv or .csv.gz file with a header line.
        columns: Column name -> schema type (INT, FLOAT, BYTES); any other column is a number where it looks like one,
            and text otherwise.

    Yields:
        Batches of rows; an empty cell is null.

    Raises:
        UserError: the file cannot be read; names file, column and row.
    """
    types = {name: ARROW_TYPES[kind] for name, kind in columns.items()}
    try:
        with contextlib.ExitStack() as streams:
            reader = _reader(streams.enter_context(_open(path)), types)
            names = reader.schema.names
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise UserError(f"{path}: two columns are named {twice[0]!r}: rename one")
            # Arrow also sees dates, times and truths; a tf.Example has none of them.
            others = [field for field in reader.schema if field.name not in types]
            texts = {field.name: pa.string() for field in others if field.type not in _INFERRED}
            if texts:
                reader = _reader(streams.enter_context(_open(path)), {**types, **texts})
            yield from reader
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{path}: {_explain(str(error), path)}") from error


def _open(path: str) -> pa.NativeFile:
    file = FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)
    return pa.input_stream(file, compression="gzip" if path.endswith(".gz") else None)


def _reader(stream: pa.NativeFile, types: Mapping[str, pa.DataType]) -> pa_csv.CSVStreamingReader:
    return pa_csv.open_csv(
        stream,
        read_options=pa_csv.ReadOptions(block_size=BLOCK_BYTES, use_threads=False),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(column_types=types, strings_can_be_null=True, null_values=[""]),
    )


def _explain(message: str, path: str) -> str:
    """Say an Arrow error with the column's name instead of its number."""
    match = _CELL.search(message)
    if match is None:
        return message
    number, row, reason = match.groups()
    # Arrow converts the first block before it tells the header.
    with _open(path) as stream, io.TextIOWrapper(stream, "utf-8-sig", "replace", newline="") as text:
        column = next(csv.reader(text))[int(number)]
    where = f"column {column!r}" + (f", row {row}" if row else "")
    return f"{where}: {reason.strip()}"
