"""Which split a row goes to: by a hash, so that it never changes sides."""

import bisect
import hashlib
import itertools
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from components.ingestion import encoding


def rows(keys: pa.Array, shares: Mapping[str, int], salt: str = "") -> dict[str, np.ndarray]:  # type: ignore[type-arg]
    """Assign rows to splits as stock ExampleGen does: SHA-256 of the key, modulo the sum of the shares.

    Args:
        keys: Binary array of n keys: the serialized tf.Example, or the serialized feature of one column.
        shares: Split name -> its share, in order.
        salt: Goes before each key.

    Returns:
        Split name -> row numbers, rising.
    """
    bounds = list(itertools.accumulate(shares.values()))
    prefix = salt.encode()
    known: dict[bytes, int] = {}
    assigned = np.empty(len(keys), np.int64)
    for row, key in enumerate(keys.to_pylist()):
        split = known.get(key)
        if split is None:
            bucket = int.from_bytes(hashlib.sha256(prefix + key).digest(), "big") % bounds[-1]
            split = known[key] = bisect.bisect(bounds, bucket)
        assigned[row] = split
    return {name: np.flatnonzero(assigned == number) for number, name in enumerate(shares)}


def keys(batch: pa.RecordBatch, examples: pa.Array, column: str | None) -> pa.Array:
    """The text that decides: one column's serialized feature, or the whole example."""
    if column is None:
        return examples
    return encoding.features(batch.column(column))
