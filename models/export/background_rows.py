"""Background rows of a SavedModel: rows of the train split with which an explanation compares a row.

The file assets.extra/background.json, which TensorFlow and TF Serving ignore, has the inputs of `serving_default` by
column, for rows at equal distances in the split. Encoded images and long texts are left out, with the reason.
"""

import base64
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf

from models.data import column_cache
from spec.file_names import BACKGROUND

ROWS = 64
"""Number of background rows; an explanation predicts two rows for each of them and each column."""
CANDIDATES = 4096
"""Number of records at the start of a file to sample from, if it has no column cache, as in a bucket."""
TEXT_BYTES = 1024
"""Maximum mean length of a column's texts in bytes; each copy of the model contains them."""
IMAGE = "it holds encoded images"
LONG_TEXT = f"its texts are longer than {TEXT_BYTES} bytes on average"
VECTOR = "it holds several values in a row"


def write(
    folder: str, inputs: Mapping[str, str], raw_spec: Mapping[str, Any], files: Sequence[str], images: Iterable[str]
) -> int:
    """Sample background rows and write them to a SavedModel.

    Args:
        folder: Folder of the SavedModel.
        inputs: Input name -> column.
        raw_spec: Column -> FixedLenFeature, or VarLenFeature if it may be null.
        files: Gzipped TFRecord files of the train split's tf.Examples.
        images: Columns of encoded images.

    Returns:
        Number of background rows.
    """
    reasons = dict.fromkeys(images, IMAGE)
    for column, feature in raw_spec.items():
        if not isinstance(feature, tf.io.VarLenFeature) and tuple(feature.shape) != (1,):
            reasons.setdefault(column, VECTOR)
    columns = [column for column in inputs.values() if column not in reasons]
    rows = _rows(files, columns) if columns else []
    entries: list[dict[str, Any]] = []
    for name, column in inputs.items():
        cells = [row.get(column) for row in rows]
        if sum(len(cell) for cell in cells if isinstance(cell, bytes)) > TEXT_BYTES * len(cells):
            reasons.setdefault(column, LONG_TEXT)
        entry = {"name": name, "column": column, "dtype": raw_spec[column].dtype.name}
        explained = {"reason": reasons[column]} if column in reasons else {"cells": list(map(_plain, cells))}
        entries.append(entry | explained)
    content = {"rows": len(rows), "inputs": entries}
    tf.io.gfile.makedirs(os.path.dirname(os.path.join(folder, BACKGROUND)))
    with tf.io.gfile.GFile(os.path.join(folder, BACKGROUND), "w") as file:
        file.write(json.dumps(content, ensure_ascii=False))
    return len(rows)


def _rows(files: Sequence[str], columns: Sequence[str]) -> list[dict[str, Any]]:
    """Sample rows at equal distances over all files: column -> value, for each row, without nulls."""
    counts = [column_cache.rows(path) for path in files]
    batches = [column_cache.batches(path) for path in files] if math.inf not in counts else [None]
    if None in batches:
        return _first_rows(files, columns)
    places = _spread(int(sum(counts)))
    sampled_rows: list[dict[str, Any]] = []
    start = 0
    for file in batches:
        for batch in file or ():
            positions = places[(places >= start) & (places < start + len(batch))] - start
            start += len(batch)
            if len(positions):
                present = [name for name in columns if name in batch.schema.names]
                sampled = column_cache.selected(_select(batch, present), positions) if present else batch.slice(0, 0)
                by_column = [column.to_pylist() for column in column_cache.typed(sampled).columns]
                rows = zip(*by_column, strict=True) if present else [()] * len(positions)
                sampled_rows += [dict(zip(present, row, strict=True)) for row in rows]
    return sampled_rows


def _select(batch: pa.RecordBatch, names: Sequence[str]) -> pa.RecordBatch:
    arrays = [batch.column(batch.schema.get_field_index(name)) for name in names]
    return pa.RecordBatch.from_arrays(arrays, list(names))


def _first_rows(files: Sequence[str], columns: Sequence[str]) -> list[dict[str, Any]]:
    """Sample rows among the first records of each file; result as of `_rows`."""
    records: list[bytes] = []
    for path in files:
        dataset = tf.data.TFRecordDataset([path], compression_type="GZIP").take(CANDIDATES)
        records += dataset.as_numpy_iterator()
    sampled_rows = []
    for place in _spread(len(records)):
        features = tf.train.Example.FromString(records[place]).features.feature
        row = {}
        for name in columns:
            kind = features[name].WhichOneof("kind") if name in features else None
            values = list(getattr(features[name], kind).value) if kind else []
            if values:
                row[name] = values[0]
        sampled_rows.append(row)
    return sampled_rows


def _spread(count: int) -> np.ndarray[Any, Any]:
    """Return the numbers of up to ROWS of `count` rows, at equal distances, int64 ascending."""
    size = min(ROWS, count)
    return (2 * np.arange(size) + 1) * count // (2 * max(size, 1))


def _plain(cell: Any) -> Any:
    """Convert a cell to JSON: a text, a number, or `{"b64": ...}` for bytes that are not UTF-8; None for a null."""
    if isinstance(cell, bytes):
        try:
            return cell.decode()
        except UnicodeDecodeError:
            return {"b64": base64.b64encode(cell).decode()}
    if isinstance(cell, float):
        return float(str(np.float32(cell))) if math.isfinite(cell) else None
    return cell
