"""A sample of the rows, for a quick run."""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from components.ingestion.discovery.data_files import DataFile

POOL_FACTOR, POOL_ROWS = 20, 200_000
"""A sample is drawn from the first POOL_FACTOR times its rows, or from POOL_ROWS rows if these are fewer."""


def part(
    size: int, file: DataFile, files: Sequence[DataFile], shares: Mapping[str, int], *, cut_eval: bool = False
) -> int:
    """Return the number of rows that a file contributes to a sample: an equal part, or one of its split's share.

    Args:
        size: Rows of the sample.
        file: The file.
        files: All files.
        shares: Split -> share.
        cut_eval: Whether the eval split is cut out of train.
    """
    file_count = sum(data_file.split == file.split for data_file in files)
    shares = dict(shares)
    if cut_eval:
        shares["train"] += shares.pop("eval")
    split_size = size if file.split is None else size * shares[file.split] / sum(shares.values())
    return max(1, math.ceil(split_size / file_count))


def rows(batches: Iterator[pa.RecordBatch], count: int) -> Iterator[pa.RecordBatch]:
    """Draw `count` rows from the first ones, in order: files are often sorted by their label."""
    pool: list[pa.RecordBatch] = []
    pooled, size = 0, max(count, min(POOL_FACTOR * count, POOL_ROWS))
    for batch in batches:
        pool.append(batch.slice(0, size - pooled))
        pooled += len(pool[-1])
        if pooled == size:
            break
    sampled = np.sort(np.random.default_rng(0).permutation(pooled)[:count])
    start = 0
    for batch in pool:
        yield batch.take(pa.array(sampled[(sampled >= start) & (sampled < start + len(batch))] - start))
        start += len(batch)
