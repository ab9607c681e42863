"""What is exported for each kind of task, from transformed examples to the signatures' answers."""

import io
import sys
import types
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from PIL import Image

from components.evaluator import prediction
from models.export import self_check
from models.training import run_fn
from orchestration.export import onnx_export
from serving.onnx_model import OnnxModel

X = np.random.default_rng(1).normal(size=32)
TABLE = {
    "x": X.tolist(),
    "y": (-X).tolist(),
    "state": ["bad" if number % 8 == 0 else "good" for number in range(32)],
    "times": [1 + number % 3 for number in range(32)],
}
NUMBERS = {"numeric": [{"column": "x"}, {"column": "y"}]}
FAST = {"epochs": 2, "batch_size": 16}


def picture(number):
    encoded = io.BytesIO()
    Image.fromarray(np.full((6, 5), number * 8, np.uint8)).save(encoded, "PNG")
    return encoded.getvalue()


@pytest.fixture
def exported(tmp_path, analyze, pack):
    """Trains on a table, which is also the eval split, and loads the signatures."""

    def train(table, **sections):
        sections = {"training": FAST, **sections}
        packed = pack(**sections)
        graph = analyze(tmp_path, table, packed, tmp_path / "made.gz")
        arguments = types.SimpleNamespace(
            train_files=[str(tmp_path / "made.gz")],
            eval_files=[str(tmp_path / "made.gz")],
            transform_output=graph,
            serving_model_dir=str(tmp_path / "model"),
            model_run_dir=str(tmp_path / "run"),
            custom_config={**packed, "raw_files": [str(tmp_path / "raw.gz")]},
        )
        run_fn.run_fn(arguments)
        # In a graph and a session, as TF Serving and saved_model_cli load it.
        assert self_check.ask(arguments.serving_model_dir) == self_check.ROWS
        return tf.saved_model.load(str(tmp_path / "model")).signatures

    return train


def as_onnx(tmp_path):
    """Export the model, which compares both forms on unusual rows too, and load the files."""
    (tmp_path / "onnx").mkdir()
    onnx_export.write_files(str(tmp_path / "model"), str(tmp_path / "onnx"), "table", 1)
    return OnnxModel(str(tmp_path / "onnx"))


def rows(tmp_path):
    return tf.constant([record.numpy() for record in tf.data.TFRecordDataset(str(tmp_path / "raw.gz"), "GZIP")])


def test_a_clustering_serves_its_nearest_centre_and_what_it_measures(exported, tmp_path):
    table = {name: TABLE[name] for name in ("x", "y")}
    served = exported(
        table,
        features=NUMBERS,
        label={"task": "clusters"},
        network={"name": "kmeans", "num_clusters": 2},
        training={"epochs": 9},
    )
    answer = served["serving_default"](x=tf.constant([3.0, -3.0]), y=tf.constant([-3.0, 3.0]))

    assert (answer["distances"].shape, answer["cluster"].dtype) == ((2, 2), tf.int64)
    assert set(answer["cluster"].numpy()) == {0, 1}
    vectors = served["vectors"](rows(tmp_path))["vectors"]
    np.testing.assert_allclose(np.std(vectors, axis=0), 1, rtol=1e-5)
    assert "labels" not in served


def test_an_anomaly_is_scored_and_judged(exported, tmp_path):
    served = exported(
        TABLE,
        features=NUMBERS,
        label={"column": "state", "task": "anomaly", "positive": "bad"},
        columns={"weight": "times"},
        network={"name": "autoencoder", "layers": [1]},
    )
    answer = served["serving_default"](x=tf.constant([0.0, 30.0]), y=tf.constant([0.0, 30.0]))

    assert answer["score"].dtype == tf.float32
    assert answer["anomaly"].numpy().tolist() == [0, 1]
    labels = served["labels"](rows(tmp_path))
    assert labels["label"].numpy().tolist() == [1, *[0] * 7] * 4
    assert labels["weight"].numpy().tolist() == TABLE["times"]


