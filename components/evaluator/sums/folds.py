"""Folds of the jackknife, and number of groups of a cell.

Rows of one group are similar, so they are in one fold: folds of single rows would treat them as independent and make
intervals too narrow (Busing, Meijer and van der Leeden, 1999, leave out whole groups too).
"""

import numpy as np
import pandas as pd

from components.evaluator.sums.accumulators import FOLDS, Array, draw

MAX_KEYS = 500_000
"""Pairs of cell and group to count exactly, 8 MB; of more a sample by the group's hash is counted."""


def keys(values: Array, present: Array, rows: Array) -> Array:
    """Return a hash of the group of each row, uint64 (n,).

    Args:
        values: (n,), raw column that identifies the group.
        present: bool (n,), whether the value is not null; a row with a null is its own group.
        rows: int64 (n,), row numbers.
    """
    if values.dtype.kind == "f":
        words = values.astype(np.float64).view(np.uint64)
    elif values.dtype.kind in "iub":
        words = values.astype(np.int64).view(np.uint64)
    else:
        words = pd.util.hash_array(values.astype(object), categorize=False).astype(np.uint64)
    # Hash twice, so that groups and rows have different hashes.
    return np.where(present, draw(draw(words)), draw(rows))


def fold(key: Array) -> Array:
    """Return the fold of each row, int64 (n,), by its key."""
    return (key % np.uint64(FOLDS)).astype(np.int64)


class Groups:
    """Counts groups by cell, exactly up to MAX_KEYS pairs, else within a few percent (Wegman's adaptive sampling)."""

    def __init__(self) -> None:
        self._pairs = np.zeros((0, 2), np.uint64)
        self._waiting: list[Array] = []
        self._number = self._bits = 0

    def add(self, cells: Array, key: Array) -> None:
        """Add a batch.

        Args:
            cells: int64 (n,), -1 for a row that is in no cell.
            key: Keys from `keys`.
        """
        counted = (cells >= 0) & self._sampled(key)
        self._waiting.append(np.stack([cells[counted].astype(np.uint64), key[counted]], axis=1))
        self._number += int(counted.sum())
        if self._number > MAX_KEYS:
            self._merge()

    def count(self, cell: int) -> float:
        """Return the number of groups of a cell."""
        self._merge()
        return float((self._pairs[:, 0] == np.uint64(cell)).sum() << self._bits)

    def _sampled(self, key: Array) -> Array:
        # The lowest bits determine the fold.
        is_sampled: Array = ((key >> np.uint64(32)) & np.uint64((1 << self._bits) - 1)) == 0
        return is_sampled

    def _merge(self) -> None:
        if self._waiting:
            self._pairs = np.unique(np.concatenate([self._pairs, *self._waiting]), axis=0)
            self._waiting = []
        while len(self._pairs) > MAX_KEYS // 2:
            self._bits += 1
            self._pairs = self._pairs[self._sampled(self._pairs[:, 1])]
        self._number = len(self._pairs)
