"""The analysis on large batches gives what stock TensorFlow Transform gives on the same rows."""

import functools
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from tensorflow_transform import impl_helper
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io

from components import example_passes as records
from components.transformation import graph_passes
from components.transformation.analysis import Analysis, Unsupported
from components.transformation.analyzer_accumulators import vocabulary
from manifest import Shard

ROWS = 3000


def many_analyzers(inputs, custom_config):
    """Two phases, every analyzer that our roles use, and some more."""
    x, n, word = tf.cast(inputs["x"], tf.float64), tf.cast(inputs["n"], tf.float32), inputs["word"]
    scaled = tft.scale_to_z_score(x)
    unit = tft.scale_to_0_1(n)
    return {
        "z": tf.cast(scaled, tf.float32),
        "unit": unit,
        "largest": n / tft.max(tf.abs(n)),
        "mean": tf.cast(x - tft.mean(x), tf.float32),
        "size": tf.zeros_like(n) + tf.cast(tft.size(n), tf.float32),
        "bucket": tft.bucketize(n, 5),
        "word_index": tft.compute_and_apply_vocabulary(word, num_oov_buckets=2, vocab_filename="word"),
        "few": tft.compute_and_apply_vocabulary(word, top_k=3, vocab_filename="few"),
        "often": tft.compute_and_apply_vocabulary(word, frequency_threshold=200, vocab_filename="often"),
        "digits": tft.compute_and_apply_vocabulary(inputs["n"], num_oov_buckets=1, vocab_filename="digits"),
        "empty": tft.compute_and_apply_vocabulary(word, frequency_threshold=ROWS + 1, vocab_filename="empty"),
        "size_of_empty": tf.zeros_like(n) + tf.cast(tft.experimental.get_vocabulary_size_by_name("empty"), tf.float32),
        "second": tf.cast(tft.scale_to_z_score(unit * tf.cast(scaled, tf.float32)), tf.float32),
    }


@pytest.fixture(scope="module")
def columns():
    random = np.random.default_rng(3)
    words = ["é", "a b", "", "ab", "a", "Straße", "<script>", "日本"]
    return {
        "x": [float(value) for value in np.exp(random.normal(size=ROWS) * 3).astype(np.float32)],
        "n": [int(value) for value in random.integers(-40, 1000, ROWS)],
        "word": [words[place] for place in random.zipf(1.5, ROWS) % len(words)],
    }


@pytest.fixture(scope="module")
def spec():
    kinds = {"x": tf.float32, "n": tf.int64, "word": tf.string}
    return {name: tf.io.FixedLenFeature([1], kind) for name, kind in kinds.items()}


@pytest.fixture(scope="module")
def shards(columns, write_examples, tmp_path_factory):
    """The rows in two files of unequal length."""
    folder = tmp_path_factory.mktemp("records")
    cut = 700
    parts = [{name: cells[:cut] for name, cells in columns.items()}, {n: cells[cut:] for n, cells in columns.items()}]
    return [str(write_examples(folder / f"{number}.gz", part)) for number, part in enumerate(parts)]


@pytest.fixture(scope="module")
def graph_folder(shards, spec, beam_pipeline, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("ours"))
    function = functools.partial(many_analyzers, custom_config={})
    analysis = Analysis(function, impl_helper.get_type_specs_from_feature_specs(spec), folder)
    assert analysis.columns == ["n", "word", "x"]
    needed = {name: spec[name] for name in analysis.columns}
    return analysis.run(graph_passes.gather(beam_pipeline, list(map(Shard, shards)), needed, folder))


@pytest.fixture(scope="module")
def stock(beam_pipeline, columns, spec, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("stock"))
    metadata = dataset_metadata.DatasetMetadata.from_feature_spec(spec)
    rows = [dict(zip(columns, map(as_cell, cells), strict=True)) for cells in zip(*columns.values(), strict=True)]
    with beam_pipeline() as pipeline, tft_beam.Context(temp_dir=f"{folder}/temporary"):
        raw = pipeline | beam.Create(rows, reshuffle=False)
        graph = (raw, metadata) | tft_beam.AnalyzeDataset(functools.partial(many_analyzers, custom_config={}))
        _ = graph | tft_beam.WriteTransformFn(f"{folder}/graph")
    return tft.TFTransformOutput(f"{folder}/graph")


def as_cell(value):
    return [value.encode() if isinstance(value, str) else value]


def apply(model, columns):
    rows = {"x": tf.float32, "n": tf.int64, "word": tf.string}
    return tf.saved_model.load(model).transform_fn(
        {name: tf.constant(columns[name], kind)[:, tf.newaxis] for name, kind in rows.items()}
    )


def test_features_are_those_of_stock(graph_folder, stock, columns):
    actual = {name: value.numpy() for name, value in apply(graph_folder, columns).items()}
    expected = {name: value.numpy() for name, value in apply(stock.transform_savedmodel_dir, columns).items()}

    assert actual.keys() == expected.keys()
    for name in actual.keys() - {"z", "mean", "second", "bucket"}:
        np.testing.assert_array_equal(actual[name], expected[name], err_msg=name)
    for name in ("z", "mean", "second"):
        np.testing.assert_allclose(actual[name], expected[name], rtol=1e-6, atol=1e-7, err_msg=name)
    # The sketch of quantiles may put a bound elsewhere within its error, 1/100 of the rows and less.
    assert (actual["bucket"] != expected["bucket"]).mean() < 0.01
    assert np.abs(actual["bucket"] - expected["bucket"]).max() <= 1


