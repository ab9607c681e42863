"""Rows of the train split that a model carries, with which an explanation compares a row.

They are in assets.extra/background.json of the SavedModel, which TensorFlow and TF Serving ignore: the inputs of
`serving_default` by column, spread evenly over the split. Encoded images and long texts are left out, with the reason.
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
"""An explanation predicts a row for each of them and each column, twice."""
CANDIDATES = 4096
"""Records at the start of a file among which rows are chosen, if the columns are not beside them, as in a bucket."""
TEXT_BYTES = 1024
"""Longest mean of a column's texts; each copy of the model carries them."""
IMAGE = "it holds encoded images"
LONG_TEXT = f"its texts are longer than {TEXT_BYTES} bytes on average"
VECTOR = "it holds several values in a row"


def write(
    folder: str, inputs: Mapping[str, str], raw_spec: Mapping[str, Any], files: Sequence[str], images: Iterable[str]
) -> int:
    """Write the rows.

    Args:
        folder: The SavedModel's.
        inputs: Name of an input -> column.
        raw_spec: Column -> FixedLenFeature, or VarLenFeature if it may be null.
        files: Gzipped TFRecord files of the train split's tf.Examples.
        images: Columns of encoded images.

    Returns:
        Number of rows.
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
    """Choose rows that are spread evenly over the files: column -> value, without nulls."""
    counts = [column_cache.rows(path) for path in files]
    batches = [column_cache.batches(path) for path in files] if math.inf not in counts else [None]
    if None in batches:
        return _first_rows(files, columns)
    places = _spread(int(sum(counts)))
    chosen: list[dict[str, Any]] = []
    start = 0
    for file in batches:
        for batch in file or ():
            here = places[(places >= start) & (places < start + len(batch))] - start
            start += len(batch)
            if len(here):
                known = [name for name in columns if name in batch.schema.names]
                taken = column_cache.selected(_only(batch, known), here) if known else batch.slice(0, 0)
                by_column = [column.to_pylist() for column in column_cache.typed(taken).columns]
                rows = zip(*by_column, strict=True) if known else [()] * len(here)
                chosen += [dict(zip(known, row, strict=True)) for row in rows]
    return chosen


def _only(batch: pa.RecordBatch, names: Sequence[str]) -> pa.RecordBatch:
    arrays = [batch.column(batch.schema.get_field_index(name)) for name in names]
    return pa.RecordBatch.from_arrays(arrays, list(names))


def _first_rows(files: Sequence[str], columns: Sequence[str]) -> list[dict[str, Any]]:
    """Choose among the first records of each file."""
    records: list[bytes] = []
    for path in files:
        dataset = tf.data.TFRecordDataset([path], compression_type="GZIP").take(CANDIDATES)
        records += dataset.as_numpy_iterator()
    chosen = []
    for place in _spread(len(records)):
        features = tf.train.Example.FromString(records[place]).features.feature
        row = {}
        for name in columns:
            kind = features[name].WhichOneof("kind") if name in features else None
            values = list(getattr(features[name], kind).value) if kind else []
            if values:
                row[name] = values[0]
        chosen.append(row)
    return chosen


def _spread(count: int) -> np.ndarray[Any, Any]:
    """Return the numbers of ROWS rows of `count`, in equal distances."""
    size = min(ROWS, count)
    return (2 * np.arange(size) + 1) * count // (2 * max(size, 1))


def _plain(cell: Any) -> Any:
    """Convert a cell to JSON: a text, a number, `{"b64": ...}` for bytes that are no text; None for a null."""
    if isinstance(cell, bytes):
        try:
            return cell.decode()
        except UnicodeDecodeError:
            return {"b64": base64.b64encode(cell).decode()}
    if isinstance(cell, float):
        return float(str(np.float32(cell))) if math.isfinite(cell) else None
    return cell
