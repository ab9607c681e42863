"""Computes TFDV statistics of every split: TFDV's generators on large batches per file, then merged."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from tensorflow_data_validation import StatsOptions
from tensorflow_data_validation.statistics import stats_impl
from tensorflow_data_validation.statistics.generators import top_k_uniques_sketch_stats_generator
from tfx.components.statistics_gen.executor import DEFAULT_FILE_NAME, SAMPLE_RATE_BY_SPLIT_PROPERTY_NAME
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import json_utils
from tfx_bsl.coders import example_coder

from components import example_passes, summary
from components.engine import parallel_map
from components.engine.beam_pipeline import EngineMixin
from components.fingerprints import code_digest
from components.prefetch import prefetch
from components.statistics.frequencies import Frequencies
from components.statistics.placeholder_counts import PlaceholderCounts
from models import progress
from models.data import column_cache

DECODE_ROWS = 4096
"""Records decoded at once; the decoder is slower on more. Generators get several such batches as one."""


class Executor(EngineMixin, base_beam_executor.BaseBeamExecutor):  # type: ignore[misc]
    """Executor of the statistics node."""

    @code_digest.checked
    def Do(  # noqa: N802  TFX's name
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """Compute statistics of each split."""
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        statistics = artifact_utils.get_single_instance(output_dict["statistics"])
        splits = artifact_utils.decode_split_names(examples.split_names)
        elements = [
            (split, parallel_map.absolute(shard.path), shard.rows)
            for split in splits
            for shard in example_passes.files(examples, split)
        ]
        statistics.split_names = artifact_utils.encode_split_names(splits)
        statistics.span = examples.span
        # TFX's readers require this property.
        statistics.set_json_value_custom_property(
            SAMPLE_RATE_BY_SPLIT_PROPERTY_NAME, json_utils.dumps(dict.fromkeys(splits, 1.0))
        )
        merged = parallel_map.map_reduce(
            self._make_beam_pipeline, elements, Measure(), merge, f"{statistics.uri}/.temporary"
        )
        for split in splits:
            folder = artifact_utils.get_split_uri([statistics], split)
            fileio.makedirs(folder)
            with fileio.open(f"{folder}/{DEFAULT_FILE_NAME}", "wb") as file:
                file.write(proto(merged.get(split)).SerializeToString(deterministic=True))
        summary.put(statistics, f"of {', '.join(splits)}")


def generators() -> list[Any]:
    """Return TFDV's default generators, with exact value counts instead of sketches, and our count of placeholders."""
    options = StatsOptions()
    sketch = top_k_uniques_sketch_stats_generator.TopKUniquesSketchStatsGenerator
    stats_generators = [
        Frequencies(options) if isinstance(generator, sketch) else generator
        for generator in stats_impl.get_generators(options, in_memory=True)
    ]
    stats_generators.append(PlaceholderCounts())
    for generator in stats_generators:
        generator.setup()
    return stats_generators


class Measure:
    """One file of a split in, the generators' accumulators out; see `spread.Work`."""

    def setup(self) -> None:
        """Do nothing: no set-up is required."""

    def process(self, element: example_passes.Element) -> list[Any]:
        """Compute the accumulators of one file."""
        split, path, declared = element
        combiners = generators()
        accumulators = [generator.create_accumulator() for generator in combiners]
        meter, rows = progress.Meter(total=column_cache.rows(path)), 0
        for batch in prefetch(_decoded(path)):
            accumulators = [
                generator.add_input(accumulator, batch)
                for generator, accumulator in zip(combiners, accumulators, strict=True)
            ]
            meter.add(len(batch), split)
            rows += len(batch)
        example_passes.check_row_count(path, rows, declared)
        return [generator.compact(part) for generator, part in zip(combiners, accumulators, strict=True)]


def _decoded(path: str) -> Iterator[pa.RecordBatch]:
    """Yield batches with list columns, as TFDV requires, from the column cache or else from the records."""
    cached = column_cache.batches(path)
    if cached is not None:
        yield from map(lists, cached)
        return
    decoder = example_coder.ExamplesToRecordBatchDecoder()
    for records in example_passes.batches(path):
        parts = [
            decoder.DecodeBatch(records[start : start + DECODE_ROWS]) for start in range(0, len(records), DECODE_ROWS)
        ]
        yield from _joined(parts)


def lists(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Convert flat columns to columns of one-value lists; null becomes a null list, a column of nulls has no type."""
    arrays = []
    for column in batch.columns:
        if column.null_count == len(column):
            arrays.append(pa.nulls(len(column)))
            continue
        arrays.append(as_list(column))
    return pa.RecordBatch.from_arrays(arrays, batch.schema.names)


def as_list(column: pa.Array) -> pa.ListArray:
    """Convert a column to one-value lists; null becomes a null list, because its offset is null."""
    missing = np.append(np.asarray(column.is_null()), False)
    offsets = np.concatenate([[0], np.cumsum(~missing[:-1])])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32(), mask=missing), column.drop_null())


def _joined(parts: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Join batches; yield each if their columns differ, such as if one has only nulls in a column."""
    if len({part.schema.to_string() for part in parts}) > 1:
        yield from parts
        return
    table = pa.Table.from_batches(parts).combine_chunks()
    yield from table.to_batches()


def merge(parts: list[list[Any]]) -> list[Any]:
    """Merge the accumulators of several files."""
    combiners = generators()
    return [
        generator.merge_accumulators(list(column))
        for generator, column in zip(combiners, zip(*parts, strict=True), strict=True)
    ]


def proto(accumulators: list[Any] | None) -> Any:
    """Return the DatasetFeatureStatisticsList of accumulators; without any, that of no rows."""
    combiners = generators()
    parts: Iterable[Any] = accumulators or [generator.create_accumulator() for generator in combiners]
    return stats_impl.extract_statistics_output(list(parts), combiners)