@pytest.mark.parametrize("name", ["word", "few", "often", "digits", "empty"])
def test_vocabularies_are_those_of_stock(graph_folder, stock, name):
    with open(f"{graph_folder}/assets/{name}", "rb") as file:
        actual = file.read()
    with open(stock.vocabulary_file_by_name(name), "rb") as file:
        assert actual == file.read()


def test_the_metadata_is_that_of_stock(graph_folder, stock):
    actual = metadata_io.read_metadata(f"{graph_folder}/{impl_helper.METADATA_DIR_NAME}").schema
    expected = stock.transformed_metadata.schema
    assert [feature.name for feature in actual.feature] == [feature.name for feature in expected.feature]
    assert actual == expected


def test_rows_are_written_as_the_graph_transforms_them(graph_folder, shards, spec, columns, beam_pipeline, tmp_path):
    schema = metadata_io.read_metadata(f"{graph_folder}/{impl_helper.METADATA_DIR_NAME}").schema
    targets = [str(tmp_path / f"{number}.gz") for number in range(2)]
    sources = dict(zip(targets, map(Shard, shards), strict=True))
    counts = graph_passes.materialize(beam_pipeline, sources, spec, graph_folder, schema, str(tmp_path))

    assert sorted(counts) == targets
    assert sum(rows for rows, _ in counts.values()) == len(columns["x"])
    records = list(tf.data.TFRecordDataset(targets, "GZIP").as_numpy_iterator())
    expected = apply(graph_folder, columns)
    parsing = {name: tf.io.FixedLenFeature([1], value.dtype) for name, value in expected.items()}
    transformed = tf.io.parse_example(records, parsing)
    for name, value in expected.items():
        np.testing.assert_array_equal(transformed[name], value, err_msg=name)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": "x"}, "that is not ordered by frequency"),
        ({"reserved_tokens": ["a"]}, "ExtractVocabularyReservedTokens"),
    ],
)
def test_an_unknown_analyzer_is_rejected_before_any_pass(spec, tmp_path, options, message):
    def function(inputs):
        arguments = {**options, "weights": inputs[options["weights"]]} if "weights" in options else options
        return {"index": tft.compute_and_apply_vocabulary(inputs["word"], vocab_filename="word", **arguments)}

    with pytest.raises(Unsupported, match=message):
        Analysis(function, impl_helper.get_type_specs_from_feature_specs(spec), str(tmp_path))


@pytest.mark.parametrize(
    "option", [{"store_frequency": True}, {"file_format": "tfrecord_gzip"}, {"fingerprint_shuffle": True}], ids=str
)
def test_a_vocabulary_in_another_form_is_left_to_stock(spec, write_examples, beam_pipeline, tmp_path, option):
    def other(inputs):
        tft.vocabulary(inputs["word"], vocab_filename="word", **option)
        return {"word": inputs["word"]}

    rows = write_examples(tmp_path / "0.gz", {"x": [1.0], "n": [1], "word": ["a"]})
    analysis = Analysis(other, impl_helper.get_type_specs_from_feature_specs(spec), str(tmp_path / "work"))
    with pytest.raises(Unsupported, match="a vocabulary with reserved tokens, frequencies, a shuffle, or in records"):
        analysis.run(
            graph_passes.gather(beam_pipeline, [Shard(str(rows))], {"word": spec["word"]}, str(tmp_path / "work"))
        )


def test_one_file_read_in_several_batches_gives_what_two_files_give(
    graph_folder, columns, spec, write_examples, beam_pipeline, tmp_path, monkeypatch
):
    def digits(inputs):
        return {"n": tft.compute_and_apply_vocabulary(inputs["n"], num_oov_buckets=1, vocab_filename="digits")}

    rows = write_examples(tmp_path / "0.gz", columns)
    monkeypatch.setattr(records, "BATCH_ROWS", ROWS // 3)
    analysis = Analysis(digits, impl_helper.get_type_specs_from_feature_specs(spec), str(tmp_path / "work"))
    needed = {name: spec[name] for name in analysis.columns}
    actual = analysis.run(graph_passes.gather(beam_pipeline, [Shard(str(rows))], needed, str(tmp_path / "work")))

    assert Path(actual, "assets", "digits").read_bytes() == Path(graph_folder, "assets", "digits").read_bytes()


def test_no_row_is_a_clear_error(spec, write_examples, beam_pipeline, tmp_path):
    empty = write_examples(tmp_path / "0.gz", {"x": [], "n": [], "word": []})
    function = functools.partial(many_analyzers, custom_config={})
    analysis = Analysis(function, impl_helper.get_type_specs_from_feature_specs(spec), str(tmp_path / "work"))
    with pytest.raises(ValueError, match="the train split holds no row"):
        analysis.run(graph_passes.gather(beam_pipeline, [Shard(str(empty))], spec, str(tmp_path / "work")))


def test_tokens_stand_by_falling_count_then_falling_bytes():
    counts = pa.StructArray.from_arrays(
        [pa.array([b"a", b"c", b"b", b"d"], pa.binary()), pa.array([2, 5, 2, 1])], ["values", "counts"]
    )
    assert vocabulary(counts, least=0, most=None).field("values").to_pylist() == [b"c", b"b", b"a", b"d"]
    assert vocabulary(counts, least=2, most=None).field("values").to_pylist() == [b"c", b"b", b"a"]
    assert vocabulary(counts, least=0, most=2).field("values").to_pylist() == [b"c", b"b"]
    assert len(vocabulary(counts, least=9, most=None)) == 0
