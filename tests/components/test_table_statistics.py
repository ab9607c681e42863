"""Statistics of a table in memory, which the checks before a run compare with those of earlier runs."""

import numpy as np
import pyarrow as pa
import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2

from components import table_statistics


def buckets(values):
    batch = pa.record_batch([pa.array(values)], ["n"])
    [figures] = table_statistics.proto([batch]).datasets[0].features
    [equal] = [
        histogram for histogram in figures.num_stats.histograms if histogram.type == statistics_pb2.Histogram.STANDARD
    ]
    return equal.buckets


@pytest.mark.parametrize(
    "values",
    [
        [1234567890123456838, 1234567890123456859],
        [2**53, 2**53 + 1, 2**53 + 2],
        [2**63 - 1] * 3,
        [-(2**63), 2**63 - 1],
        [5, 5],
        [0.0, 5e-324],
        [-3e38, 3e38],
        [1e16, 1e16, float("nan"), float("inf")],
    ],
)
def test_values_that_floats_hardly_tell_apart_are_counted_in_ten_buckets(values):
    finite = [value for value in values if np.isfinite(value)]
    counted = buckets(values)
    assert len(counted) == 10
    assert sum(bucket.sample_count for bucket in counted) == len(finite)
    assert counted[0].low_value <= min(finite)
    assert counted[9].high_value >= max(finite)


def test_buckets_divide_the_range_evenly():
    counted = buckets([0.0, 1.0, 1.0, 9.9, 10.0])
    assert [bucket.sample_count for bucket in counted] == [1, 2, 0, 0, 0, 0, 0, 0, 0, 2]
    assert [bucket.low_value for bucket in counted] == pytest.approx(list(range(10)))
