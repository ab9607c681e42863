"""Reader of TFRecord files of tf.Example, compressed or not, without TensorFlow."""

import contextlib
import struct
from collections.abc import Iterator, Mapping
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tfx_bsl.coders import example_coder

from components.ingestion.discovery import compression, opening
from components.ingestion.omissions import Omissions
from components.ingestion.parsing import casting
from components.ingestion.readers import Format, NoRowsError
from components.ingestion.rows import left_out_columns
from components.ingestion.write.record_writer import masked_crc
from errors import UserError
from spec.data import Data

FORMAT = Format(extensions=(".tfrec",), infixes=("tfrecord",), keys=("drop", "partitions"), any_byte_is_row=True)
BATCH_RECORDS = 8192
"""Records per batch."""
MAX_RECORD_BYTES = 1 << 30
"""Longest record in bytes: a larger length is corrupt."""
_HEAD = struct.Struct("<QI")


def batches(
    path: str, data: Data, columns: Mapping[str, str], omissions: Omissions | None = None
) -> Iterator[pa.RecordBatch]:
    """Read a file in batches.

    Args:
        path: A TFRecord file.
        data: [data].
        columns: Column name -> INT, FLOAT or BYTES; other features are dropped, and a feature that no record of a
            batch has is null.
        omissions: Records skipped, dropped and converted parts.

    Yields:
        Batches of rows; strings are binary.

    Raises:
        UserError: the file cannot be read; the message names file, record, from 1, and feature.
    """
    for start, batch in _decoded(path):
        arrays = []
        for name, kind in columns.items():
            at = batch.schema.get_field_index(name)
            column = pa.nulls(len(batch), pa.null()) if at < 0 else _flat(path, name, batch.column(at), start)
            if kind == "BYTES" and pa.types.is_null(column.type):
                column = column.cast(pa.binary())
            try:
                arrays.append(casting.convert(column, kind))
            except casting.BadCellError as error:
                raise UserError(
                    f"{path}: feature {name!r}, record {start + error.row + 1}: {error.value!r} is not {kind}, the "
                    "type in the schema: fix the value, or change the type"
                ) from error
        yield pa.RecordBatch.from_arrays(arrays, list(columns))


def types(path: str, data: Data, columns: Mapping[str, str], omissions: Omissions | None = None) -> dict[str, str]:
    """Return the type of each feature in a file: the given type, else the type in the file.

    Args:
        path: A TFRecord file.
        data: [data].
        columns: Feature name -> INT, FLOAT or BYTES, of the features that have a type.
        omissions: Records features that are not read.

    Raises:
        UserError: the file cannot be read.
    """
    kinds: dict[str, str] = {}
    for _, batch in _decoded(path):
        names = set(left_out_columns.read_columns(batch.schema.names, data, omissions))
        for field in batch.schema:
            if field.name in names and (pa.types.is_list(field.type) or pa.types.is_large_list(field.type)):
                kinds[field.name] = columns.get(field.name) or str(casting.kind_of(field.type.value_type))
    return kinds


def look(path: str, data: Data, omissions: Omissions | None = None) -> list[str]:
    """Check that a file can be read and contains a record.

    Returns:
        Names of the features of its first records.

    Raises:
        UserError: the file cannot be read, or contains no record.
    """
    for _, batch in _decoded(path):
        return left_out_columns.read_columns(batch.schema.names, data, omissions)
    raise NoRowsError(f"{path} holds no records")


def unreadable(path: str, data: Data) -> dict[str, str]:
    """Return features with several values -> reason why they are not read.

    Raises:
        UserError: the file cannot be read.
    """
    reasons: dict[str, str] = {}
    for _, batch in _decoded(path):
        for name in set(left_out_columns.read_columns(batch.schema.names, data)) - set(reasons):
            column = batch.column(batch.schema.get_field_index(name))
            most = 0 if pa.types.is_null(column.type) else pc.max(pc.list_value_length(column)).as_py() or 0
            if most > 1:
                reasons[name] = f"it holds up to {most:,} values a record, and a cell is one number or text"
    return {name: reasons[name] for name in sorted(reasons)}


def _decoded(path: str) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Decode a file in batches: number of records before the batch, and the batch with a list column per feature."""
    decoder = example_coder.ExamplesToRecordBatchDecoder()
    start = 0
    for records in _records(path):
        try:
            batch = decoder.DecodeBatch(records)
        except (ValueError, RuntimeError) as error:
            raise UserError(
                f"{path}: records {start + 1} to {start + len(records)} are not tf.Examples: {error}"
            ) from error
        yield start, batch
        start += len(records)


def _records(path: str) -> Iterator[list[bytes]]:
    """Read serialized examples, at most BATCH_RECORDS at a time."""
    records: list[bytes] = []
    number = 0
    try:
        with contextlib.closing(opening.open_unpacked(path)) as file:
            while head := file.read(_HEAD.size):
                number += 1
                records.append(_record(path, number, head, file))
                if len(records) == BATCH_RECORDS:
                    yield records
                    records = []
    except compression.FAULTS as error:
        raise UserError(f"{path} cannot be read, after record {number}: {error}") from error
    if records:
        yield records


def _record(path: str, number: int, head: bytes, file: BinaryIO) -> bytes:
    fault = f"{path}: record {number} is broken: this is not a TFRecord file, or it is truncated"
    if len(head) < _HEAD.size:
        raise UserError(fault)
    length, crc = _HEAD.unpack(head)
    if masked_crc(head[:8]) != crc or length > MAX_RECORD_BYTES:
        raise UserError(fault)
    record, record_crc = file.read(length), file.read(4)
    if len(record) < length or len(record_crc) < 4 or masked_crc(record) != struct.unpack("<I", record_crc)[0]:
        raise UserError(fault)
    return record


def _flat(path: str, name: str, column: pa.Array, start: int) -> pa.Array:
    """Flatten a list column with at most one value per record to a column of n cells; an empty list becomes null."""
    if pa.types.is_null(column.type):
        return column
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    rows_with_lists = np.flatnonzero(lengths > 1)
    if len(rows_with_lists):
        row = int(rows_with_lists[0])
        raise UserError(
            f"{path}: feature {name!r}, record {start + row + 1} holds {lengths[row]} values, and a cell is one number "
            f"or text: {left_out_columns.advice(name)}"
        )
    places = np.where(lengths > 0, np.cumsum(lengths) - 1, 0)
    return pc.take(column.flatten(), pa.array(places, pa.int64(), mask=lengths == 0))
