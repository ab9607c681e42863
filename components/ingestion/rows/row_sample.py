"""A sample of the rows, for a quick run."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from components.ingestion.discovery.data_files import DataFile
from spec.rows.data_paths import SPLITS

POOL_FACTOR, POOL_ROWS = 20, 200_000
"""A sample is drawn out of this many times its rows, but not out of more than so many."""


def part(size: int, file: DataFile, files: Sequence[DataFile], split: Mapping[str, Any]) -> int:
    """How many rows of a sample a file gives: an equal part, or of its ready-made split's share.

    Args:
        size: Rows of the sample.
        file: The file.
        files: All files.
        split: [data.split], with `cut_eval`.
    """
    alike = sum(other.split == file.split for other in files)
    shares = {name: split[name] for name in SPLITS}
    if split["cut_eval"]:
        shares["train"] += shares.pop("eval")
    own = size if file.split is None else size * shares[file.split] / sum(shares.values())
    return max(1, math.ceil(own / alike))


def rows(batches: Iterator[pa.RecordBatch], count: int) -> Iterator[pa.RecordBatch]:
    """So many rows, in order, drawn out of the first ones, since files are often sorted by their label."""
    held: list[pa.RecordBatch] = []
    taken, size = 0, max(count, min(POOL_FACTOR * count, POOL_ROWS))
    for batch in batches:
        held.append(batch.slice(0, size - taken))
        taken += len(held[-1])
        if taken == size:
            break
    chosen = np.sort(np.random.default_rng(0).permutation(taken)[:count])
    start = 0
    for batch in held:
        yield batch.take(pa.array(chosen[(chosen >= start) & (chosen < start + len(batch))] - start))
        start += len(batch)
