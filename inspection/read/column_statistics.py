"""Statistics of columns, out of what TFDV wrote."""

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
"""What TFDV writes for a value that is no text, such as an image."""
_COLUMN = statistics_pb2.FeatureNameStatistics


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of one split.

    Attributes:
      count: Rows that have a value.
      missing: Rows that have none.
      mean: As std, min, median, max and zeros None where the values are no numbers.
      unique: Different values; None where they are numbers.
      top: The most frequent values with their counts, the most frequent first.
      quantiles: Bounds of parts of equal size, with the rows in each: (low, high, rows).
      buckets: The same of parts of equal width.
      shares: Every value that TFDV kept -> its share of the values; empty where they are numbers.
    """

    name: str
    type: str
    count: int
    missing: int
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
    """The statistics of one split."""

    split: str
    rows: int
    columns: tuple[Column, ...]


def read_statistics(artifact: pb.Artifact) -> list[Split]:
    """Reads an ExampleStatistics artifact.

    Raises:
      UserError: It is in a bucket.
      ResourceError: Its files are gone or damaged.
    """
    path = artifact_files.folder(artifact.uri, f"ExampleStatistics {artifact.id}")
    folders = artifact_files.splits(path, str(properties(artifact).get("split_names") or ""))
    return [Split(split=split, **_read(folder)) for split, folder in folders.items()]


def _read(folder: str) -> dict[str, Any]:
    found = artifact_files.named(folder, _FILES)
    if not found:
        raise ResourceError(f"{folder} holds no statistics: expected FeatureStats.pb")
    content = None if found[0].endswith(".pb") else next(artifact_files.records(found[0]), b"")
    parsed = artifact_files.message(found[0], statistics_pb2.DatasetFeatureStatisticsList, content)
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
        "missing": int(common.num_missing),
    }
    if kind == "num_stats":
        numbers = {"mean": stats.mean, "std": stats.std_dev, "min": stats.min, "median": stats.median, "max": stats.max}
        quantiles = next((each for each in stats.histograms if each.type == statistics_pb2.Histogram.QUANTILES), None)
        bounds = quantiles.buckets if quantiles else ()
        even = next((each for each in stats.histograms if each.type == statistics_pb2.Histogram.STANDARD), None)
        equal = even.buckets if even else ()
        facts |= {name: float(value) if common.num_non_missing else None for name, value in numbers.items()}
        facts["zeros"] = int(stats.num_zeros)
        facts["quantiles"] = tuple((each.low_value, each.high_value, each.sample_count) for each in bounds)
        facts["buckets"] = tuple((each.low_value, each.high_value, each.sample_count) for each in equal)
    elif kind == "string_stats":
        total = common.tot_num_values or common.num_non_missing
        facts["unique"] = int(stats.unique)
        facts["average_length"] = float(stats.avg_length)
        facts["top"] = tuple((each.value, each.frequency) for each in stats.top_values if each.value != _BYTES)
        buckets = [each for each in stats.rank_histogram.buckets if total and each.label != _BYTES]
        facts["shares"] = {each.label: each.sample_count / total for each in buckets}
    elif kind == "bytes_stats":
        facts["unique"] = int(stats.unique)
        facts["average_length"] = float(stats.avg_num_bytes)
    return Column(**facts)


def column_name(path: path_pb2.Path) -> str:
    """Returns a column's name as TFDV writes it: as a path of steps."""
    return ".".join(path.step)


def distance(one: Column, other: Column) -> float | None:
    """Returns how far two distributions are apart, from 0 to 1: the largest difference of shares.

    Of categories this is the L-infinity norm, as TFDV compares them; of numbers the largest difference of their
    cumulative shares (Kolmogorov and Smirnov) at the bounds of both columns' quantiles, between which it interpolates.
    None where the values cannot be compared.
    """
    if one.shares or other.shares:
        values = {*one.shares, *other.shares}
        return max((abs(one.shares.get(value, 0.0) - other.shares.get(value, 0.0)) for value in values), default=None)
    if not one.quantiles or not other.quantiles:
        return None
    bounds = {bound for column in (one, other) for low, high, _ in column.quantiles for bound in (low, high)}
    gaps = [
        abs(_below(one, bound, side) - _below(other, bound, side))
        for bound in bounds
        if math.isfinite(bound)
        for side in (True, False)
    ]
    return max(gaps, default=None)


def _below(column: Column, bound: float, inclusive: bool) -> float:
    """Returns the share of values below a bound, or up to it."""
    total = sum(rows for _, _, rows in column.quantiles)
    below = 0.0
    for low, high, rows in column.quantiles:
        if high < bound or (inclusive and high <= bound):
            below += rows
        elif low < bound and high > low:
            below += rows * (bound - low) / (high - low)
    return below / total if total else 0.0
