"""Cache of the columns of record files in Arrow format, so that later stages of a run need not decode records.

Optional and never the only copy: a stage reads the records if there is no cache, or if it belongs to other records. It
is next to the Split-* folders, in which TFX would read every file as records. Only local files have one.
"""

import functools
import hashlib
import json
import math
import os
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from models.data import arrow

FOLDER = "columns"
"""Folder next to the Split-* folders."""
_ARROW, _FACTS = ".arrow", ".json"
_COMPRESSION = "lz4"
_READ_BYTES = 1 << 20


def place(records: str) -> str | None:
    """Return the path of the cache of a record file, without extension; None for remote files."""
    if "://" in records:
        return None
    split, name = os.path.split(records)
    artifact, split_name = os.path.split(split)
    return os.path.join(artifact, FOLDER, split_name, name)


class Writer:
    """Writes the columns of one record file.

    Args:
        records: Path of the record file.
    """

    def __init__(self, records: str) -> None:
        self._place = place(records)
        self._file: Any = None
        self._writer: Any = None
        self._rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows; all batches have one schema."""
        if self._place is None:
            return
        if self._writer is None:
            os.makedirs(os.path.dirname(self._place), exist_ok=True)
            self._file = pa.OSFile(self._place + _ARROW, "wb")
            self._writer = arrow.stream_writer(self._file, batch.schema, _COMPRESSION)
        self._writer.write_batch(batch)
        self._rows += len(batch)

    def close(self, digest: str) -> None:
        """Finish the file, and store the digest of its records.

        Args:
            digest: BLAKE2b of the record file, 32 bytes as hexadecimal digits.
        """
        if self._place is None or self._writer is None:
            return
        self._writer.close()
        self._file.close()
        facts = {"records": digest, "columns": _digest(self._place + _ARROW), "rows": self._rows}
        with open(self._place + _FACTS, "w", encoding="utf-8") as file:
            json.dump(facts, file)


def batches(records: str) -> Iterator[pa.RecordBatch] | None:
    """Yield the columns of a record file in batches, in order.

    Returns:
        Record batches of int64, float32 and binary columns as `typed` makes them, a null where a feature has no value;
        None without a cache of exactly these records.
    """
    path = place(records)
    if path is None:
        return None
    try:
        with open(path + _FACTS, encoding="utf-8") as file:
            facts = json.load(file)
        intact = facts["records"] == _digest(records) and facts["columns"] == _digest(path + _ARROW)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return _read(path + _ARROW) if intact else None


def rows(records: str) -> float:
    """Return the number of rows in the cache of a record file; infinity without one."""
    try:
        with open(f"{place(records)}{_FACTS}", encoding="utf-8") as file:
            return float(json.load(file)["rows"])
    except (OSError, ValueError, KeyError, TypeError):
        return math.inf


def typed(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Cast flat columns to the types of tf.Example: int64, float32 and binary."""
    return pa.RecordBatch.from_arrays([_typed(column) for column in batch.columns], batch.schema.names)


def _typed(column: pa.Array) -> pa.Array:
    if pa.types.is_floating(column.type):
        return column.cast(pa.float32(), safe=False)
    if pa.types.is_integer(column.type) or pa.types.is_boolean(column.type):
        return column.cast(pa.int64())
    return column.cast(pa.binary())


def _read(path: str) -> Iterator[pa.RecordBatch]:
    with pa.OSFile(path) as file:
        try:
            stream = arrow.stream_reader(file)
        except arrow.PickledTypeError as error:
            raise ValueError(f"{path}: {error}; or remove it, and the records are read instead") from error
        with stream:
            yield from stream


def _digest(path: str) -> str:
    """Digest a file, cached while it is unchanged: three stages of a run read the same files."""
    stat = os.stat(path)
    return _content(path, stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_ctime_ns)


@functools.lru_cache(maxsize=1024)
def _content(path: str, *_identity: int) -> str:
    digest = hashlib.blake2b(digest_size=32)
    with open(path, "rb") as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


def selected(batch: pa.RecordBatch, rows: Any) -> pa.RecordBatch:
    """Select rows of a batch.

    Args:
        batch: n rows.
        rows: Row numbers, int64.
    """
    return pa.RecordBatch.from_arrays([column.take(pa.array(rows)) for column in batch.columns], batch.schema.names)
