"""Jensen-Shannon divergence of two numeric columns.

TFDV computes it over ten buckets of equal width, so that one outlier moves all other values into one bucket: between
months of house sales without drift it is up to 0.5. Here the buckets are deciles.
"""

from typing import Any

import numpy as np
from tensorflow_metadata.proto.v0 import statistics_pb2

Edges = np.ndarray[Any, Any]
Decile = tuple[float, float, float]
"""Lowest value, highest value and number of rows of a tenth of the rows."""


def jensen_shannon(earlier: Any, later: Any) -> float | None:
    """Compute the Jensen-Shannon divergence to base 2 (Lin 1991) over the deciles of the first column.

    Args:
        earlier: FeatureNameStatistics of a numeric column.
        later: The same column in other rows.

    Returns:
        The divergence, from 0 for equal to 1 for disjoint; None if one of the two has no value.
    """
    earlier_deciles, later_deciles = _deciles(earlier), _deciles(later)
    if not earlier_deciles or not later_deciles:
        return None
    edges = _edges(earlier_deciles, earlier.type == statistics_pb2.FeatureNameStatistics.INT)
    p, q = (
        _shares(earlier_deciles, edges),
        _shares(_within(later_deciles, earlier_deciles[0][0], earlier_deciles[-1][1]), edges),
    )
    middle = (p + q) / 2
    return max(0.0, _entropy(middle) - (_entropy(p) + _entropy(q)) / 2)


def _deciles(figures: Any) -> list[Decile]:
    """Return the deciles of a column; an infinite bound is replaced by the other bound."""
    kind = statistics_pb2.Histogram.QUANTILES
    histogram = next((candidate for candidate in figures.num_stats.histograms if candidate.type == kind), None)
    deciles = []
    for bucket in histogram.buckets if histogram is not None else ():
        if bucket.sample_count <= 0:
            continue
        low = bucket.low_value if np.isfinite(bucket.low_value) else bucket.high_value
        high = bucket.high_value if np.isfinite(bucket.high_value) else low
        if np.isfinite([low, high]).all():
            deciles.append((low, high, bucket.sample_count))
    return deciles


def _within(deciles: list[Decile], lowest: float, highest: float) -> list[Decile]:
    """Clip deciles to a range, because few of their rows are outliers."""
    return [
        (max(low, lowest) if high >= lowest else low, min(high, highest) if low <= highest else high, rows)
        for low, high, rows in deciles
    ]


def _edges(deciles: list[Decile], is_integer: bool) -> Edges:
    """Return the inner bounds of the buckets, ascending.

    The outermost buckets are open; if a whole decile is a single value at an end, that value gets its own bucket. For
    integers a bound is halfway between two numbers, so that a decile of 3 and 4 counts for both.
    """
    inner = [low for low, _, _ in deciles[1:]]
    first, last = deciles[0], deciles[-1]
    inner += [first[0]] if first[0] == first[1] else []
    edges = np.unique(inner).astype(np.float64) - (0.5 if is_integer else 0.0)
    if last[0] == last[1]:
        edges = np.append(edges, last[1] + 0.5 if is_integer else np.nextafter(last[1], np.inf))
    return edges


def _shares(deciles: list[Decile], edges: Edges) -> Edges:
    """Return the share of the rows in each bucket, assuming that rows are uniform within a decile."""
    below = np.zeros(len(edges))
    for low, high, rows in deciles:
        below += rows * ((edges > low) if low == high else np.clip((edges - low) / (high - low), 0.0, 1.0))
    total = sum(rows for _, _, rows in deciles)
    return np.diff(np.concatenate([[0.0], below, [total]])) / total


def _entropy(shares: Edges) -> float:
    positive = shares[shares > 0]
    return float(-(positive * np.log2(positive)).sum())
