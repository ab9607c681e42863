"""Sums that add up over batches, by cell and fold, so that memory is bounded by cells and not by rows.

A cell is all rows, or one slice. A fold is a twentieth of the rows or of their groups, drawn by a fixed hash: the
jackknife of components/evaluator/intervals.py leaves out one fold after the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, Any]
FOLDS = 20
"""As many as TFMA's own jackknife has."""
PENDING = 2_000_000
"""Entries that wait before equal ones are added up: 32 MB."""
KEPT = 1_000_000
"""Entries of scores that are kept exactly; where there are more, neighbouring scores share one."""


_DROPPED_AT_ONCE, _MOST_DROPPED_BITS = 2, 20
"""With 12 bits dropped 2,048 places are left to each power of two, with 20 there are 8."""


class Share(float):
    """A part of a whole, as a number that remembers how large the whole was: its interval needs it."""

    whole: float

    def __new__(cls, part: float, whole: float) -> "Share":
        """NaN where there is no whole."""
        made = super().__new__(cls, part / whole if whole else np.nan)
        made.whole = float(whole)
        return made


@dataclass(frozen=True)
class Sums:
    """What is known of one cell's rows.

    Attributes:
        count: Number of rows.
        weight: Sum of their weights.
        squares: Sum of their squared weights.
        numbers: float64 (m,), weighted sums of the measure's numbers.
        places: int64 (u,), rising: the measure's places that hold a row.
        weights: float64 (u,), weight of the rows in each place.
    """

    count: float
    weight: float
    squares: float
    numbers: Array
    places: Array
    weights: Array

    def at(self, start: int, stop: int) -> tuple[Array, Array]:
        """Places in [start, stop), counted from start, and their weights."""
        low, high = np.searchsorted(self.places, [start, stop])
        return self.places[low:high] - start, self.weights[low:high]

    def dense(self, start: int, stop: int) -> Array:
        """Weights (stop - start,) of the places in [start, stop)."""
        places, weights = self.at(start, stop)
        return np.bincount(places, weights, stop - start)


class Measure(Protocol):
    """The metrics of one task.

    Attributes:
        width: Number of numbers a row.
        span: Number of places.
        weighted: Whether rows count by their weight.
        centred: Which number is a value that is summed as its difference from a constant near its mean in the cell,
            and its square, the next number, likewise: a variance would be lost where the mean is far larger. None for
            no such number.
        scores: First place of a histogram of exact scores, twice the score's place and 1 more for the second class;
            None where there is none.
    """

    width: int
    span: int
    weighted: bool
    centred: int | None
    scores: int | None

    def rows(self, label: Array, answer: Mapping[str, Array]) -> tuple[Array, Array]:
        """What is summed over rows.

        Args:
            label: (n,) as the model's signature `labels` gives it.
            answer: The model's answers, (n,) or (n, k) each.

        Returns:
            Numbers, float64 (n, width), and places, int64 (n, any) in [0, span), -1 for none.
        """

    def values(self, sums: Sums, *, shares: bool = True) -> dict[str, float]:
        """The metrics of one cell, NaN where its rows do not tell.

        Args:
            sums: The cell's.
            shares: Whether those that are shares of rows are asked for: the jackknife leaves them out.
        """

    def details(self, sums: Sums) -> dict[str, Any]:
        """What a report shows beside the metrics: matrices, tables, sizes."""

    def errors(self, label: Array, answer: Mapping[str, Array]) -> Array:
        """How wrong each row is, float64 (n,), for the list of the worst."""

    def shown(self, label: Array, answer: Mapping[str, Array], row: int) -> tuple[Any, Any]:
        """Label and answer of one row, as a report shows them."""


