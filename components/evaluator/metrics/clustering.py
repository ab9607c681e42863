"""Metrics of clusters.

Silhouette of a row: (b - a) / max(a, b), a the mean distance to the other rows of its cluster, b the smallest mean
distance to the rows of another one, 0 for a cluster of one (Rousseeuw, Silhouettes, 1987); the metric is the mean over
a sample of at most 2,000 rows, drawn by a fixed hash, with Euclidean distances of the model's `vectors`. Adjusted Rand
compares clusters with labels: the share of agreeing pairs of rows, less what chance gives (Hubert and Arabie, Comparing
partitions, 1985); 1 is the same partition, 0 chance. mean_distance is that of a row to its own centre. All rows count
alike, whatever their weight.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from components.evaluator.metrics.accumulators import Array, Sums

_LABELS = 1 << 20
SAMPLE = 2_000
"""Rows of the silhouette: 4 million distances, 32 MB."""


class Clusters:
    """Numbers are the distance, the silhouette and whether it was asked; places a cluster's rows of a label."""

    width = 3
    span = _LABELS << 16
    weighted = False
    centred: int | None = None
    scores: int | None = None

    def rows(self, label: Array, answer: Mapping[str, Array]) -> tuple[Array, Array]:
        """See Measure; `answer` holds `cluster` (n,) and `distances` (n, clusters)."""
        numbers = np.zeros((len(label), 3))
        numbers[:, 0] = self.errors(label, answer)
        return numbers, (answer["cluster"].astype(np.int64) * _LABELS + label + 1)[:, None]

    def silhouettes(self, values: Array) -> Array:
        """Numbers (n, 3) of rows whose silhouettes, (n,), are known."""
        return np.stack([np.zeros(len(values)), values, np.ones(len(values))], axis=1)

    def values(self, sums: Sums, *, shares: bool = True) -> dict[str, float]:
        """NaN where the rows do not tell, as the silhouette of one cluster, or adjusted Rand without labels."""
        distance, silhouette, asked = (float(number) for number in sums.numbers)
        return {
            "silhouette": silhouette / asked if asked else math.nan,
            "adjusted_rand": adjusted_rand(*np.divmod(sums.places, _LABELS), sums.weights),
            "mean_distance": distance / sums.weight if sums.weight else math.nan,
        }

    def details(self, sums: Sums) -> dict[str, Any]:
        """`sizes`: rows of each cluster; `contingency`: rows by cluster and label index, where there are labels."""
        cluster, label = np.divmod(sums.places, _LABELS)
        shown: dict[str, Any] = {"sizes": np.bincount(cluster, sums.weights).tolist()}
        if (label > 0).any() and label.max() <= 100:
            table = np.zeros((len(shown["sizes"]), int(label.max())))
            table[cluster[label > 0], label[label > 0] - 1] = sums.weights[label > 0]
            shown["contingency"] = table.tolist()
        return shown

    def errors(self, label: Array, answer: Mapping[str, Array]) -> Array:
        """The distance to the own centre."""
        distance: Array = answer["distances"][np.arange(len(label)), answer["cluster"]].astype(np.float64)
        return distance

    def shown(self, label: Array, answer: Mapping[str, Array], row: int) -> tuple[Any, Any]:
        """The label's index, and the cluster."""
        return int(label[row]) if label[row] >= 0 else None, int(answer["cluster"][row])


def adjusted_rand(cluster: Array, label: Array, count: Array) -> float:
    """Adjusted Rand index of a contingency table, given as its cells.

    Args:
        cluster: int64 (u,).
        label: int64 (u,) from 1; rows of 0 have no label and count for nothing.
        count: float64 (u,), rows of each cell.
    """
    known = label > 0
    cluster, label, count = cluster[known], label[known], count[known]
    total = _pairs(count.sum())
    if not total:
        return math.nan
    together = _pairs(count).sum()
    by_cluster, by_label = _pairs(np.bincount(cluster, count)).sum(), _pairs(np.bincount(label, count)).sum()
    expected, most = by_cluster * by_label / total, (by_cluster + by_label) / 2
    # One cluster and one label, or each row its own in both: the same partition.
    return float((together - expected) / (most - expected)) if most != expected else 1.0


def _pairs(count: Any) -> Any:
    return count * (count - 1) / 2


def silhouette(vectors: Array, cluster: Array) -> Array:
    """Silhouette of each row, float64 (n,); NaN where there is one cluster.

    Args:
        vectors: (n, width).
        cluster: int64 (n,).
    """
    names, own = np.unique(cluster, return_inverse=True)
    own = own.reshape(-1)
    if len(names) < 2:
        return np.full(len(cluster), math.nan)
    points = vectors.astype(np.float64)
    points = points - points.mean(axis=0)
    squares = (points**2).sum(axis=1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares - 2 * points @ points.T, 0))
    np.fill_diagonal(distances, 0.0)
    sizes = np.bincount(own)
    sums = distances @ np.eye(len(names))[own]
    rows = np.arange(len(own))
    inner = sums[rows, own] / np.maximum(sizes[own] - 1, 1)
    means = sums / sizes
    means[rows, own] = np.inf
    outer = means.min(axis=1)
    scale = np.maximum(inner, outer)
    found = np.divide(outer - inner, scale, out=np.zeros(len(own)), where=scale != 0)
    return np.where(sizes[own] == 1, 0.0, found)
