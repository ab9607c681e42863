"""Reads transformed tf.Examples into memory, as one tensor a feature."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

READ_BATCH = 8192
"""Records parsed at once: large enough that the call's cost vanishes."""


def read(files: Sequence[str], spec: Mapping[str, Any]) -> dict[str, np.ndarray[Any, Any]]:
    """Read gzipped TFRecord files of tf.Example, in order.

    Args:
        files: Paths or glob patterns.
        spec: Feature spec of the transformed examples, all of fixed length.

    Returns:
        Feature name -> array of (rows, n): 1 for a number or an index, more for a bag or a picture, which is flat.

    Raises:
        ValueError: there is no record.
    """
    paths = sorted(path for pattern in files for path in tf.io.gfile.glob(pattern))
    dataset = (
        tf.data.TFRecordDataset(paths, compression_type="GZIP")
        .batch(READ_BATCH)
        .map(lambda batch: tf.io.parse_example(batch, dict(spec)), num_parallel_calls=tf.data.AUTOTUNE)
    )
    batches = list(dataset.as_numpy_iterator())
    if not batches:
        raise ValueError(f"no transformed record in {', '.join(files)}")
    columns = {}
    for name in spec:
        # Taken out one by one, so that pictures stand in memory once and not twice.
        column = np.concatenate([batch.pop(name) for batch in batches])
        columns[name] = column.reshape(len(column), -1)
    return columns


def batches(
    columns: Mapping[str, np.ndarray[Any, Any]],
    label: np.ndarray[Any, Any],
    *,
    size: int,
    seed: int | None,
    weight: np.ndarray[Any, Any] | None = None,
) -> tf.data.Dataset:
    """Batches of (features, label) or (features, label, weight) from memory.

    Args:
        columns: Feature name -> (rows, ...).
        label: (rows, 1).
        size: Rows a batch; the last may be smaller.
        seed: Shuffle anew each epoch, starting from this seed; None keeps the order.
        weight: How much each row counts, (rows,).

    Returns:
        A dataset of one epoch.
    """
    rows = len(label)
    kept: tuple[Any, ...] = ({name: tf.constant(column) for name, column in columns.items()}, tf.constant(label))
    if weight is not None:
        kept = (*kept, tf.constant(weight))
    index = tf.data.Dataset.range(rows)
    if seed is not None:
        index = index.shuffle(rows, seed=seed, reshuffle_each_iteration=True)

    def gather(rows_of_batch: tf.Tensor) -> Any:
        return tf.nest.map_structure(lambda tensor: tf.gather(tensor, rows_of_batch), kept)

    return index.batch(size).map(gather, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
