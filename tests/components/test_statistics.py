"""Statistics on large batches are those of stock TFDV on the same rows."""

import itertools

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx_bsl.coders import example_coder

from components import example_passes
from components.engine import parallel_map
from components.ingestion.write import example_encoding
from components.statistics import executor
from models.data import column_cache

ROWS = 2500


@pytest.fixture(scope="module")
def columns():
    random = np.random.default_rng(5)
    words = [*"abcdefghij", "é", "日本", "", "<b>"]
    number = [float(value) for value in random.normal(size=ROWS).astype(np.float32)]
    return {
        "number": [None if place % 7 == 0 else value for place, value in enumerate(number)],
        "whole": [int(value) for value in random.integers(-5, 50, ROWS)],
        "word": [words[place] for place in random.zipf(1.4, ROWS) % len(words)],
        "id": [f"row {place}" for place in range(ROWS)],
        "absent": [None] * (ROWS - 1) + ["once"],
        "same": ["x"] * ROWS,
    }


@pytest.fixture(scope="module", params=["records", "columns"])
def paths(columns, write_examples, tmp_path_factory, request):
    """Two shards, without and with their columns beside them."""
    folder = tmp_path_factory.mktemp("records") / "Split-train"
    cuts = (0, 900, ROWS)
    parts = {
        start: {name: cells[start:end] for name, cells in columns.items()} for start, end in itertools.pairwise(cuts)
    }
    beside = request.param == "columns"
    shard_paths = [str(write_examples(folder / f"{start}.gz", part, beside=beside)) for start, part in parts.items()]
    assert [column_cache.batches(path) is not None for path in shard_paths] == [beside] * 2
    return shard_paths


def stock(paths, pipeline, folder):
    """TFDV's own Beam transform, on small batches."""
    records = [record for path in paths for batch in example_passes.batches(path) for record in batch]
    decoder = example_coder.ExamplesToRecordBatchDecoder()
    parts = [decoder.DecodeBatch(records[at : at + 500]) for at in range(0, len(records), 500)]
    target = f"{folder}/stock.pb"
    with pipeline as started:
        _ = (
            started
            | beam.Create(parts, reshuffle=False)
            | tfdv.GenerateStatistics(tfdv.StatsOptions())
            | tfdv.WriteStatisticsToBinaryFile(target)
        )
    return tfdv.load_stats_binary(target)


def by_name(statistics):
    return {feature.path.step[0]: feature for feature in statistics.datasets[0].features}


def rounded(feature):
    """Without what quantile sketches and the order of a float sum move."""
    comparable = statistics_pb2.FeatureNameStatistics()
    comparable.CopyFrom(feature)
    for field in ("num_stats", "string_stats"):
        if comparable.WhichOneof("stats") == field:
            values = getattr(comparable, field)
            values.common_stats.ClearField("num_values_histogram")
            if field == "num_stats":
                for name in ("mean", "std_dev", "median", "histograms"):
                    values.ClearField(name)
            else:
                values.ClearField("avg_length")
    return comparable


@pytest.fixture(scope="module")
def measured_and_stock(paths, beam_pipeline, tmp_path_factory):
    folder = tmp_path_factory.mktemp("statistics")
    elements = [("train", path, None) for path in paths]
    merged = parallel_map.map_reduce(beam_pipeline, elements, executor.Measure(), executor.merge, f"{folder}/ours")
    return executor.proto(merged["train"]), stock(paths, beam_pipeline(), str(folder))


def test_the_figures_are_those_of_stock(measured_and_stock):
    measured, expected = measured_and_stock
    assert measured.datasets[0].num_examples == expected.datasets[0].num_examples == ROWS
    measured_by_name, stocks = by_name(measured), by_name(expected)
    assert measured_by_name.keys() == stocks.keys()
    for name in stocks:
        assert rounded(measured_by_name[name]) == rounded(stocks[name]), name


@pytest.mark.parametrize("name", ["number", "whole"])
def test_means_and_quantiles_are_near(measured_and_stock, name):
    measured, expected = (by_name(statistics)[name].num_stats for statistics in measured_and_stock)
    assert measured.mean == pytest.approx(expected.mean, rel=1e-9)
    assert measured.std_dev == pytest.approx(expected.std_dev, rel=1e-9)
    spread = expected.max - expected.min
    assert abs(measured.median - expected.median) < 0.01 * spread
    assert len(measured.histograms) == len(expected.histograms) == 2
    for actual_histogram, expected_histogram in zip(measured.histograms, expected.histograms, strict=True):
        assert sum(bucket.sample_count for bucket in actual_histogram.buckets) == pytest.approx(
            sum(bucket.sample_count for bucket in expected_histogram.buckets), rel=1e-3
        )


def test_a_text_s_values_are_counted_exactly(measured_and_stock, columns):
    words = by_name(measured_and_stock[0])["word"].string_stats
    assert words.unique == len(set(columns["word"]))
    assert words.top_values[0].value == max(set(columns["word"]), key=columns["word"].count)
    assert words.top_values[0].frequency == max(map(columns["word"].count, set(columns["word"])))
    assert by_name(measured_and_stock[0])["id"].string_stats.unique == ROWS


def test_columns_are_lists_of_the_types_that_stock_reads_from_the_records():
    """A column without a value has no type."""
    columns = {
        "number": pa.array([1.5, None], pa.float32()),
        "whole": pa.array([1, 2]),
        "word": pa.array([b"a", None]),
        "absent": pa.array([None, None], pa.float32()),
    }
    batch = pa.record_batch(list(columns.values()), list(columns))
    records = example_encoding.examples(pa.record_batch([*batch.columns[:3], pa.nulls(2)], list(columns))).to_pylist()
    stock = example_coder.ExamplesToRecordBatchDecoder().DecodeBatch(records)
    batch_of_lists = executor.lists(batch)

    for name in columns:
        ours_by_name, expected = (side.column(side.schema.get_field_index(name)) for side in (batch_of_lists, stock))
        assert (ours_by_name.to_pylist(), pa.types.is_null(ours_by_name.type)) == (
            expected.to_pylist(),
            pa.types.is_null(expected.type),
        )


def test_a_split_without_rows_has_statistics_too():
    empty = executor.proto(None)
    assert [dataset.num_examples for dataset in empty.datasets] == [0]


def test_long_records_go_in_more_batches(write_examples, tmp_path, monkeypatch):
    path = write_examples(tmp_path / "long.gz", {"text": ["x" * 1000] * 5000})
    monkeypatch.setattr(example_passes, "BATCH_BYTES", 1_500_000)
    sizes = [len(batch) for batch in example_passes.batches(str(path))]
    assert sum(sizes) == 5000
    assert sizes == [2048, 2048, 904]
