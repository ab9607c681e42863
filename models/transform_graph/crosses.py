"""Crosses of indices."""

from collections.abc import Sequence

import tensorflow as tf


def cross(indices: Sequence[tf.Tensor], depths: Sequence[int], buckets: int) -> tf.Tensor:
    """Combine indices to one.

    Args:
        indices: int64 (batch, 1) each, two or more.
        depths: Number of values of each index, for a cross with an index for each combination; empty to hash.
        buckets: Number of hash buckets; without effect if `depths` are given.

    Returns:
        int64 (batch, 1).
    """
    if depths:
        cell = tf.zeros_like(indices[0])
        for index, depth in zip(indices, depths, strict=True):
            cell = cell * depth + index
        return cell
    keys = [tf.strings.as_string(index) for index in indices]
    return tf.strings.to_hash_bucket_fast(tf.strings.join(keys, separator="|"), buckets)
