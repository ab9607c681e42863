"""Raw columns of a split for the process that fits: from the column cache, or else from the records."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tfx_bsl.coders import example_coder

from components import example_passes
from manifest import Shard
from models.data import arrow, column_cache

MAX_VALUES = 5_000_000
"""Largest product of train rows, columns and classes that is fitted: about 10 s on one core. Of more rows, every
n-th is fitted."""
MIN_ROWS_PER_STEP = 5_000
"""Rows that are fitted however many columns and classes there are."""
MAX_PREDICTED = 1_000_000
"""Largest number of rows that are predicted."""
_TYPES = {"INT": pa.int64(), "FLOAT": pa.float32(), "BYTES": pa.binary()}


def step(rows: int, columns: int, classes: int) -> int:
    """Return n, so that every n-th row of the train split is a sample of a bearable size.

    Args:
        rows: Rows of the train split.
        columns: Columns of a plain model.
        classes: Trees of an iteration: the number of classes, 1 for a regression or two classes.
    """
    max_rows = max(MAX_VALUES // max(columns * classes, 1), MIN_ROWS_PER_STEP)
    return max(-(-rows // max_rows), 1)


def ordered(files: Sequence[Shard]) -> list[Shard]:
    """Sort files as the evaluator reads them, so that row numbers agree."""
    return sorted(files, key=lambda file: file.path)


def write(path: str, files: Sequence[Shard], types: Mapping[str, str], every: int = 1) -> int:
    """Write raw columns of a split as an Arrow stream.

    Args:
        path: The file to write.
        files: Files of the split.
        types: Raw column -> schema type.
        every: Write each row whose number is divisible by this.

    Returns:
        Number of rows written.
    """
    schema = pa.schema([(name, _TYPES[kind]) for name, kind in types.items()])
    start = row_count = 0
    with pa.OSFile(path, "wb") as file, arrow.stream_writer(file, schema) as stream:
        for shard in ordered(files):
            for batch in _batches(shard.path):
                sampled_rows = np.arange(-start % every, len(batch), every)
                start += len(batch)
                part = pa.RecordBatch.from_arrays(
                    [_flat(batch, field.name, field.type) for field in schema], schema=schema
                )
                part = part if every == 1 else column_cache.selected(part, sampled_rows)
                stream.write_batch(part)
                row_count += len(part)
    return row_count


def _batches(path: str) -> Iterator[pa.RecordBatch]:
    cached = column_cache.batches(path)
    if cached is not None:
        yield from cached
        return
    decoder = example_coder.ExamplesToRecordBatchDecoder()
    for records in example_passes.batches(path):
        yield decoder.DecodeBatch(records)


def _flat(batch: pa.RecordBatch, name: str, kind: pa.DataType) -> pa.Array:
    """Return a column with at most one value a row; null where it has none, or does not exist."""
    index = batch.schema.get_field_index(name)
    column = batch.column(index) if index >= 0 else pa.nulls(len(batch))
    if pa.types.is_null(column.type):
        return pa.nulls(len(batch), kind)
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        lengths = np.asarray(pc.fill_null(pc.list_value_length(column), 0))
        first_positions = np.asarray(column.offsets)[:-1].astype(np.int64)
        column = column.values.take(pa.array(first_positions, mask=lengths == 0))
    return column.cast(kind, safe=False)
