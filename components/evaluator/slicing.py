"""Slices: rows with one value of a column, or in one bucket of a number, and crosses of these."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.evaluator.metrics.accumulators import Array, draw
from spec.bucket_names import bucket_names

Value = bytes | int | float
SliceKey = tuple[tuple[str, Value], ...]
"""Name and value pairs; empty for all rows."""
MISSING = b"(missing)"
"""The value of a slice whose rows have none; a NaN is none."""
SAMPLE = 100_000
"""Rows that quantiles are taken from: 800 kB a column."""
MOST_VALUES = 200_000
"""Distinct values counted at once; beyond it the rarer half is forgotten."""


@dataclass(frozen=True)
class Part:
    """One column of a slicing.

    Attributes:
        column: The raw column.
        name: What the slices call it: the column, or COLUMN_bucket.
        edges: Rising bounds of the buckets, in the column's own unit; None for the values themselves.
        quantiles: Number of buckets of about equal count, whose edges are still to be found.
    """

    column: str
    name: str
    edges: tuple[float, ...] | None = None
    quantiles: int | None = None

    def code(self, values: Array, present: Array) -> tuple[list[Value], Array]:
        """Distinct values of a batch, and the place of each row's among them, int64 (n,).

        Args:
            values: (n,) of the raw column.
            present: bool (n,), whether the row has a value.
        """
        if values.dtype.kind == "f":
            present = present & ~np.isnan(values)
        if self.edges is not None:
            values = _places(values, self.edges)
        distinct, code = np.unique(values[present], return_inverse=True)
        found: list[Value] = [value if isinstance(value, bytes) else value.item() for value in distinct]
        if self.edges is not None:
            found = [self.bucket(int(place)) for place in distinct]
        codes = np.full(len(values), len(found), np.int64)
        codes[present] = code.reshape(-1)
        return [*found, MISSING], codes

    def bucket(self, place: int) -> bytes:
        """Name a bucket, the place of which counts from 0."""
        return bucket_names(self.edges or ())[place].encode()


def _places(values: Array, edges: Sequence[float]) -> Array:
    """Find the bucket of each value: the number of bounds that are not above it, int64 (n,).

    Bounds are compared in the column's own precision: a cell that reads 0.7 is not below the bound 0.7, although the
    nearest float32 is less than the nearest float64, and an integer beyond 2^53 is not rounded.
    """
    if values.dtype.kind == "f":
        return np.searchsorted(np.asarray(edges, values.dtype), values, "right")
    limits = np.iinfo(np.int64)
    # An integer reaches a bound where it reaches the next integer; Python's integers hold any float64.
    whole = [edge if math.isinf(edge) else math.ceil(edge) for edge in edges]
    below = sum(edge <= limits.min for edge in whole)
    inside = [int(edge) for edge in whole if limits.min < edge <= limits.max]
    return below + np.searchsorted(np.asarray(inside, np.int64), values.astype(np.int64), "right")


Slicing = tuple[Part, ...]


def names(slicing: Slicing) -> tuple[str, ...]:
    """What the slicing's slices are called by."""
    return tuple(part.name for part in slicing)


def keys(slicing: Slicing, columns: Mapping[str, tuple[Array, Array]]) -> tuple[list[SliceKey], Array]:
    """Distinct slices of a batch, and the place of each row's among them, int64 (n,).

    Args:
        slicing: One.
        columns: Raw column -> its (n,) values, and whether each is there.
    """
    distinct: list[SliceKey] = [()]
    codes: Array | None = None
    for part in slicing:
        values, code = part.code(*columns[part.column])
        joined = code if codes is None else codes * len(values) + code
        present, place = np.unique(joined, return_inverse=True)
        pairs = (divmod(int(number), len(values)) for number in present)
        distinct = [(*distinct[before], (part.name, values[own])) for before, own in pairs]
        codes = place.reshape(-1).astype(np.int64)
    assert codes is not None
    return distinct, codes


