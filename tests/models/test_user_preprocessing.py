"""A preprocessing function of the user's own, from its call to what the network reads."""

import sys
import types
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from models.roles import Features
from models.training import run_fn
from models.transform_graph import preprocessing, user_preprocessing
from spec.columns.duties import Duties
from spec.columns.label import Label
from spec.columns.role import Output

TABLE = {
    "id": list(range(6)),
    "x": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
    "word": ["a", "b", None, "b", "c", "b"],
    "spare": [1.0] * 6,
    "times": [1, 2, 1, 1, 1, 1],
    "y": [0, 1, 0, 1, 0, 1],
}
SECTIONS = {
    "features": {"ignored": ["spare"]},
    "label": {"column": "y", "task": "binary", "positive": "1"},
    "columns": {"id": "id", "weight": "times"},
    "preprocessing": "made_by_the_user.preprocessing_fn",
}


@pytest.fixture
def write_function(monkeypatch):
    """Puts a function into a module of the user's."""

    def write(function):
        module: Any = types.ModuleType("made_by_the_user")
        module.preprocessing_fn = function
        monkeypatch.setitem(sys.modules, "made_by_the_user", module)

    return write


def features(inputs, custom_config):
    assert set(inputs) == {"x", "word", "y"}
    assert custom_config["settings"]["inline"]["label"]["column"] == "y"
    word = tf.sparse.to_dense(inputs["word"], default_value="none")
    x = inputs["x"]
    return {
        "wide": tf.concat([x, x * x], axis=1),
        "scaled": tft.scale_to_0_1(x),
        "word": tft.compute_and_apply_vocabulary(tf.reshape(word, [-1, 1]), vocab_filename="word", num_oov_buckets=1),
        "half": tft.bucketize(x, 2),
    }


def test_its_outputs_become_model_features(write_function, analyze, pack, tmp_path):
    write_function(features)
    graph = tft.TFTransformOutput(analyze(tmp_path, TABLE, pack(**SECTIONS), tmp_path / "made.gz"))
    records = list(tf.data.TFRecordDataset(str(tmp_path / "made.gz"), "GZIP"))
    served = tf.io.parse_example(tf.stack(records), graph.transformed_feature_spec())

    assert user_preprocessing.outputs(graph.transformed_metadata.schema) == (
        Output(name="half", kind="index", depth=2),
        Output(name="scaled"),
        Output(name="wide", kind="bag", depth=2),
        Output(name="word", kind="index", depth=5),
    )
    assert set(served) == {"half", "scaled", "wide", "word", "label", "row_weight"}
    np.testing.assert_allclose(served["scaled"][:, 0], np.arange(6) / 5, rtol=1e-6)
    assert served["wide"].numpy()[2].tolist() == [3.0, 9.0]
    assert served["label"].numpy()[:, 0].tolist() == TABLE["y"]
    assert served["row_weight"].numpy()[:, 0].tolist() == TABLE["times"]


def test_a_network_learns_from_them_and_serves_the_raw_columns(write_function, analyze, pack, tmp_path):
    write_function(features)
    sections = {**SECTIONS, "network": {"name": "linear"}, "training": {"epochs": 2}}
    graph = analyze(tmp_path, TABLE, pack(**sections), tmp_path / "made.gz")
    arguments = types.SimpleNamespace(
        train_files=[str(tmp_path / "made.gz")],
        eval_files=[str(tmp_path / "made.gz")],
        transform_output=graph,
        serving_model_dir=str(tmp_path / "model"),
        model_run_dir=str(tmp_path / "run"),
        custom_config=pack(**sections),
    )
    run_fn.run_fn(arguments)

    serve = tf.saved_model.load(str(tmp_path / "model")).signatures["serving_default"]
    _, inputs = serve.structured_input_signature
    assert set(inputs) == {"x", "word"}
    served = serve(x=tf.constant([3.0]), word=tf.constant([""]))
    assert served["probabilities"].shape == (1, 2)


def alone(pack, **sections):
    """preprocessing_fn without an analysis, over x and y."""
    config = pack(**{**SECTIONS, "columns": {}, **sections})
    inputs = {"x": tf.constant([[1.0], [2.0]]), "y": tf.constant([[0], [1]], tf.int64)}
    return tf.function(lambda cells: preprocessing.preprocessing_fn(cells, config))(inputs)


def test_it_may_make_the_label_itself(write_function, pack):
    write_function(lambda inputs, _: {"x": inputs["x"], "label": 1 - inputs["y"]})

    assert alone(pack)["label"].numpy().tolist() == [[1], [0]]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: {"x": tf.sparse.from_dense(x)}, "output 'x' is a SparseTensor: make it a dense tensor"),
        (lambda x: {"x": tf.strings.as_string(x)}, "output 'x' is string: cast numbers to float32"),
        (lambda x: {"x": tf.cast(x, tf.float64)}, "output 'x' is float64"),
        (lambda x: {"x": tf.reshape(x, [-1])}, r"output 'x' has shape \(2,\): a feature is \(batch, n\)"),
        (lambda x: {"x": tf.cast(x, tf.int64)}, "output 'x' is int64 without a known number of values"),
        (lambda x: {"row_weight": x}, "output 'row_weight' has a name that is taken"),
        (lambda x: {"km/h": x}, "output 'km/h' has a name that is taken, or a slash"),
        (lambda x: {"x": x, "label": x}, r"output 'label' must be int64 \(batch, 1\) for task 'binary'"),
        (lambda x: {}, "must return a dict of model features by name; it returned {}"),
        (lambda x: None, "it returned None"),
    ],
)
def test_what_no_network_reads_is_refused_by_name(write_function, pack, function, message):
    write_function(lambda inputs, _: function(inputs["x"]))
    with pytest.raises(ValueError, match=message):
        alone(pack)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ({"column": "y", "task": "classes"}, "output 'label' makes classes that nobody named"),
        ({"column": "y", "transform": "log"}, "output 'label' is the label already"),
    ],
)
def test_a_label_of_its_own_must_fit_the_config(write_function, pack, label, message):
    kind = tf.float32 if label.get("transform") else tf.int64
    write_function(lambda inputs, _: {"x": inputs["x"], "label": tf.cast(inputs["y"], kind)})
    with pytest.raises(ValueError, match=message):
        alone(pack, label=label)


def test_serving_needs_neither_label_nor_weight_nor_id():
    columns = user_preprocessing.raw_columns(
        TABLE, Features(ignored=("spare",)), Label(column="y"), Duties(id="id", weight="times", group="word")
    )
    assert columns == ["x", "word"]
