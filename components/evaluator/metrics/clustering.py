"""Metrics of clustering.

The silhouette of a row is (b - a) / max(a, b), where a is the mean distance to the other rows of its cluster, and b the
smallest mean distance to the rows of another one; it is 0 for a cluster of one row (Rousseeuw, Silhouettes, 1987). The
metric is the mean over a sample of up to 2,000 rows, drawn by a fixed hash, with Euclidean distances of the model's
`vectors`. Adjusted Rand compares clusters with labels: the share of agreeing pairs of rows, corrected for chance
(Hubert and Arabie, Comparing partitions, 1985); 1 is the same partition, 0 chance. mean_distance is the mean
distance of a row to its own centre. Row weights are ignored.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.evaluator.metric import Measure, Metric, Predictions
from components.evaluator.sums.accumulators import Array, Sums

_LABELS = 1 << 20
SAMPLE = 2_000
"""Rows of the silhouette: 4 million distances, 32 MB."""
_TASKS = ("clusters",)


@dataclass(frozen=True)
class Totals:
    """Sums of a cell: distances, silhouettes, number of sampled rows, and rows by cluster and label."""

    distance: float
    silhouettes: float
    sampled: float
    sums: Sums

    @property
    def adjusted_rand(self) -> float:
        """Adjusted Rand index; NaN without labels."""
        return adjusted_rand(*np.divmod(self.sums.bins, _LABELS), self.sums.weights)


METRICS = (
    Metric(
        name="silhouette",
        tasks=_TASKS,
        value=lambda totals: totals.silhouettes / totals.sampled if totals.sampled else math.nan,
        low=-1.0,
        high=1.0,
    ),
    Metric(
        name="adjusted_rand",
        tasks=_TASKS,
        value=lambda totals: totals.adjusted_rand,
        low=-1.0,
        high=1.0,
        chance=(0.0, "guessing"),
    ),
    Metric(
        name="mean_distance",
        tasks=_TASKS,
        value=lambda totals: totals.distance / totals.sums.weight if totals.sums.weight else math.nan,
        better="lower",
        low=0.0,
        always_defined=True,
    ),
)


class Clusters(Measure):
    """Sums of distance, silhouette and sampled rows; bins are the rows of a cluster and label."""

    task = "clusters"
    check_metric = "mean_distance"
    predictions = ("cluster", "distances")
    metrics = METRICS
    width = 3
    span = _LABELS << 16
    weighted = False

    def own_rows(self, label: Array, predictions: Predictions) -> tuple[Array, Array]:
        """See Measure; predictions are `cluster` (n,) and `distances` (n, clusters)."""
        numbers = np.zeros((len(label), self.width))
        numbers[:, 0] = self.errors(label, predictions)
        return numbers, (predictions["cluster"].astype(np.int64) * _LABELS + label + 1)[:, None]

    def silhouettes(self, values: Array) -> Array:
        """Return the numbers (n, total_width) of sampled rows.

        Args:
            values: (n,), silhouettes of the rows.
        """
        numbers = np.zeros((len(values), self.total_width))
        numbers[:, 1], numbers[:, 2] = values, 1.0
        return numbers

    def totals(self, sums: Sums) -> Totals:
        """Return the sums by name."""
        distance, silhouettes, sampled = map(float, sums.numbers[: self.width])
        return Totals(distance, silhouettes, sampled, sums)

    def details(self, sums: Sums) -> dict[str, Any]:
        """Return `sizes`, rows of each cluster, and `contingency`, rows by cluster and label index, if labelled."""
        cluster, label = np.divmod(sums.bins, _LABELS)
        details: dict[str, Any] = {"sizes": np.bincount(cluster, sums.weights).tolist()}
        if (label > 0).any() and label.max() <= 100:
            table = np.zeros((len(details["sizes"]), int(label.max())))
            table[cluster[label > 0], label[label > 0] - 1] = sums.weights[label > 0]
            details["contingency"] = table.tolist()
        return details

    def errors(self, label: Array, predictions: Predictions) -> Array:
        """Return the distance to the row's own centre."""
        distance: Array = predictions["distances"][np.arange(len(label)), predictions["cluster"]].astype(np.float64)
        return distance

    def shown(self, label: Array, predictions: Predictions, row: int) -> tuple[Any, Any]:
        """Return the label's index, and the cluster."""
        return int(label[row]) if label[row] >= 0 else None, int(predictions["cluster"][row])


def adjusted_rand(cluster: Array, label: Array, count: Array) -> float:
    """Compute the adjusted Rand index from the cells of a contingency table.

    Args:
        cluster: int64 (u,).
        label: int64 (u,) from 1; 0 means no label and is ignored.
        count: float64 (u,), rows of each cell.
    """
    has_label = label > 0
    cluster, label, count = cluster[has_label], label[has_label], count[has_label]
    total = _pairs(count.sum())
    if not total:
        return math.nan
    together = _pairs(count).sum()
    by_cluster, by_label = _pairs(np.bincount(cluster, count)).sum(), _pairs(np.bincount(label, count)).sum()
    expected, maximum = by_cluster * by_label / total, (by_cluster + by_label) / 2
    # One cluster and one label, or as many as rows in both: the same partition.
    return float((together - expected) / (maximum - expected)) if maximum != expected else 1.0


def _pairs(count: Any) -> Any:
    return count * (count - 1) / 2


def silhouette(vectors: Array, cluster: Array) -> Array:
    """Compute the silhouette of each row, float64 (n,); NaN with a single cluster.

    Args:
        vectors: (n, width).
        cluster: int64 (n,).
    """
    names, positions = np.unique(cluster, return_inverse=True)
    positions = positions.reshape(-1)
    if len(names) < 2:
        return np.full(len(cluster), math.nan)
    points = vectors.astype(np.float64)
    points = points - points.mean(axis=0)
    squares = (points**2).sum(axis=1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares - 2 * points @ points.T, 0))
    np.fill_diagonal(distances, 0.0)
    sizes = np.bincount(positions)
    sums = distances @ np.eye(len(names))[positions]
    rows = np.arange(len(positions))
    inner = sums[rows, positions] / np.maximum(sizes[positions] - 1, 1)
    means = sums / sizes
    means[rows, positions] = np.inf
    outer = means.min(axis=1)
    scale = np.maximum(inner, outer)
    result = np.divide(outer - inner, scale, out=np.zeros(len(positions)), where=scale != 0)
    return np.where(sizes[positions] == 1, 0.0, result)
