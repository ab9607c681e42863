"""Exact value counts of text columns, computed by Arrow."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
from tensorflow_data_validation.arrow import arrow_util
from tensorflow_data_validation.statistics.generators import stats_generator
from tensorflow_data_validation.utils import stats_util, top_k_uniques_stats_util
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx_bsl.arrow import array_util

from components import value_counts

Counts = dict[tuple[Any, ...], list[pa.StructArray]]
"""Path of a feature -> value counts, in parts."""


class Frequencies(stats_generator.CombinerStatsGenerator):  # type: ignore[misc]
    """Number of distinct values, and the most frequent values.

    Equal to TFDV's TopKUniquesStatsGenerator, which counts in Beam and so has no accumulator.

    Args:
        options: TFDV's options, without schema and weights.
    """

    def __init__(self, options: Any) -> None:
        super().__init__("Frequencies", None)
        self._most, self._ranks = options.num_top_values, options.num_rank_histogram_buckets
        self._threshold = options.frequency_threshold

    def create_accumulator(self) -> Counts:
        """Return an empty accumulator."""
        return {}

    def add_input(self, accumulator: Counts, input_record_batch: pa.RecordBatch) -> Counts:
        """Count the values of a batch."""
        for path, array, _ in arrow_util.enumerate_arrays(
            input_record_batch, example_weight_map=None, enumerate_leaves_only=True
        ):
            kind = stats_util.get_feature_type_from_arrow_type(path, array.type)
            if kind != statistics_pb2.FeatureNameStatistics.STRING:
                continue
            values, _ = array_util.flatten_nested(array, False)
            accumulator[path.steps()] = value_counts.add(accumulator.get(path.steps()), values)
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Counts]) -> Counts:
        """Merge accumulators."""
        merged: Counts = {}
        for accumulator in accumulators:
            for path, parts in accumulator.items():
                merged.setdefault(path, []).extend(parts)
        return self.compact(merged)

    def compact(self, accumulator: Counts) -> Counts:
        """Merge the parts of each feature."""
        return {path: [value_counts.total(parts)] for path, parts in accumulator.items()}

    def extract_output(self, accumulator: Counts) -> Any:
        """Return DatasetFeatureStatistics with the string statistics of each feature."""
        result = statistics_pb2.DatasetFeatureStatistics()
        count = max(self._most, self._ranks)
        for path, (total,) in self.compact(accumulator).items():
            if not len(total):
                continue
            values, numbers = total.field("values"), total.field("counts").to_numpy()
            if len(numbers) > count:
                lowest_count = np.partition(numbers, len(numbers) - count)[len(numbers) - count]
                places = np.flatnonzero(numbers >= lowest_count)
                values, numbers = values.take(pa.array(places)), numbers[places]
            ranked = sorted(zip(numbers.tolist(), values.to_pylist(), strict=True), reverse=True)[:count]
            top = top_k_uniques_stats_util.make_dataset_feature_stats_proto_topk_single(
                feature_path_tuple=path,
                value_count_list=[
                    top_k_uniques_stats_util.FeatureValueCount(value, number) for number, value in ranked
                ],
                is_weighted_stats=False,
                num_top_values=self._most,
                frequency_threshold=self._threshold,
                num_rank_histogram_buckets=self._ranks,
            )
            unique = top_k_uniques_stats_util.make_dataset_feature_stats_proto_unique_single(
                feature_path_tuple=path, num_uniques=len(total)
            )
            feature = result.features.add()
            feature.CopyFrom(top.features[0])
            feature.string_stats.MergeFrom(unique.features[0].string_stats)
        return result
