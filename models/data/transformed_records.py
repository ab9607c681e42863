"""Reads transformed tf.Examples as one array per feature."""

import itertools
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf

from models.data import column_cache, streaming

READ_BATCH = 8192
"""Records parsed at once: large enough to make the cost of the call negligible."""
PERMUTED_ROWS = 100_000
"""Up to this number of rows tf.data shuffles, at a lower cost per batch."""


def read(
    files: Sequence[str],
    spec: Mapping[str, Any],
    limit: float = math.inf,
    rows: Mapping[str, int | None] | None = None,
) -> dict[str, np.ndarray[Any, Any]]:
    """Read gzipped TFRecord files of tf.Example, in order.

    Args:
        files: Paths.
        spec: Feature spec of the transformed examples, all of fixed length.
        limit: Bytes that memory may hold; above, the columns are memory maps of files in the temporary folder.
        rows: File -> number of records it must have; any number without an entry or with None.

    Returns:
        Feature name -> array of (rows, n): n is 1 for a number or an index, more for a bag or a flattened image.

    Raises:
        ValueError: There are no records, or a file does not have the declared number.
    """
    counted = (batch for path in files for batch in _counted(path, spec, (rows or {}).get(path)))
    columns = streaming.collect(counted, limit, lambda: tempfile.mkdtemp(prefix="columns-"))
    if not columns:
        raise ValueError(f"no transformed record in {', '.join(files) or 'no file'}")
    return columns


def _counted(path: str, spec: Mapping[str, Any], rows: int | None) -> Iterator[dict[str, np.ndarray[Any, Any]]]:
    """Yield the batches of one file, and check the number of rows."""
    count = 0
    for batch in _from_cache(path, spec) or _parsed(path, spec):
        yield batch
        count += len(next(iter(batch.values())))
    if rows is not None and count != rows:
        raise ValueError(
            f"{path} holds {count:,} rows and its artifact declares {rows:,}: it is truncated or of another run. Run "
            "again: a stage whose output was changed runs again"
        )


def _parsed(path: str, spec: Mapping[str, Any]) -> Iterator[dict[str, np.ndarray[Any, Any]]]:
    records = tf.data.TFRecordDataset(path, compression_type="GZIP").batch(READ_BATCH)
    parsed = records.map(lambda batch: tf.io.parse_example(batch, dict(spec)), num_parallel_calls=tf.data.AUTOTUNE)
    yield from parsed.as_numpy_iterator()


def _from_cache(path: str, spec: Mapping[str, Any]) -> Iterator[dict[str, np.ndarray[Any, Any]]] | None:
    """Read the column cache of a record file; None if it lacks a column."""
    batches_of_cache = column_cache.batches(path)
    if batches_of_cache is None:
        return None
    first_batch = next(batches_of_cache, None)
    if first_batch is None or not set(spec) <= set(first_batch.schema.names):
        return None
    return ({name: _array(batch, name) for name in spec} for batch in itertools.chain([first_batch], batches_of_cache))


def _array(batch: Any, name: str) -> np.ndarray[Any, Any]:
    column = batch.column(batch.schema.get_field_index(name))
    if pa.types.is_fixed_size_list(column.type):
        values: np.ndarray[Any, Any] = column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), -1)
        return values
    flat: np.ndarray[Any, Any] = column.to_numpy(zero_copy_only=False)
    return flat


def batches(
    columns: Mapping[str, np.ndarray[Any, Any]],
    label: np.ndarray[Any, Any],
    *,
    size: int,
    seed: int | None,
    weight: np.ndarray[Any, Any] | None = None,
) -> tf.data.Dataset:
    """Return batches of (features, label) or (features, label, weight).

    Args:
        columns: Feature name -> (rows, ...).
        label: (rows, 1).
        size: Rows a batch; the last may be smaller.
        seed: Reshuffle each epoch, starting from this seed; None keeps the order.
        weight: Weight of each row, (rows,).

    Returns:
        A dataset of one epoch.
    """
    if any(map(streaming.is_file, columns.values())):
        return streaming.batches(columns, label, size=size, seed=seed, weight=weight)
    rows = len(label)
    if seed is None:
        # Without a function of Python, which TensorFlow would optimize for each epoch. The batch dimension stays
        # unknown, as in training: a known one makes TensorFlow round a mean differently.
        parts = ({name: tf.constant(column) for name, column in columns.items()}, tf.constant(label))
        dataset = tf.data.Dataset.from_tensors(parts if weight is None else (*parts, tf.constant(weight)))
        return dataset.rebatch(size).apply(tf.data.experimental.assert_cardinality(-(-rows // size)))
    matrices = _matrices(columns)
    others = (tf.constant(label),) if weight is None else (tf.constant(label), tf.constant(weight))

    def gather(rows_of_batch: tf.Tensor) -> Any:
        features: dict[str, tf.Tensor] = {}
        for names, matrix in matrices:
            gathered = tf.gather(matrix, rows_of_batch)
            features |= zip(
                names, tf.split(gathered, len(names), axis=1) if len(names) > 1 else [gathered], strict=True
            )
        return ({name: features[name] for name in columns}, *(tf.gather(part, rows_of_batch) for part in others))

    return _places(rows, size, seed).map(gather, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def _matrices(columns: Mapping[str, np.ndarray[Any, Any]]) -> list[tuple[list[str], tf.Tensor]]:
    """Join the columns of one number per row to a matrix for each dtype; others stay alone.

    The function that gathers a batch is optimized by TensorFlow for each epoch, which takes as long as the function has
    operations, and rows of a matrix are gathered faster than those of many columns.

    Returns:
        Names of columns, and their matrix (rows, number of names), or the column.
    """
    together: dict[Any, list[str]] = {}
    for name, column in columns.items():
        is_one_number = column.shape[1:] == (1,)
        together.setdefault(column.dtype if is_one_number else name, []).append(name)
    groups = list(together.values())
    # A column alone may have any number of dimensions.
    joined = (
        columns[names[0]] if len(names) == 1 else np.concatenate([columns[n] for n in names], 1) for names in groups
    )
    return [(names, tf.constant(matrix)) for names, matrix in zip(groups, joined, strict=True)]


def _places(rows: int, size: int, seed: int) -> tf.data.Dataset:
    """Return the shuffled row numbers of each batch of an epoch, int64 (size,); the last may be smaller."""
    if rows <= PERMUTED_ROWS:
        return tf.data.Dataset.range(rows).shuffle(rows, seed=seed, reshuffle_each_iteration=True).batch(size)
    # A shuffle buffer holds one tensor per row. One permutation per epoch takes a quarter of its time at 800,000 rows.
    seeds = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).take(1)
    order = seeds.map(
        lambda number: tf.random.experimental.stateless_shuffle(tf.range(rows, dtype=tf.int64), [number, 0])
    )
    steps = tf.data.Dataset.range(-(-rows // size))
    return order.flat_map(lambda places: steps.map(lambda step: places[step * size : (step + 1) * size]))