class Ledger:
    """Adds up rows by cell and fold.

    Args:
        measure: The task's.
        num_cells: Number of cells.
    """

    def __init__(self, measure: Measure, num_cells: int) -> None:
        self._span, self._scores, self._centred = measure.span, measure.scores, measure.centred
        self._numbers = np.zeros((num_cells * FOLDS, 3 + measure.width))
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
        places: Array,
        *,
        again: bool = False,
    ) -> None:
        """Add rows.

        Args:
            cells: int64 (n,), -1 for a row that no cell holds.
            folds: int64 (n,) in [0, FOLDS).
            weight: float64 (n,).
            numbers: From the measure.
            places: From the measure.
            again: Whether the rows were counted before, and only their numbers are new.
        """
        kept = np.flatnonzero(cells >= 0)
        bins, weight, numbers = cells[kept] * FOLDS + folds[kept], weight[kept], numbers[kept]
        if self._centred is not None:
            numbers = self._about_centres(cells[kept], numbers, self._centred)
        heads = [np.zeros(len(kept))] * 3 if again else [np.ones(len(kept)), weight, weight**2]
        for position, column in enumerate([*heads, *(numbers * weight[:, None]).T]):
            self._numbers[:, position] += np.bincount(bins, column, len(self._numbers))
        for column in places[kept].T:
            there = column >= 0
            keys = bins[there] * self._span + column[there]
            if self._scores is not None and self._dropped_bits:
                keys = self._coarser(keys, self._scores)
            keys, position = np.unique(keys, return_inverse=True)
            self._parts.append((keys, np.bincount(position.reshape(-1), weight[there], len(keys))))
            self._pending += len(keys)
        if self._pending > PENDING:
            self._compact()

    def _about_centres(self, cells: Array, numbers: Array, place: int) -> Array:
        """Take a number's constant of each row's cell off, the mean of the cell's first batch."""
        value = numbers[:, place]
        known = np.isfinite(value)
        count = np.bincount(cells[known], minlength=len(self._centres))
        fresh = np.isnan(self._centres) & (count > 0)
        total = np.bincount(cells[known], value[known], len(self._centres))
        self._centres[fresh] = total[fresh] / count[fresh]
        numbers = numbers.copy()
        # A cell without a finite value has no centre, and no sum that is a number.
        numbers[:, place] = value - np.nan_to_num(self._centres[cells])
        numbers[:, place + 1] = numbers[:, place] ** 2
        return numbers

    def _compact(self) -> tuple[Array, Array]:
        if not self._parts:
            self._parts = [(np.zeros(0, np.int64), np.zeros(0))]
        if len(self._parts) > 1:
            self._merge(*map(np.concatenate, zip(*self._parts, strict=True)))
        while self._scores is not None and len(self._parts[0][0]) > KEPT and self._dropped_bits < _MOST_DROPPED_BITS:
            self._dropped_bits += _DROPPED_AT_ONCE
            keys, weights = self._parts[0]
            self._merge(self._coarser(keys, self._scores), weights)
        self._pending = 0
        return self._parts[0]

    def _merge(self, keys: Array, weights: Array) -> None:
        """Add up the weights of equal keys."""
        distinct, position = np.unique(keys, return_inverse=True)
        self._parts = [(distinct, np.bincount(position.reshape(-1), weights, len(distinct)))]

    def _coarser(self, keys: Array, first: int) -> Array:
        """Make neighbouring scores share a place: clear the lowest bits of the score's place, and keep its class."""
        bins, place = np.divmod(keys, self._span)
        histogram = place - first
        shared = ((histogram >> 1 >> self._dropped_bits) << self._dropped_bits << 1) | (histogram & 1)
        coarser: Array = bins * self._span + np.where(histogram >= 0, first + shared, place)
        return coarser

    def folds(self, cell: int) -> tuple[Array, Array, Array]:
        """One cell by fold.

        Returns:
            Count, weight, squares and the numbers (FOLDS, 3 + width); places (u,); weights (FOLDS, u).
        """
        keys, weights = self._compact()
        low, high = np.searchsorted(keys, [cell * FOLDS * self._span, (cell + 1) * FOLDS * self._span])
        fold, place = np.divmod(keys[low:high] - cell * FOLDS * self._span, self._span)
        places, position = np.unique(place, return_inverse=True)
        table = np.zeros((FOLDS, len(places)))
        table[fold, position.reshape(-1)] = weights[low:high]
        return self._numbers[cell * FOLDS : (cell + 1) * FOLDS], places, table

    def sums(self, cell: int) -> Sums:
        """One cell as a whole."""
        numbers, places, table = self.folds(cell)
        return whole(numbers.sum(axis=0), places, table.sum(axis=0))


def whole(numbers: Array, places: Array, weights: Array) -> Sums:
    """Sums out of one row of `Ledger.folds`, or of several added up."""
    held = weights != 0
    count, weight, squares = (float(number) for number in numbers[:3])
    return Sums(count, weight, squares, numbers[3:], places[held], weights[held])


def draw(rows: Array) -> Array:
    """A number for each row's number, uint64 (n,), that looks random and is the same each time: splitmix64."""
    mixed = (rows.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
