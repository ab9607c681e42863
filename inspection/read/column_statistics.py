"""Statistics of columns, read from the files of TFDV."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb
from tensorflow_metadata.proto.v0 import path_pb2, statistics_pb2

from errors import ResourceError
from inspection.store import artifact_files
from inspection.store.metadata_store import properties

_FILES = r"FeatureStats\.pb|stats_tfrecord(-.*)?"
_BYTES = "__BYTES_VALUE__"
"""Placeholder of TFDV for a value that is not text, such as an image."""
_COLUMN = statistics_pb2.FeatureNameStatistics


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a split.

    Attributes:
      count: Number of rows with a value.
      nulls: Number of rows without a value.
      mean: Mean; like std, min, median, max and zeros None if the values are not numbers.
      unique: Number of different values; None for numbers.
      top: The most frequent values with their counts, most frequent first.
      quantiles: Quantile histogram: (low, high, rows) of each bucket.
      buckets: Histogram with buckets of equal width: (low, high, rows) of each bucket.
      shares: Value -> its share of all values, as far as TFDV recorded it; empty for numbers.
    """

    name: str
    type: str
    count: int
    nulls: int
    mean: float | None = None
    std: float | None = None
    min: float | None = None
    median: float | None = None
    max: float | None = None
    zeros: int | None = None
    unique: int | None = None
    average_length: float | None = None
    top: tuple[tuple[str, float], ...] = ()
    quantiles: tuple[tuple[float, float, float], ...] = ()
    buckets: tuple[tuple[float, float, float], ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Split:
    """The statistics of a split."""

    split: str
    rows: int
    columns: tuple[Column, ...]


def read_statistics(artifact: pb.Artifact) -> list[Split]:
    """Read an ExampleStatistics artifact.

    Raises:
      UserError: The artifact is in a bucket.
      ResourceError: Files of the artifact are missing or damaged.
    """
    path = artifact_files.folder(artifact.uri, f"ExampleStatistics {artifact.id}")
    folders = artifact_files.splits(path, str(properties(artifact).get("split_names") or ""))
    return [Split(split=split, **_read(folder)) for split, folder in folders.items()]


def proto(folder: str) -> Any:
    """Read the statistics of a split's folder as DatasetFeatureStatisticsList.

    Raises:
      ResourceError: They are missing or damaged.
    """
    files = artifact_files.matching_files(folder, _FILES)
    if not files:
        raise ResourceError(f"{folder} contains no statistics: expected FeatureStats.pb")
    content = None if files[0].endswith(".pb") else next(artifact_files.records(files[0]), b"")
    return artifact_files.message(files[0], statistics_pb2.DatasetFeatureStatisticsList, content)


def _read(folder: str) -> dict[str, Any]:
    parsed = proto(folder)
    # Further datasets in a list are slices of the first one.
    dataset = parsed.datasets[0] if parsed.datasets else statistics_pb2.DatasetFeatureStatistics()
    return {"rows": int(dataset.num_examples), "columns": tuple(map(_column, dataset.features))}


def _column(feature: Any) -> Column:
    kind = feature.WhichOneof("stats") or "num_stats"
    stats = getattr(feature, kind)
    common = stats.common_stats
    facts: dict[str, Any] = {
        "name": feature.name or column_name(feature.path),
        "type": _COLUMN.Type.Name(feature.type),
        "count": int(common.num_non_missing),
        "nulls": int(common.num_missing),
    }
    if kind == "num_stats":
        numbers = {"mean": stats.mean, "std": stats.std_dev, "min": stats.min, "median": stats.median, "max": stats.max}
        quantiles = next(
            (histogram for histogram in stats.histograms if histogram.type == statistics_pb2.Histogram.QUANTILES), None
        )
        bounds = quantiles.buckets if quantiles else ()
        standard = next(
            (histogram for histogram in stats.histograms if histogram.type == statistics_pb2.Histogram.STANDARD), None
        )
        equal_width = standard.buckets if standard else ()
        facts |= {name: float(value) if common.num_non_missing else None for name, value in numbers.items()}
        facts["zeros"] = int(stats.num_zeros)
        facts["quantiles"] = tuple((bucket.low_value, bucket.high_value, bucket.sample_count) for bucket in bounds)
        facts["buckets"] = tuple((bucket.low_value, bucket.high_value, bucket.sample_count) for bucket in equal_width)
    elif kind == "string_stats":
        total = common.tot_num_values or common.num_non_missing
        facts["unique"] = int(stats.unique)
        facts["average_length"] = float(stats.avg_length)
        facts["top"] = tuple((top.value, top.frequency) for top in stats.top_values if top.value != _BYTES)
        buckets = [bucket for bucket in stats.rank_histogram.buckets if total and bucket.label != _BYTES]
        facts["shares"] = {bucket.label: bucket.sample_count / total for bucket in buckets}
    elif kind == "bytes_stats":
        facts["unique"] = int(stats.unique)
        facts["average_length"] = float(stats.avg_num_bytes)
    return Column(**facts)


def column_name(path: path_pb2.Path) -> str:
    """Return the name of a column, which TFDV writes as a path of steps."""
    return ".".join(path.step)


def distance(a: Column, b: Column) -> float | None:
    """Return the distance of two distributions, 0 to 1; None if they cannot be compared.

    For categories it is the L-infinity norm of the difference of shares, as in TFDV. For numbers it is the
    Kolmogorov-Smirnov statistic: the largest difference of the cumulative distributions, at the bounds of the quantiles
    of both columns, with linear interpolation between them.
    """
    if a.shares or b.shares:
        values = {*a.shares, *b.shares}
        return max((abs(a.shares.get(value, 0.0) - b.shares.get(value, 0.0)) for value in values), default=None)
    if not a.quantiles or not b.quantiles:
        return None
    bounds = {bound for column in (a, b) for low, high, _ in column.quantiles for bound in (low, high)}
    differences = [
        abs(_below(a, bound, inclusive) - _below(b, bound, inclusive))
        for bound in bounds
        if math.isfinite(bound)
        for inclusive in (True, False)
    ]
    return max(differences, default=None)


def _below(column: Column, bound: float, inclusive: bool) -> float:
    """Return the share of values below a bound, or up to and including it."""
    total = sum(rows for _, _, rows in column.quantiles)
    below = 0.0
    for low, high, rows in column.quantiles:
        if high < bound or (inclusive and high <= bound):
            below += rows
        elif low < bound and high > low:
            below += rows * (bound - low) / (high - low)
    return below / total if total else 0.0
