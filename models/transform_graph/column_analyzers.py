"""Analyzers of a matrix of numbers: the same statistics as TensorFlow Transform's (TFT), for all columns at once.

Tracing one analyzer of 750 columns costs as much as one of a single column. NaN is a null and ignored, so columns with
different nulls fit into one matrix.
"""

import pickle
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow_transform import analyzer_nodes, analyzers

Array = np.ndarray[Any, Any]

ROUNDING = 1e-14
"""A standard deviation below this share of the mean is the rounding error of float64 in a constant column."""


class _CacheCoder(analyzer_nodes.CacheCoder):  # type: ignore[misc]
    """Encodes accumulators for the analyzer cache of the stock Transform component, as TFT encodes its own sketches."""

    def encode_cache(self, accumulator: Any) -> bytes:
        """See CacheCoder."""
        return pickle.dumps(accumulator)

    def decode_cache(self, encoded_accumulator: bytes) -> Any:
        """See CacheCoder."""
        return pickle.loads(encoded_accumulator)


class _Combiner(analyzer_nodes.Combiner):  # type: ignore[misc]
    """A combiner whose accumulators are more than the lists of numbers that TFT encodes as JSON."""

    @property
    def accumulator_coder(self) -> _CacheCoder:
        """See Combiner."""
        return _CacheCoder()


class _Moments(NamedTuple):
    """Statistics of the finite numbers of each column, float64 (columns,)."""

    rows: Array
    mean: Array
    variance: Array
    low: Array
    high: Array


class Moments(_Combiner):
    """Computes the mean of each column, and the shift and unit that scale it.

    Args:
        scales: Scale of each column: z_score, min_max, unit or none.
    """

    def __init__(self, scales: Sequence[str]) -> None:
        self._scales = np.array(scales)

    def create_accumulator(self) -> _Moments:
        """See Combiner."""
        zeros = np.zeros(len(self._scales))
        return _Moments(zeros, zeros, zeros, zeros + np.inf, zeros - np.inf)

    def add_input(self, accumulator: _Moments, batch_values: Sequence[Array]) -> _Moments:
        """Add a batch, float64 (rows, columns)."""
        # Column after column in memory: NumPy then sums pairwise, with the rounding error of a single column.
        matrix = np.asfortranarray(batch_values[0])
        is_finite = np.isfinite(matrix)
        rows = is_finite.sum(axis=0).astype(np.float64)
        divisor = np.maximum(rows, 1.0)
        mean = np.where(is_finite, matrix, 0.0).sum(axis=0) / divisor
        variance = np.where(is_finite, matrix - mean, 0.0)
        variance = (variance * variance).sum(axis=0) / divisor
        low = np.where(is_finite, matrix, np.inf).min(axis=0, initial=np.inf)
        high = np.where(is_finite, matrix, -np.inf).max(axis=0, initial=-np.inf)
        return _merged(accumulator, _Moments(rows, mean, variance, low, high))

    def merge_accumulators(self, accumulators: Iterable[_Moments]) -> _Moments:
        """See Combiner."""
        merged = self.create_accumulator()
        for accumulator in accumulators:
            merged = _merged(merged, accumulator)
        return merged

    def extract_output(self, accumulator: _Moments) -> list[Array]:
        """Return mean, shift and unit, float64 (columns,); a unit of 0 marks a constant or an empty column."""
        _, mean, variance, low, high = accumulator
        deviation = np.sqrt(variance)
        deviation = np.where(deviation > ROUNDING * np.abs(mean), deviation, 0.0)
        zeros = np.zeros_like(mean)
        choices = {
            "z_score": (mean, deviation),
            "min_max": (low, high - low),
            "unit": (zeros, np.maximum(np.abs(low), np.abs(high))),
            "none": (zeros, zeros + 1.0),
        }
        conditions = [self._scales == scale for scale in choices]
        shift = np.select(conditions, [shift for shift, _ in choices.values()])
        unit = np.select(conditions, [unit for _, unit in choices.values()])
        valid = np.isfinite(unit) & np.isfinite(shift)
        return [mean, np.where(valid, shift, 0.0), np.where(valid, unit, 0.0)]

    def output_tensor_infos(self) -> list[Any]:
        """See Combiner."""
        return [analyzer_nodes.TensorInfo(tf.float64, (len(self._scales),), None)] * 3


