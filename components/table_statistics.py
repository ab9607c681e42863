"""Statistics of a table in memory, in TFDV's form and without importing TensorFlow, for checks before a run."""

import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
from tensorflow_metadata.proto.v0 import statistics_pb2

from components import value_counts
from components.data_checks import placeholders

BUCKETS = 10
"""Buckets of each histogram, as in TFDV."""
MAX_VALUES = 1000
"""Values of a text column that are listed, as in TFDV."""
_BYTES = "__BYTES_VALUE__"
"""TFDV's placeholder for a value that is not text."""

Values = np.ndarray[Any, Any]


def proto(batches: Iterable[pa.RecordBatch]) -> Any:
    """Compute the statistics that the gates read: those of the statistics stage, with exact quantiles.

    Args:
        batches: Rows with equal columns, each of integers, floats, texts or bytes.

    Returns:
        DatasetFeatureStatisticsList.
    """
    result, parts = statistics_pb2.DatasetFeatureStatisticsList(), list(batches)
    dataset = result.datasets.add(num_examples=sum(map(len, parts)))
    for position, name in enumerate(parts[0].schema.names if parts else ()):
        figures = dataset.features.add()
        figures.path.step.append(name)
        _measure(figures, [part.column(position) for part in parts])
    return result


def _measure(figures: Any, arrays: list[pa.Array]) -> None:
    """Fill in the FeatureNameStatistics of a column; a column without a value has no type and counts as integers."""
    kind = next((array.type for array in arrays if array.null_count < len(array)), None)
    rows, nulls = sum(map(len, arrays)), sum(array.null_count for array in arrays)
    if kind is None or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        is_float = kind is not None and pa.types.is_floating(kind)
        figures.type = figures.FLOAT if is_float else figures.INT
        numbers = [array.drop_null().to_numpy() for array in arrays if array.null_count < len(array)]
        values = np.concatenate(numbers) if numbers else np.empty(0)
        common = figures.num_stats.common_stats
        _numbers(figures.num_stats, values)
        placeholders.write(figures, placeholders.of(arrays if kind is not None else ()), rows - nulls)
    else:
        figures.type = figures.STRING
        common = figures.string_stats.common_stats
        _texts(figures.string_stats, [array.drop_null() for array in arrays if array.null_count < len(array)])
    common.num_missing, common.num_non_missing, common.tot_num_values = nulls, rows - nulls, rows - nulls


def _numbers(stats: Any, values: Values) -> None:
    finite = values[np.isfinite(values)].astype(np.float64)
    numbers = values[~np.isnan(values)].astype(np.float64)
    if not len(numbers):
        return
    stats.min, stats.max, stats.median = float(numbers.min()), float(numbers.max()), float(np.median(numbers))
    stats.num_zeros = int((numbers == 0).sum())
    bounds = np.quantile(numbers, np.linspace(0, 1, BUCKETS + 1), method="inverted_cdf")
    quantiles = stats.histograms.add(type=statistics_pb2.Histogram.QUANTILES)
    for low, high in itertools.pairwise(bounds):
        quantiles.buckets.add(low_value=low, high_value=high, sample_count=len(numbers) / BUCKETS)
    if not len(finite):
        return
    stats.mean, stats.std_dev = float(finite.mean()), float(finite.std())
    counts, edges = _histogram(finite)
    equal = stats.histograms.add(type=statistics_pb2.Histogram.STANDARD)
    for count, low, high in zip(counts, edges[:-1], edges[1:], strict=True):
        equal.buckets.add(low_value=low, high_value=high, sample_count=count)


def _histogram(finite: Values) -> tuple[Values, Values]:
    """Count values in buckets of equal width; beyond 2^53, floats may be further apart than a tenth of their range."""
    low, high = finite.min(), finite.max()
    distinguishable = BUCKETS * np.spacing(np.abs(finite).max())
    margin = max(0.5, distinguishable) if high - low < distinguishable else 0
    return np.histogram(finite, BUCKETS, range=(low - margin, high + margin))


def _texts(stats: Any, arrays: list[pa.Array]) -> None:
    total = value_counts.total([array.value_counts() for array in arrays])
    counts: dict[str, float] = {}
    for value, rows in zip(total.field("values").to_pylist(), total.field("counts").to_pylist(), strict=True):
        name = _text(value)
        counts[name] = counts.get(name, 0) + rows
    stats.unique = len(total)
    ranked = sorted(counts.items(), key=lambda entry: (entry[1], entry[0]), reverse=True)[:MAX_VALUES]
    for rank, (value, rows) in enumerate(ranked):
        stats.rank_histogram.buckets.add(low_rank=rank, high_rank=rank, label=value, sample_count=rows)


def _text(value: Any) -> str:
    try:
        return value.decode() if isinstance(value, bytes) else str(value)
    except UnicodeDecodeError:
        return _BYTES
