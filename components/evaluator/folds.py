"""Which fold of the jackknife a row is in, and how many groups a cell has.

Rows of one group are alike, so they stay in one fold: folds of single rows would take them as independent, and give
intervals that are too narrow (Busing, Meijer and van der Leeden, 1999, leave out whole groups too).
"""

import numpy as np
import pandas as pd

from components.evaluator.metrics.accumulators import FOLDS, Array, draw

MOST_KEYS = 500_000
"""Pairs of cell and group that are held, 8 MB; of more a share is held, drawn by the group's hash."""


def keys(values: Array, present: Array, rows: Array) -> Array:
    """A number for each row that the rows of one group share, uint64 (n,).

    Args:
        values: (n,) of the raw column that names the group.
        present: bool (n,), whether the row has a value; one without is a group of its own.
        rows: int64 (n,), the rows' numbers.
    """
    if values.dtype.kind == "f":
        words = values.astype(np.float64).view(np.uint64)
    elif values.dtype.kind in "iub":
        words = values.astype(np.int64).view(np.uint64)
    else:
        words = pd.util.hash_array(values.astype(object), categorize=False).astype(np.uint64)
    # Two draws, so that a group's number is not that of a row.
    return np.where(present, draw(draw(words)), draw(rows))


def fold(key: Array) -> Array:
    """The fold of each row, int64 (n,), by its key."""
    return (key % np.uint64(FOLDS)).astype(np.int64)


class Groups:
    """Counts the groups of each cell, exactly up to MOST_KEYS pairs, else within a few per cent (Wegman's sampling)."""

    def __init__(self) -> None:
        self._held = np.zeros((0, 2), np.uint64)
        self._waiting: list[Array] = []
        self._number = self._bits = 0

    def add(self, cells: Array, key: Array) -> None:
        """Take a batch.

        Args:
            cells: int64 (n,), -1 for a row that no cell holds.
            key: As of `keys`.
        """
        kept = (cells >= 0) & self._drawn(key)
        self._waiting.append(np.stack([cells[kept].astype(np.uint64), key[kept]], axis=1))
        self._number += int(kept.sum())
        if self._number > MOST_KEYS:
            self._merge()

    def count(self, cell: int) -> float:
        """Groups of a cell."""
        self._merge()
        return float((self._held[:, 0] == np.uint64(cell)).sum() << self._bits)

    def _drawn(self, key: Array) -> Array:
        # The lowest bits tell the fold.
        found: Array = ((key >> np.uint64(32)) & np.uint64((1 << self._bits) - 1)) == 0
        return found

    def _merge(self) -> None:
        if self._waiting:
            self._held = np.unique(np.concatenate([self._held, *self._waiting]), axis=0)
            self._waiting = []
        while len(self._held) > MOST_KEYS // 2:
            self._bits += 1
            self._held = self._held[self._drawn(self._held[:, 1])]
        self._number = len(self._held)
