"""Numbers that stand for null, such as -999, with their exact counts, as a custom statistic."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
from tensorflow_data_validation.arrow import arrow_util
from tensorflow_data_validation.statistics.generators import stats_generator
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx_bsl.arrow import array_util

from components.data_checks import placeholders

Counts = dict[tuple[Any, ...], tuple[placeholders.Ends, int]]
"""Path of a feature -> its ends and number of values."""


class PlaceholderCounts(stats_generator.CombinerStatsGenerator):  # type: ignore[misc]
    """Counts of numbers far from all others that are written with nines; a column without them has no statistic."""

    def __init__(self) -> None:
        super().__init__("PlaceholderCounts", None)

    def create_accumulator(self) -> Counts:
        """Return an empty accumulator."""
        return {}

    def add_input(self, accumulator: Counts, input_record_batch: pa.RecordBatch) -> Counts:
        """Count the numbers of a batch."""
        for path, array, _ in arrow_util.enumerate_arrays(
            input_record_batch, example_weight_map=None, enumerate_leaves_only=True
        ):
            values, _ = array_util.flatten_nested(array, False)
            if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
                ends, count = accumulator.get(path.steps()) or (placeholders.Ends(), 0)
                ends.add(values)
                accumulator[path.steps()] = ends, count + len(values) - values.null_count
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Counts]) -> Counts:
        """Merge accumulators."""
        merged: Counts = {}
        for accumulator in accumulators:
            for path, (ends, count) in accumulator.items():
                column_ends, previous_count = merged.get(path) or (placeholders.Ends(), 0)
                column_ends.merge(ends)
                merged[path] = column_ends, previous_count + count
        return merged

    def extract_output(self, accumulator: Counts) -> Any:
        """Return DatasetFeatureStatistics with the custom statistic of each feature that has such numbers."""
        result = statistics_pb2.DatasetFeatureStatistics()
        for path, (ends, count) in accumulator.items():
            feature = statistics_pb2.FeatureNameStatistics()
            feature.path.step.extend(path)
            placeholders.write(feature, ends, count)
            if feature.custom_stats:
                result.features.append(feature)
        return result
