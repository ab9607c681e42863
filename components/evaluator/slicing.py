"""Slices: rows with one value of a column or in one bucket of a number, and crosses of these."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.evaluator.evaluator_settings import SlicePart
from components.evaluator.sums.accumulators import Array, draw
from spec.addresses.bucket_names import bucket_names

Value = bytes | int | float
SliceKey = tuple[tuple[str, Value], ...]
"""Name and value pairs; empty for all rows."""
MISSING = b"(missing)"
"""Value of the slice of rows whose value is null or NaN."""
SAMPLE = 100_000
"""Rows that quantiles are taken from: 800 kB a column."""
MAX_VALUES = 200_000
"""Distinct values counted at once; with more, the rarer half is dropped."""


@dataclass(frozen=True)
class Part:
    """One column of a slicing.

    Attributes:
        column: The raw column.
        name: Name in slices: the column, or COLUMN_bucket.
        edges: Ascending bounds of the buckets, in the unit of the column; None for single values.
        quantiles: Number of buckets of about equal count, whose edges are not known yet.
    """

    column: str
    name: str
    edges: tuple[float, ...] | None = None
    quantiles: int | None = None

    def code(self, values: Array, present: Array) -> tuple[list[Value], Array]:
        """Return the distinct values of a batch, and the index of each row's value among them, int64 (n,).

        Args:
            values: (n,) of the raw column.
            present: bool (n,), whether the row has a value.
        """
        if values.dtype.kind == "f":
            present = present & ~np.isnan(values)
        if self.edges is not None:
            values = _bucket_indices(values, self.edges)
        distinct, code = np.unique(values[present], return_inverse=True)
        names: list[Value] = [value if isinstance(value, bytes) else value.item() for value in distinct]
        if self.edges is not None:
            names = [self.bucket(int(index)) for index in distinct]
        codes = np.full(len(values), len(names), np.int64)
        codes[present] = code.reshape(-1)
        return [*names, MISSING], codes

    def bucket(self, index: int) -> bytes:
        """Return the name of a bucket."""
        return bucket_names(self.edges or ())[index].encode()


def _bucket_indices(values: Array, edges: Sequence[float]) -> Array:
    """Find the bucket of each value: the number of bounds that are not above it, int64 (n,).

    Bounds are compared in the column's own precision: a cell that reads 0.7 is not below the bound 0.7, although the
    nearest float32 is less than the nearest float64, and an integer beyond 2^53 is not rounded.
    """
    if values.dtype.kind == "f":
        return np.searchsorted(np.asarray(edges, values.dtype), values, "right")
    limits = np.iinfo(np.int64)
    # An integer reaches a bound where it reaches the next integer; Python's integers hold any float64.
    integers = [edge if math.isinf(edge) else math.ceil(edge) for edge in edges]
    below = sum(edge <= limits.min for edge in integers)
    inside = [int(edge) for edge in integers if limits.min < edge <= limits.max]
    return below + np.searchsorted(np.asarray(inside, np.int64), values.astype(np.int64), "right")


Slicing = tuple[Part, ...]


def names(slicing: Slicing) -> tuple[str, ...]:
    """Return the names of the parts of a slicing."""
    return tuple(part.name for part in slicing)


def keys(slicing: Slicing, columns: Mapping[str, tuple[Array, Array]]) -> tuple[list[SliceKey], Array]:
    """Return the distinct slices of a batch, and the index of each row's slice among them, int64 (n,).

    Args:
        slicing: The slicing.
        columns: Raw column -> values (n,), and whether each is not null.
    """
    distinct: list[SliceKey] = [()]
    codes: Array | None = None
    for part in slicing:
        values, code = part.code(*columns[part.column])
        joined = code if codes is None else codes * len(values) + code
        present, slice_index = np.unique(joined, return_inverse=True)
        code_pairs = (divmod(int(number), len(values)) for number in present)
        distinct = [
            (*distinct[prefix_code], (part.name, values[column_code])) for prefix_code, column_code in code_pairs
        ]
        codes = slice_index.reshape(-1).astype(np.int64)
    assert codes is not None
    return distinct, codes


class Survey:
    """First passes over the rows: quantiles of numbers, then counts of slices.

    Args:
        slicings: All slicings.
        max_slices: Number of slices to keep per slicing, the most frequent.
    """

    def __init__(self, slicings: Iterable[Slicing], max_slices: int) -> None:
        self.slicings = list(slicings)
        self._max_slices = max_slices
        self._counts: list[Counter[SliceKey]] = [Counter() for _ in self.slicings]
        self._samples: dict[str, tuple[Array, Array]] = {}

    @property
    def columns(self) -> list[str]:
        """Raw columns that slices need."""
        return sorted({part.column for slicing in self.slicings for part in slicing})

    @property
    def needs_quantiles(self) -> bool:
        """Whether a pass for quantiles is required before slices can be counted."""
        return any(part.quantiles for slicing in self.slicings for part in slicing)

    def sample(self, rows: Array, columns: Mapping[str, tuple[Array, Array]]) -> None:
        """Sample each column that is cut at quantiles, by a fixed hash of the row numbers.

        Args:
            rows: int64 (n,), the rows' numbers.
            columns: As in `keys`.
        """
        for column in {part.column for slicing in self.slicings for part in slicing if part.quantiles}:
            values, present = columns[column]
            values = values.astype(np.float64)
            present = present & ~np.isnan(values)
            hashes, sample = self._samples.get(column, (np.zeros(0, np.uint64), np.zeros(0)))
            hashes = np.concatenate([hashes, draw(rows[present])])
            sample = np.concatenate([sample, values[present]])
            smallest = np.argsort(hashes, kind="stable")[:SAMPLE]
            self._samples[column] = hashes[smallest], sample[smallest]

    def cut(self) -> None:
        """Turn quantiles into edges."""
        self.slicings = [tuple(self._cut(part) for part in slicing) for slicing in self.slicings]

    def _cut(self, part: Part) -> Part:
        if not part.quantiles:
            return part
        values = self._samples.get(part.column, (np.zeros(0), np.zeros(0)))[1]
        shares = np.arange(1, part.quantiles) / part.quantiles
        # Quantiles are values of the column; equal ones make one edge.
        edges = np.unique(np.quantile(values, shares, method="higher")) if len(values) else np.zeros(0)
        return Part(part.column, part.name, tuple(float(edge) for edge in edges))

    def count(self, columns: Mapping[str, tuple[Array, Array]]) -> None:
        """Count the slices of a batch."""
        for slicing, counts in zip(self.slicings, self._counts, strict=True):
            distinct, codes = keys(slicing, columns)
            for key, number in zip(distinct, np.bincount(codes, minlength=len(distinct)), strict=True):
                counts[key] += int(number)
            if len(counts) > MAX_VALUES:
                most_frequent = counts.most_common(MAX_VALUES // 2)
                counts.clear()
                counts.update(dict(most_frequent))

    def cells(self, required: Iterable[SliceKey] = ()) -> tuple[list[dict[SliceKey, int]], list[dict[str, Any]]]:
        """Assign a number from 1 to each slice to measure; 0 stands for all rows.

        Args:
            required: Slices to keep even if they are rare.

        Returns:
            For each slicing its slices with their numbers; and a record of the dropped slices for each slicing that has
            more slices than `max_slices`.
        """
        required = set(required)
        cells: list[dict[SliceKey, int]] = []
        truncated: list[dict[str, Any]] = []
        number = 1
        for slicing, counts in zip(self.slicings, self._counts, strict=True):
            # Sort equal counts by name, so that the order of rows has no effect.
            ranked = sorted(counts, key=lambda key: (-counts[key], repr(key)))
            judged_keys = [key for position, key in enumerate(ranked) if position < self._max_slices or key in required]
            cells.append({key: number + position for position, key in enumerate(judged_keys)})
            number += len(judged_keys)
            if len(judged_keys) < len(ranked):
                rows_left = sum(counts.values()) - sum(counts[key] for key in judged_keys)
                truncated.append(
                    {
                        "slicing": list(names(slicing)),
                        "kept": len(judged_keys),
                        "slices": len(ranked),
                        "rows_left": rows_left,
                    }
                )
        return cells, truncated


def from_settings(slicings: Iterable[Iterable[SlicePart]]) -> list[Slicing]:
    """Return slicings from the node's settings."""
    return [tuple(Part(part.column, part.name, part.edges, part.quantiles) for part in slicing) for slicing in slicings]


def text_of(key: SliceKey) -> str:
    """Return a slice as messages name it, such as `city = bern, grade = 7`."""
    return ", ".join(f"{name} = {plain(value)}" for name, value in key)


def plain(value: Value) -> str | int | float:
    """Return a slice's value as a JSON-able value."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value
