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
        Feature name -> array of (rows, 1).

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
    return {name: np.concatenate([batch[name] for batch in batches]).reshape(-1, 1) for name in spec}


def batches(
    columns: Mapping[str, np.ndarray[Any, Any]], label: np.ndarray[Any, Any], *, size: int, seed: int | None
) -> tf.data.Dataset:
    """Batches of (features, label) from memory.

    Args:
        columns: Feature name -> (rows, 1).
        label: (rows, 1) float32.
        size: Rows a batch; the last may be smaller.
        seed: Shuffle anew each epoch, starting from this seed; None keeps the order.

    Returns:
        A dataset of one epoch.
    """
    rows = len(label)
    tensors = {name: tf.constant(column) for name, column in columns.items()}
    labels = tf.constant(label)
    index = tf.data.Dataset.range(rows)
    if seed is not None:
        index = index.shuffle(rows, seed=seed, reshuffle_each_iteration=True)

    def gather(rows_of_batch: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        return {name: tf.gather(tensor, rows_of_batch) for name, tensor in tensors.items()}, tf.gather(
            labels, rows_of_batch
        )

    return index.batch(size).map(gather, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
