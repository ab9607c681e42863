"""Counts of numbers that programs write instead of null, such as -999 and 9999, at both ends of a column."""

import functools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from components.data_checks import sentinels

MARKERS = (-1, -9, *(sign * (10**digits - 1) for digits in range(2, 16) for sign in (-1, 1)))
"""Numbers for which sentinels.is_marker is true, up to those that float64 represents exactly."""
NAME = "placeholders"
"""Name of the custom statistic: a rank histogram of number, as its label, and rows."""


@dataclass
class Ends:
    """The range of a column without markers, and the markers at its ends.

    Attributes:
        markers: Marker -> number of values; one within the range of a batch's other values may be absent.
        low: Smallest of the other finite numbers; infinite if there is none.
        high: Largest of the other finite numbers; minus infinity if there is none.
    """

    markers: dict[int, int] = field(default_factory=dict)
    low: float = math.inf
    high: float = -math.inf

    def add(self, values: pa.Array | pa.ChunkedArray) -> None:
        """Count numbers, of any type and with nulls."""
        ends = pc.min_max(values).as_py()
        if ends["min"] is None:
            return
        if not (math.isfinite(ends["min"]) and math.isfinite(ends["max"])):
            self.add(pc.filter(values, pc.is_finite(values)))
            return
        if sentinels.is_marker(ends["min"]) or sentinels.is_marker(ends["max"]):
            # A type that cannot hold a marker cannot hold it in a cell either.
            is_marker = pc.is_in(values.cast(pa.float64(), safe=False), value_set=_markers())
            for count in pc.value_counts(values.filter(is_marker)).to_pylist():
                marker = int(count["values"])
                self.markers[marker] = self.markers.get(marker, 0) + count["counts"]
            ends = pc.min_max(values.filter(pc.invert(is_marker))).as_py()
        if ends["min"] is not None:
            self.low, self.high = min(self.low, float(ends["min"])), max(self.high, float(ends["max"]))

    def merge(self, other: "Ends") -> None:
        """Add the counts of another part of the column."""
        for marker, rows in other.markers.items():
            self.markers[marker] = self.markers.get(marker, 0) + rows
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)

    def outside(self) -> Iterator[tuple[int, int, float]]:
        """Yield each marker outside the range of the other numbers, its number of values, and its distance."""
        for marker, rows in sorted(self.markers.items()):
            distance = max(self.low - marker, marker - self.high)
            if 0 < distance < math.inf:
                yield marker, rows, distance

    def sentinels(self, rows: int) -> Iterator[tuple[int, int]]:
        """Yield each number that almost certainly stands for null, with its number of values.

        Args:
            rows: Values of the column.
        """
        for marker, count, _ in self.outside():
            if sentinels.is_sentinel(marker, count / rows, self.low, self.high):
                yield marker, count


@functools.cache
def _markers() -> pa.Array:
    """Return MARKERS; not at import, since the first array of Python's numbers makes pyarrow import pandas."""
    return pa.array(MARKERS, pa.float64())


def of(parts: Iterable[pa.Array]) -> Ends:
    """Count the numbers of a column."""
    ends = Ends()
    for part in parts:
        ends.add(part)
    return ends


def write(figures: Any, ends: Ends, rows: int) -> None:
    """Add the numbers that stand for null to the statistics of a column; nothing without such numbers.

    Args:
        figures: FeatureNameStatistics.
        ends: The column's ends.
        rows: Its number of values.
    """
    sentinels = list(ends.sentinels(rows))
    if sentinels:
        buckets = figures.custom_stats.add(name=NAME).rank_histogram.buckets
        for rank, (number, count) in enumerate(sentinels):
            buckets.add(low_rank=rank, high_rank=rank, label=str(number), sample_count=count)


def read(figures: Any) -> dict[int, int]:
    """Return number -> rows, as `write` stored them in a FeatureNameStatistics."""
    histograms = [statistic for statistic in figures.custom_stats if statistic.name == NAME]
    buckets = (bucket for statistic in histograms for bucket in statistic.rank_histogram.buckets)
    return {int(bucket.label): round(bucket.sample_count) for bucket in buckets}
