"""How far two columns of numbers are apart.

TFDV's own Jensen-Shannon divergence is over ten buckets of equal width, so that one far value moves everything into the
first of them: between months of house sales without a drift it is up to 0.5. Here the buckets are the deciles.
"""

from typing import Any

import numpy as np
from tensorflow_metadata.proto.v0 import statistics_pb2

Edges = np.ndarray[Any, Any]
Tenth = tuple[float, float, float]
"""Lowest value, highest value and rows of a tenth of the rows."""


def jensen_shannon(before: Any, now: Any) -> float | None:
    """Jensen-Shannon divergence to base 2 (Lin 1991), from 0 for equal to 1 for apart, over deciles of the first.

    Args:
        before: FeatureNameStatistics of a column of numbers.
        now: The same of other rows.

    Returns:
        The divergence; None where one of the two has no value.
    """
    old, new = _deciles(before), _deciles(now)
    if not old or not new:
        return None
    edges = _edges(old, before.type == statistics_pb2.FeatureNameStatistics.INT)
    p, q = _shares(old, edges), _shares(_within(new, old[0][0], old[-1][1]), edges)
    middle = (p + q) / 2
    return max(0.0, _entropy(middle) - (_entropy(p) + _entropy(q)) / 2)


def _deciles(figures: Any) -> list[Tenth]:
    """The tenths of a column; an infinite end is taken for the other one."""
    kind = statistics_pb2.Histogram.QUANTILES
    found = [one for one in figures.num_stats.histograms if one.type == kind]
    made = []
    for bucket in (bucket for histogram in found[:1] for bucket in histogram.buckets if bucket.sample_count > 0):
        low = bucket.low_value if np.isfinite(bucket.low_value) else bucket.high_value
        high = bucket.high_value if np.isfinite(bucket.high_value) else low
        if np.isfinite([low, high]).all():
            made.append((low, high, bucket.sample_count))
    return made


def _within(deciles: list[Tenth], lowest: float, highest: float) -> list[Tenth]:
    """Tenths that reach beyond these ends, cut there: it is few rows that are far."""
    return [
        (max(low, lowest) if high >= lowest else low, min(high, highest) if low <= highest else high, rows)
        for low, high, rows in deciles
    ]


def _edges(deciles: list[Tenth], whole: bool) -> Edges:
    """Where buckets begin; what lies beyond the ends has none of its own unless a whole tenth lies upon an end.

    Between two whole numbers an edge lies in the middle: a tenth of 3 and 4 is then shared by both.
    """
    inner = [low for low, _, _ in deciles[1:]]
    first, last = deciles[0], deciles[-1]
    inner += [first[0]] if first[0] == first[1] else []
    edges = np.unique(inner).astype(np.float64) - (0.5 if whole else 0.0)
    if last[0] == last[1]:
        edges = np.append(edges, last[1] + 0.5 if whole else np.nextafter(last[1], np.inf))
    return edges


def _shares(deciles: list[Tenth], edges: Edges) -> Edges:
    """Share of the rows in each bucket; within a tenth they lie evenly."""
    below = np.zeros(len(edges))
    for low, high, rows in deciles:
        below += rows * ((edges > low) if low == high else np.clip((edges - low) / (high - low), 0.0, 1.0))
    every = sum(rows for _, _, rows in deciles)
    return np.diff(np.concatenate([[0.0], below, [every]])) / every


def _entropy(shares: Edges) -> float:
    some = shares[shares > 0]
    return float(-(some * np.log2(some)).sum())
