"""Sums over batches, by cell and fold, so that memory depends on the number of slices and not of rows.

A cell is all rows, or one slice. A fold is a twentieth of the rows, or of their groups, assigned by a fixed hash: the
jackknife of components/evaluator/intervals.py leaves out one fold at a time.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from components.evaluator.metric import Measure

Array = np.ndarray[Any, Any]
FOLDS = 20
"""Number of folds, as in TFMA's jackknife."""
PENDING = 2_000_000
"""Entries buffered before equal ones are added up: 32 MB."""
EXACT_SCORES = 1_000_000
"""Distinct scores that are kept exactly; with more, neighboring scores are merged."""


_DROPPED_BITS_STEP, _MAX_DROPPED_BITS = 2, 20
"""With 12 dropped bits 2,048 bins are left per power of two, with 20 there are 8."""


class Proportion(float):
    """A share of the rows, with the total weight of the rows, which its confidence interval needs."""

    total: float

    def __new__(cls, part: float, total: float) -> "Proportion":
        """Divide; NaN if the total is 0."""
        proportion = super().__new__(cls, part / total if total else np.nan)
        proportion.total = float(total)
        return proportion


@dataclass(frozen=True)
class Sums:
    """Sums over the rows of a cell.

    Attributes:
        count: Number of rows.
        weight: Sum of their weights.
        squares: Sum of their squared weights.
        numbers: float64 (m,), weighted sums of the measure's numbers.
        bins: int64 (u,), ascending: the measure's bins that contain a row.
        weights: float64 (u,), weight of the rows in each bin.
    """

    count: float
    weight: float
    squares: float
    numbers: Array
    bins: Array
    weights: Array

    def at(self, start: int, stop: int) -> tuple[Array, Array]:
        """Return the bins in [start, stop), counted from start, and their weights."""
        low, high = np.searchsorted(self.bins, [start, stop])
        return self.bins[low:high] - start, self.weights[low:high]

    def dense(self, start: int, stop: int) -> Array:
        """Return the weights (stop - start,) of all bins in [start, stop)."""
        bins, weights = self.at(start, stop)
        return np.bincount(bins, weights, stop - start)