class ColumnQuantiles(_Combiner):
    """Computes quantiles of each column by TFT's own sketch, one sketch a column.

    Args:
        columns: Number of columns.
        count: Number of buckets between the quantiles.
        error: Maximum error of a rank, as a share of the rows.
    """

    def __init__(self, columns: int, count: int, error: float) -> None:
        self._columns, self._count = columns, count
        self._sketch = analyzers.QuantilesCombiner(count, error, np.float32, output_shape=[1, count - 1])

    def create_accumulator(self) -> list[Any]:
        """See Combiner."""
        return [self._sketch.create_accumulator() for _ in range(self._columns)]

    def add_input(self, accumulator: list[Any], batch_values: Sequence[Array]) -> list[Any]:
        """Add a batch of floats, (rows, columns)."""
        return [
            self._sketch.add_input(sketch, [column[~np.isnan(column)]])
            for sketch, column in zip(accumulator, batch_values[0].T, strict=True)
        ]

    def merge_accumulators(self, accumulators: Iterable[list[Any]]) -> list[Any]:
        """See Combiner."""
        return [self._sketch.merge_accumulators(sketches) for sketches in zip(*accumulators, strict=True)]

    def compact(self, accumulator: list[Any]) -> list[Any]:
        """See Combiner."""
        return [self._sketch.compact(sketch) for sketch in accumulator]

    def extract_output(self, accumulator: list[Any]) -> list[Array]:
        """Return the quantiles, float32 (columns, count - 1); 0 for a column without values."""
        return [np.concatenate([self._sketch.extract_output(sketch)[0] for sketch in accumulator])]

    def output_tensor_infos(self) -> list[Any]:
        """See Combiner."""
        return [analyzer_nodes.TensorInfo(tf.float32, (self._columns, self._count - 1), None)]


def moments(matrix: tf.Tensor, scales: Sequence[str]) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Compute mean, shift and unit of each column of a matrix.

    Args:
        matrix: float64 (batch, columns); NaN and infinite numbers are ignored.
        scales: Scale of each column: z_score, min_max, unit or none.

    Returns:
        Mean, shift and unit (number = shift + unit * feature), float64 (columns,) each.
    """
    mean, shift, unit = _applied(Moments(scales), matrix)
    return mean, shift, unit


def quantiles(matrix: tf.Tensor, count: int, error: float) -> tf.Tensor:
    """Compute the quantiles of each column of a matrix, float32 (columns, count - 1).

    Args:
        matrix: Floats, (batch, columns); NaN is ignored.
        count: Number of buckets between the quantiles.
        error: Maximum error of a rank, as a share of the rows.
    """
    (edges,) = _applied(ColumnQuantiles(matrix.shape[1], count, error), matrix)
    return edges


def _applied(combiner: Any, matrix: tf.Tensor) -> list[tf.Tensor]:
    # TFT labels an analyzer by its scope.
    with tf.compat.v1.name_scope("column_analyzer"):
        outputs = analyzers.apply_cacheable_combine_operation(combiner, matrix)
        return [analyzer_nodes.wrap_as_tensor(output) for output in outputs]


def _merged(first: _Moments, second: _Moments) -> _Moments:
    """Merge statistics by the formula of TFT, which is stable if the counts differ much."""
    large, small = (first, second) if first.rows.sum() >= second.rows.sum() else (second, first)
    rows = large.rows + small.rows
    share = small.rows / np.maximum(rows, 1.0)
    step = small.mean - large.mean
    mean = large.mean + share * step
    variance = large.variance + share * (small.variance - large.variance + (small.mean - mean) * step)
    return _Moments(rows, mean, variance, np.minimum(first.low, second.low), np.maximum(first.high, second.high))
