"""Stock TensorFlow Transform runs our preprocessing too, on Beam, and comes to the same features."""

import functools

import apache_beam as beam
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from apache_beam.options.pipeline_options import PipelineOptions
from tensorflow_transform.tf_metadata import dataset_metadata

from models.transform_graph import preprocessing

COLUMNS = ("area", "age_median", "age_own", "word_own", "note_tfidf", "photo", "born", "times", "colour")
SECTIONS = {
    "features": {
        "numeric": [{"column": "area", "scale": "unit"}, {"column": "age_median", "missing": "median"}],
        "bucketized": [{"column": "age_own", "quantiles": 3, "missing": "category"}],
        "categorical": [{"column": "word_own", "missing": "category"}],
        "crossed": [{"columns": ["area", "age_median"], "product": True}],
        "text": [{"column": "note_tfidf", "vocabulary_size": 8, "weight": "tfidf", "missing": ""}],
        "image": [{"column": "photo", "height": 4, "width": 8, "channels": 3}],
        "date": [{"column": "born", "parts": ["month", "days"], "missing": "2000-06-15"}],
    },
    "label": {"column": "colour", "task": "classes"},
    "columns": {"weight": "times"},
}


def test_stock_transform_makes_the_same_features(table, analyze, pack, tmp_path):
    config = pack(**SECTIONS)
    columns = {name: table[name] for name in COLUMNS}
    product = tft.TFTransformOutput(analyze(tmp_path / "ours", columns, config))
    spec = product.raw_feature_spec()
    lists = [[[] if cell is None else [as_bytes(cell)] for cell in cells] for cells in columns.values()]
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)]
    metadata = dataset_metadata.DatasetMetadata.from_feature_spec(spec)
    function = functools.partial(preprocessing.preprocessing_fn, custom_config=config)
    options = PipelineOptions(["--runner=BundleBasedDirectRunner"])
    with beam.Pipeline(options=options) as pipeline, tft_beam.Context(temp_dir=str(tmp_path / "temporary")):
        raw = pipeline | beam.Create(rows, reshuffle=False)
        graph = (raw, metadata) | tft_beam.AnalyzeDataset(function)
        _ = graph | tft_beam.WriteTransformFn(str(tmp_path / "stock"))
    stock = tft.TFTransformOutput(str(tmp_path / "stock"))
    records = list(tf.data.TFRecordDataset(str(tmp_path / "ours" / "raw.gz"), "GZIP").as_numpy_iterator())
    parsed = tf.io.parse_example(records, spec)
    expected, actual = (graph.transform_features_layer()(dict(parsed)) for graph in (stock, product))

    assert stock.transformed_metadata.schema == product.transformed_metadata.schema
    assert set(actual) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(actual[name], value, rtol=1e-6, atol=1e-7, err_msg=name)


def as_bytes(cell):
    return cell.encode() if isinstance(cell, str) else cell
