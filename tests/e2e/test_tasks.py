"""Classification, from a table to a pushed model that predicts probabilities and class names."""

import json

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma

from inspection.store.execution_folders import parse

from .conftest import runner

TIERS = ["cheap", "affordable", "expensive"]
BINARY = """column = "price"
task = "binary"
threshold = 450000
classes = ["modest", "dear"]
"""


def newest(folder):
    """The newest version, or the newest output."""
    return max(filter(lambda path: parse(path.name), folder.iterdir()), key=lambda path: parse(path.name).execution)


@pytest.fixture
def evaluated(small_tree):
    """Run a pipeline; returns its model, its evaluation's folder and its test rows."""

    def run(name, *arguments):
        root = small_tree / "runs"
        arguments = ["--set", "training.epochs=5", "--set", "evaluation.floor={accuracy = 0.1}", *arguments]
        result = runner("--local", "--pipeline", name, "--root", root, *arguments, tree=small_tree)
        assert result.code == 0, result.err
        artifacts = root / name / "artifacts"
        files = [str(path) for path in newest(artifacts / "ingestion" / "examples").glob("Split-test/*")]
        rows = list(tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator())
        model = tf.saved_model.load(str(newest(root / name / "serving")))
        return model, newest(artifacts / "evaluator" / "evaluation"), tf.constant(rows)

    return run


def check(evaluated, names, metrics):
    """What holds for every classification; returns labels and probabilities of the test rows."""
    model, evaluation, rows = evaluated
    answer = model.signatures["serving_examples"](examples=rows)
    label = model.signatures["labels"](examples=rows)["label"].numpy()
    probabilities = answer["probabilities"].numpy()
    assert [name.decode() for name in model.signatures["class_names"]()["names"].numpy()] == names
    assert probabilities.shape == (len(rows), len(names))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-6)
    assert [name.decode() for name in answer["classes"].numpy()] == [names[at] for at in probabilities.argmax(axis=1)]

    parts = [model.signatures["serving_examples"](examples=rows[at : at + 7])["probabilities"] for at in (0, 7, 14)]
    np.testing.assert_allclose(np.concatenate(parts), probabilities[:21], atol=1e-6)

    verdict = json.loads((evaluation / "verdict.json").read_text())
    accuracy = (probabilities.argmax(axis=1) == label).mean()
    assert verdict["metrics"]["accuracy"] == pytest.approx(accuracy)
    assert verdict["classes"] == names
    overall = dict(tfma.load_eval_result(str(evaluation)).slicing_metrics)[()][""][""]
    assert set(overall) == {"example_count", *metrics}
    assert overall["accuracy"]["boundedValue"]["value"] == pytest.approx(accuracy)
    return label, rows


def price_of(rows):
    spec = {"price": tf.io.FixedLenFeature([], tf.int64)}
    return tf.io.parse_example(rows, spec)["price"].numpy()


def test_tiers_of_a_price(evaluated):
    label, rows = check(evaluated("house_tiers"), TIERS, {"accuracy", "log_loss", "macro_f1"})
    price = price_of(rows)
    assert price[label == 0].max() < price[label == 1].min()
    assert price[label == 1].max() < price[label == 2].min()


def test_a_binary_label_from_a_threshold_of_the_price(evaluated, small_tree):
    text = (small_tree / "configs/house_tiers.toml").read_text()
    text_before_label, text_after_label = text.split("[label]\n")[0], text.split("[network]\n")[1]
    (small_tree / "configs/dear.toml").write_text(
        f"{text_before_label}[label]\n{BINARY}\n[network]\n{text_after_label}"
    )
    schema = (small_tree / "schemas/houses.pbtxt").read_text()
    (small_tree / "schemas/dear.pbtxt").write_text(schema)
    # TFMA's own values of the two that are exact here are in its files too.
    stock = {"tfma_auc", "tfma_pr_auc"}
    metrics = {"accuracy", "log_loss", "auc", "pr_auc", "precision", "recall", "f1", "calibration"} | stock
    label, rows = check(evaluated("dear"), ["modest", "dear"], metrics)
    np.testing.assert_array_equal(label, price_of(rows) >= 450_000)
