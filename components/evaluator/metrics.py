"""Sums that add up over batches, overall and by slice, so that batches, shards and slices merge."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, Any]
SliceKey = tuple[tuple[str, bytes | int | float], ...]
"""Column and value pairs; empty for all rows."""
Sums = Array
"""float64 (m,), m as the measure needs."""


class Measure(Protocol):
    """The metrics of one task."""

    def sums(self, label: Array, answer: Mapping[str, Array], cells: Array, num_cells: int) -> Array:
        """Sum rows by cell.

        Args:
            label: (n,) as the model's signature `labels` gives it.
            answer: The model's answers, (n,) or (n, k) each.
            cells: (n,) int64 in [0, num_cells), the cell of each row.
            num_cells: Number of cells.

        Returns:
            float64 (num_cells, m).
        """

    def values(self, total: Sums) -> dict[str, float]:
        """The metrics of one slice's sums, `example_count` first."""


def by_slice(
    measure: Measure, label: Array, answer: Mapping[str, Array], slicings: Iterable[Mapping[str, Array]]
) -> dict[SliceKey, Sums]:
    """Sum one batch, overall and by slice.

    Args:
        measure: The task's.
        label: (n,).
        answer: The model's answers.
        slicings: One mapping a slicing, from column name to its (n,) values.

    Returns:
        Slice key -> sums; the empty key holds all rows.
    """
    everything = np.zeros(len(label), np.int64)
    totals: dict[SliceKey, Sums] = {(): measure.sums(label, answer, everything, 1)[0]}
    for columns in slicings:
        codes = everything
        values: list[Array] = []
        for column in columns.values():
            distinct, code = np.unique(column, return_inverse=True)
            values.append(distinct)
            codes = codes * len(distinct) + code.reshape(-1)
        present, cells = np.unique(codes, return_inverse=True)
        for code, total in zip(present, measure.sums(label, answer, cells.reshape(-1), len(present)), strict=True):
            totals[_key(int(code), list(columns), values)] = total
    return totals


def _key(code: int, columns: list[str], values: list[Array]) -> SliceKey:
    key = []
    for name, distinct in zip(reversed(columns), reversed(values), strict=True):
        code, position = divmod(code, len(distinct))
        key.append((name, distinct[position].item() if distinct.dtype != object else distinct[position]))
    return tuple(reversed(key))


def merge(totals: dict[SliceKey, Sums], batch: Mapping[SliceKey, Sums]) -> None:
    """Add one batch's sums to the totals."""
    for key, value in batch.items():
        totals[key] = totals[key] + value if key in totals else value


def add_by_cell(rows: Array, cells: Array, num_cells: int) -> Array:
    """Sum rows (n, m) by cell to float64 (num_cells, m)."""
    return np.stack([np.bincount(cells, column, num_cells) for column in rows.T], axis=1)