@pytest.mark.parametrize("name", ["tabm", "realmlp"])
@pytest.mark.parametrize("task", ["regression", "binary", "classes"])
def test_a_network_with_embedded_numbers_serves_what_it_answered(exported, tmp_path, name, task):
    label = {
        "regression": {"column": "y"},
        "binary": {"column": "state", "task": "binary", "positive": "bad"},
        "classes": {"column": "state", "task": "classes"},
    }[task]
    served = exported(
        TABLE,
        features={"numeric": [{"column": "x"}, {"column": "times"}], "categorical": [{"column": "state"}]}
        if task == "regression"
        else {"numeric": [{"column": "x"}, {"column": "times"}]},
        label=label,
        network={"name": name, "layers": [8]},
        edges=True,
    )
    by_rows = served["serving_examples"](rows(tmp_path))
    columns = {"x": tf.constant(TABLE["x"]), "times": tf.constant(TABLE["times"], tf.int64)}
    if task == "regression":
        columns["state"] = tf.constant(TABLE["state"])
    answer = served["serving_default"](**columns)

    with np.load(tmp_path / "run" / run_fn.SAMPLE) as sample:
        key = "prediction" if task == "regression" else "probabilities"
        trained = sample[f"{run_fn.ANSWER}{key}"]
    assert np.std(trained) > 0.001
    np.testing.assert_allclose(answer[key], trained, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(by_rows[key], trained, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("network", [{"name": "mlp", "layers": [8]}, {"name": "tabm", "layers": [8], "members": 3}])
def test_an_interval_is_in_every_signature_that_predicts(exported, tmp_path, network):
    served = exported(
        TABLE,
        features={"numeric": [{"column": "x"}, {"column": "times"}]},
        label={"column": "y"},
        network=network,
        training={**FAST, "interval": 0.8},
        edges=True,
    )
    texts = {name: tf.constant([repr(cell) for cell in TABLE[name]]) for name in ("x", "times")}
    answers = [
        served["serving_default"](x=tf.constant(TABLE["x"]), times=tf.constant(TABLE["times"], tf.int64)),
        served["serving_rows"](**texts),
        served["serving_examples"](rows(tmp_path)),
    ]
    with np.load(tmp_path / "run" / run_fn.SAMPLE) as sample:
        trained = {name: sample[f"{run_fn.ANSWER}{name}"] for name in ("prediction", "lower", "upper")}
    for answer in answers:
        assert set(answer) == set(trained)
        for name, values in trained.items():
            np.testing.assert_allclose(answer[name], values, rtol=1e-4, atol=1e-6)
    assert np.mean((trained["lower"] <= TABLE["y"]) & (TABLE["y"] <= trained["upper"])) >= 0.8
    labels = served["labels"](rows(tmp_path))["label"]
    np.testing.assert_allclose(labels, TABLE["y"], rtol=1e-6)
    assert set(as_onnx(tmp_path).signatures["serving_rows"].outputs) == set(trained)


@pytest.mark.parametrize("task", ["binary", "classes"])
def test_calibrated_probabilities_are_in_every_signature_that_predicts(exported, tmp_path, task):
    label = {"column": "state", "task": task, **({"positive": "bad"} if task == "binary" else {})}
    served = exported(
        TABLE,
        features={"numeric": [{"column": "x"}, {"column": "times"}]},
        label=label,
        network={"name": "mlp", "layers": [8]},
        training={**FAST, "calibration": "temperature"},
    )
    temperature = float(served["temperature"]()["temperature"])
    texts = {name: tf.constant([repr(cell) for cell in TABLE[name]]) for name in ("x", "times")}
    answers = [
        served["serving_default"](x=tf.constant(TABLE["x"]), times=tf.constant(TABLE["times"], tf.int64)),
        served["serving_rows"](**texts),
        served["serving_examples"](rows(tmp_path)),
    ]
    with np.load(tmp_path / "run" / run_fn.SAMPLE) as sample:
        trained = sample[f"{run_fn.ANSWER}probabilities"]
    assert abs(temperature - 1) > 0.01
    for answer in answers:
        np.testing.assert_allclose(answer["probabilities"], trained, rtol=1e-4, atol=1e-6)
    model = prediction.Model(str(tmp_path / "model"), task)
    predicted = model.predict(rows(tmp_path))
    logits = temperature * np.log(predicted["probabilities"].astype(float))
    uncalibrated = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(predicted["uncalibrated"], uncalibrated, rtol=1e-6)
    onnx = as_onnx(tmp_path)
    assert onnx.constants["temperature"]["temperature"] == temperature
    assert list(onnx.constants["class_names"]["names"]) == [
        name.decode() for name in served["class_names"]()["names"].numpy()
    ]


def test_a_picture_is_classed(exported):
    table = {"image": [picture(number) for number in range(32)], "state": TABLE["state"]}
    served = exported(
        table,
        features={"image": [{"height": 6, "width": 5}]},
        label={"column": "state", "task": "classes", "classes": ["good", "bad"]},
        network={"name": "cnn", "blocks": [{"filters": 2}], "layers": [3], "augmentation": {"shift": 0.1}},
    )
    answer = served["serving_default"](image=tf.constant(table["image"][:3]))

    assert answer["probabilities"].shape == (3, 2)
    np.testing.assert_allclose(np.sum(answer["probabilities"], axis=1), 1, rtol=1e-6)


def test_features_of_your_own_preprocessing_are_trained_on(exported, monkeypatch):
    module: Any = types.ModuleType("made_by_the_user")
    module.preprocessing_fn = lambda inputs, custom_config: {
        "wide": tf.concat([inputs["x"], inputs["y"]], axis=1),
        "half": tft.bucketize(inputs["x"], 2),
    }
    monkeypatch.setitem(sys.modules, "made_by_the_user", module)
    table = {name: TABLE[name] for name in ("x", "y", "times")}
    served = exported(
        table,
        features={},
        preprocessing="made_by_the_user.preprocessing_fn",
        label={"column": "times"},
        network={"name": "mlp", "layers": [3]},
    )

    assert served["serving_default"](x=tf.constant([1.0]), y=tf.constant([2.0]))["prediction"].shape == (1,)