class MetricSums:
    """Accumulates rows by cell and fold.

    Args:
        measure: The task's measure.
        num_cells: Number of cells.
    """

    def __init__(self, measure: "Measure", num_cells: int) -> None:
        self._span, self._scores, self._centred = measure.span, measure.scores, measure.centred
        self._numbers = np.zeros((num_cells * FOLDS, 3 + measure.total_width))
        self._centres = np.full(num_cells, np.nan)
        self._parts: list[tuple[Array, Array]] = []
        self._pending = 0
        self._dropped_bits = 0

    def add(
        self,
        cells: Array,
        folds: Array,
        weight: Array,
        numbers: Array,
        bins: Array,
        *,
        counted: bool = False,
    ) -> None:
        """Add rows.

        Args:
            cells: int64 (n,), -1 for a row that is in no cell.
            folds: int64 (n,) in [0, FOLDS).
            weight: float64 (n,).
            numbers: From the measure.
            bins: From the measure.
            counted: Whether the rows were added before, and only their numbers are new.
        """
        rows = np.flatnonzero(cells >= 0)
        cell_folds, weight, numbers = cells[rows] * FOLDS + folds[rows], weight[rows], numbers[rows]
        if self._centred is not None:
            numbers = self._centre(cells[rows], numbers, self._centred)
        heads = [np.zeros(len(rows))] * 3 if counted else [np.ones(len(rows)), weight, weight**2]
        for position, column in enumerate([*heads, *(numbers * weight[:, None]).T]):
            self._numbers[:, position] += np.bincount(cell_folds, column, len(self._numbers))
        for column in bins[rows].T:
            present = column >= 0
            keys = cell_folds[present] * self._span + column[present]
            if self._scores is not None and self._dropped_bits:
                keys = self._coarser(keys, self._scores)
            keys, position = np.unique(keys, return_inverse=True)
            self._parts.append((keys, np.bincount(position.reshape(-1), weight[present], len(keys))))
            self._pending += len(keys)
        if self._pending > PENDING:
            self._compact()

    def _centre(self, cells: Array, numbers: Array, column: int) -> Array:
        """Subtract from a number the mean of the cell's first batch."""
        value = numbers[:, column]
        is_finite = np.isfinite(value)
        count = np.bincount(cells[is_finite], minlength=len(self._centres))
        fresh = np.isnan(self._centres) & (count > 0)
        total = np.bincount(cells[is_finite], value[is_finite], len(self._centres))
        self._centres[fresh] = total[fresh] / count[fresh]
        numbers = numbers.copy()
        # A cell without a finite value has no centre, and its sums are not finite.
        numbers[:, column] = value - np.nan_to_num(self._centres[cells])
        numbers[:, column + 1] = numbers[:, column] ** 2
        return numbers

    def _compact(self) -> tuple[Array, Array]:
        if not self._parts:
            self._parts = [(np.zeros(0, np.int64), np.zeros(0))]
        if len(self._parts) > 1:
            self._merge(*map(np.concatenate, zip(*self._parts, strict=True)))
        while (
            self._scores is not None
            and len(self._parts[0][0]) > EXACT_SCORES
            and self._dropped_bits < _MAX_DROPPED_BITS
        ):
            self._dropped_bits += _DROPPED_BITS_STEP
            keys, weights = self._parts[0]
            self._merge(self._coarser(keys, self._scores), weights)
        self._pending = 0
        return self._parts[0]

    def _merge(self, keys: Array, weights: Array) -> None:
        """Add up the weights of equal keys."""
        distinct, position = np.unique(keys, return_inverse=True)
        self._parts = [(distinct, np.bincount(position.reshape(-1), weights, len(distinct)))]

    def _coarser(self, keys: Array, histogram_start: int) -> Array:
        """Merge neighboring scores: clear the lowest bits of the score in a bin, and keep its class."""
        cell_folds, bins = np.divmod(keys, self._span)
        histogram = bins - histogram_start
        merged = ((histogram >> 1 >> self._dropped_bits) << self._dropped_bits << 1) | (histogram & 1)
        coarser: Array = cell_folds * self._span + np.where(histogram >= 0, histogram_start + merged, bins)
        return coarser

    def folds(self, cell: int) -> tuple[Array, Array, Array]:
        """Return the sums of a cell by fold.

        Returns:
            Count, weight, squares and the numbers (FOLDS, 3 + width); bins (u,); weights (FOLDS, u).
        """
        keys, weights = self._compact()
        low, high = np.searchsorted(keys, [cell * FOLDS * self._span, (cell + 1) * FOLDS * self._span])
        fold, bin_of_key = np.divmod(keys[low:high] - cell * FOLDS * self._span, self._span)
        bins, position = np.unique(bin_of_key, return_inverse=True)
        table = np.zeros((FOLDS, len(bins)))
        table[fold, position.reshape(-1)] = weights[low:high]
        return self._numbers[cell * FOLDS : (cell + 1) * FOLDS], bins, table

    def sums(self, cell: int) -> Sums:
        """Return the sums of a cell."""
        numbers, bins, table = self.folds(cell)
        return from_folds(numbers.sum(axis=0), bins, table.sum(axis=0))


def from_folds(numbers: Array, bins: Array, weights: Array) -> Sums:
    """Return the sums of one row of `MetricSums.folds`, or of several rows added up."""
    present = weights != 0
    count, weight, squares = (float(number) for number in numbers[:3])
    return Sums(count, weight, squares, numbers[3:], bins[present], weights[present])


def draw(rows: Array) -> Array:
    """Hash row numbers with splitmix64 to pseudo-random numbers, uint64 (n,)."""
    mixed = (rows.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