class Survey:
    """What a first look over the rows tells: the quantiles of numbers, then how frequent each slice is.

    Args:
        slicings: All.
        max_slices: Slices of each slicing that are kept, the most frequent.
    """

    def __init__(self, slicings: Iterable[Slicing], max_slices: int) -> None:
        self.slicings = list(slicings)
        self._most = max_slices
        self._counts: list[Counter[SliceKey]] = [Counter() for _ in self.slicings]
        self._samples: dict[str, tuple[Array, Array]] = {}

    @property
    def columns(self) -> list[str]:
        """The raw columns that slices need."""
        return sorted({part.column for slicing in self.slicings for part in slicing})

    @property
    def needs_quantiles(self) -> bool:
        """Whether the rows must be seen once more, before slices can be counted."""
        return any(part.quantiles for slicing in self.slicings for part in slicing)

    def sample(self, rows: Array, columns: Mapping[str, tuple[Array, Array]]) -> None:
        """Keep a fixed sample of each column that is cut at quantiles.

        Args:
            rows: int64 (n,), the rows' numbers.
            columns: As in `keys`.
        """
        for column in {part.column for slicing in self.slicings for part in slicing if part.quantiles}:
            values, present = columns[column]
            values = values.astype(np.float64)
            there = present & ~np.isnan(values)
            order, kept = self._samples.get(column, (np.zeros(0, np.uint64), np.zeros(0)))
            order, kept = np.concatenate([order, draw(rows[there])]), np.concatenate([kept, values[there]])
            least = np.argsort(order, kind="stable")[:SAMPLE]
            self._samples[column] = order[least], kept[least]

    def cut(self) -> None:
        """Turn quantiles into edges."""
        self.slicings = [tuple(self._cut(part) for part in slicing) for slicing in self.slicings]

    def _cut(self, part: Part) -> Part:
        if not part.quantiles:
            return part
        values = self._samples.get(part.column, (np.zeros(0), np.zeros(0)))[1]
        shares = np.arange(1, part.quantiles) / part.quantiles
        # Quantiles that are values of the column: equal ones make one edge.
        edges = np.unique(np.quantile(values, shares, method="higher")) if len(values) else np.zeros(0)
        return Part(part.column, part.name, tuple(float(edge) for edge in edges))

    def count(self, columns: Mapping[str, tuple[Array, Array]]) -> None:
        """Count one batch."""
        for slicing, counts in zip(self.slicings, self._counts, strict=True):
            distinct, codes = keys(slicing, columns)
            for key, number in zip(distinct, np.bincount(codes, minlength=len(distinct)), strict=True):
                counts[key] += int(number)
            if len(counts) > MOST_VALUES:
                kept = counts.most_common(MOST_VALUES // 2)
                counts.clear()
                counts.update(dict(kept))

    def cells(self, wanted: Iterable[SliceKey] = ()) -> tuple[list[dict[SliceKey, int]], list[dict[str, Any]]]:
        """Number the slices that are kept, from 1; 0 is all rows.

        Args:
            wanted: Slices that are kept however rare they are.

        Returns:
            For each slicing its slices and their numbers; and for each that was cut short, what was left out.
        """
        wanted = set(wanted)
        cells: list[dict[SliceKey, int]] = []
        left: list[dict[str, Any]] = []
        number = 1
        for slicing, counts in zip(self.slicings, self._counts, strict=True):
            # Equal counts in the order of their names, so that the rows' order decides nothing.
            ranked = sorted(counts, key=lambda key: (-counts[key], repr(key)))
            kept = [key for place, key in enumerate(ranked) if place < self._most or key in wanted]
            cells.append({key: number + place for place, key in enumerate(kept)})
            number += len(kept)
            if len(kept) < len(ranked):
                rest = sum(counts.values()) - sum(counts[key] for key in kept)
                left.append(
                    {"slicing": list(names(slicing)), "kept": len(kept), "slices": len(ranked), "rows_left": rest}
                )
        return cells, left


def from_settings(slicings: Sequence[Sequence[Mapping[str, Any]]]) -> list[Slicing]:
    """Slicings out of the node's settings."""
    return [
        tuple(
            Part(
                part["column"],
                part["name"],
                tuple(part["edges"]) if part.get("edges") is not None else None,
                part.get("quantiles"),
            )
            for part in slicing
        )
        for slicing in slicings
    ]


def told(key: SliceKey) -> str:
    """A slice, as a person reads it: city = bern, grade = 7."""
    return ", ".join(f"{name} = {plain(value)}" for name, value in key)


def plain(value: Value) -> str | int | float:
    """A slice's value as JSON has it."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value
