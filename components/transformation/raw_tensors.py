"""Reader of record files: the raw columns as the tensors that tf.io.parse_example returns."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf

from components import example_passes
from models.data import column_cache

_KINDS = {tf.int64: pa.int64(), tf.float32: pa.float32(), tf.string: pa.binary()}
FEW = 4
"""Minimum number of rows per distinct value for the conversion of text by a dictionary, which is then faster."""


def tensors(path: str, spec: Mapping[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read a file in batches, from its column cache if it has one, otherwise by parsing the records.

    Args:
        path: Gzipped TFRecord file of tf.Examples.
        spec: Column -> parsing rule.

    Yields:
        Number of rows of a batch, and column -> tensor.

    Raises:
        ValueError: A column of the cache does not have the type of its parsing rule.
    """
    cached = column_cache.batches(path) if all(map(_plain, spec.values())) else None
    if cached is None:
        for records in example_passes.batches(path):
            yield len(records), tf.io.parse_example(records, dict(spec))
        return
    for batch in cached:
        columns = {name: _column(batch, name, rule) for name, rule in spec.items()}
        if not all(_fits(columns[name], rule) for name, rule in spec.items()):
            # Parsing raises an error that names row and column.
            tf.io.parse_example(np.concatenate(list(example_passes.batches(path))), dict(spec))
            raise ValueError(f"{path}: its columns do not match the schema")
        yield len(batch), {name: _tensor(column, spec[name]) for name, column in columns.items()}


def _plain(rule: Any) -> bool:
    """Return whether a rule parses at most one value per row."""
    if isinstance(rule, tf.io.VarLenFeature):
        return True
    return _fixed(rule) and tuple(rule.shape) in ((), (1,)) and rule.default_value is None


def _fixed(rule: Any) -> bool:
    return isinstance(rule, tf.io.FixedLenFeature)


def _column(batch: pa.RecordBatch, name: str, rule: Any) -> pa.Array:
    index = batch.schema.get_field_index(name)
    return batch.column(index) if index >= 0 else pa.nulls(len(batch), _KINDS[rule.dtype])


def _fits(column: pa.Array, rule: Any) -> bool:
    return column.type == _KINDS[rule.dtype] and not (_fixed(rule) and column.null_count)


def _tensor(column: pa.Array, rule: Any) -> Any:
    if _fixed(rule):
        return tf.reshape(_values(column), [-1, *rule.shape])
    rows = np.flatnonzero(np.asarray(column.is_valid()))
    places = np.stack([rows, np.zeros_like(rows)], axis=1)
    return tf.SparseTensor(places, _values(column.drop_null()), [len(column), min(1, len(rows))])


def _values(column: pa.Array) -> tf.Tensor:
    """Convert a column without nulls to a dense tensor of (rows,)."""
    if not pa.types.is_binary(column.type):
        return tf.constant(column.to_numpy(zero_copy_only=False))
    coded = column.dictionary_encode()
    if len(coded.dictionary) * FEW > len(column):
        return tf.constant(column.to_numpy(zero_copy_only=False), tf.string)
    return tf.gather(tf.constant(coded.dictionary.to_pylist(), tf.string), coded.indices.to_numpy())
