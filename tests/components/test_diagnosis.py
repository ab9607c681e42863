"""Importance of columns and answers of rows."""

import json

import numpy as np
import pytest
import tensorflow as tf

from components.evaluator import diagnosis, metric_catalog, prediction
from manifest import Shard

ROWS = 300


class Half(tf.Module):
    """Answers 10 * large + small; `idle` it takes and does not use."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.float32, name="idle"),
            tf.TensorSpec([None], tf.float32, name="large"),
            tf.TensorSpec([None], tf.float32, name="small"),
        ]
    )
    def dense(self, idle, large, small):
        return {"prediction": 10 * large + small + 0 * idle}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def examples(self, examples):
        # A column that may be missing counts as zero.
        spec = {name: tf.io.FixedLenFeature([], tf.float32, 0.0) for name in ("idle", "large", "small")}
        parsed = tf.io.parse_example(examples, spec)
        return {"prediction": 10 * parsed["large"] + parsed["small"]}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def labels(self, examples):
        return {
            "label": tf.cast(
                tf.io.parse_example(examples, {"y": tf.io.FixedLenFeature([], tf.float32)})["y"], tf.float64
            )
        }


@pytest.fixture(scope="module")
def columns():
    draw = np.random.default_rng(1)
    values = {name: draw.normal(size=ROWS).astype(np.float32) for name in ("idle", "large", "small", "never")}
    return {**values, "y": 10 * values["large"] + values["small"]}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path, module = str(tmp_path_factory.mktemp("model")), Half()
    signatures = {"serving_default": module.dense, "serving_examples": module.examples, "labels": module.labels}
    tf.saved_model.save(module, path, signatures=signatures)
    return prediction.Model(path, "regression")


@pytest.fixture
def rows(tmp_path, columns, write_examples):
    write_examples(tmp_path / "data.gz", {name: column.tolist() for name, column in columns.items()})
    return prediction.Rows([Shard(str(tmp_path / "data.gz"))], {}, 128)


@pytest.fixture
def result(model, rows):
    return diagnosis.diagnose(model, rows, metric_catalog.measure("regression", None), kind="regression", max_rows=200)


def test_importance_is_that_of_permuted_columns(result, columns):
    assert (result["metric"], result["value"], result["rows"]) == ("mae", pytest.approx(0, abs=1e-6), 200)
    assert [entry["column"] for entry in result["importance"]] == ["large", "small", "idle"]
    by = {entry["column"]: entry["worse"] for entry in result["importance"]}
    # Two independent draws of a normal variable are 2 / sqrt(pi) deviations apart in the mean.
    assert by["large"] == pytest.approx(10 * 2 / np.sqrt(np.pi), rel=0.15)
    assert by["small"] == pytest.approx(2 / np.sqrt(np.pi), rel=0.15)
    assert by["idle"] == pytest.approx(0, abs=1e-6)


def test_without_labels_the_importance_is_the_share_of_changed_predictions(model, tmp_path, columns, write_examples):
    unlabelled = {**columns, "y": np.full(ROWS, np.nan)}
    write_examples(tmp_path / "data.gz", {name: column.tolist() for name, column in unlabelled.items()})
    rows = prediction.Rows([Shard(str(tmp_path / "data.gz"))], {}, 128)
    measure = metric_catalog.measure("regression", None)
    result = diagnosis.diagnose(model, rows, measure, kind="regression", max_rows=200)
    assert (result["metric"], result["value"]) == (diagnosis.CHANGED, 0)
    by = {entry["column"]: entry["worse"] for entry in result["importance"]}
    assert by == {"large": pytest.approx(1, abs=0.05), "small": pytest.approx(1, abs=0.05), "idle": 0}
    assert result["answers"] == []


def test_it_is_the_same_each_time_and_json(model, rows, result):
    second_result = diagnosis.diagnose(
        model, rows, metric_catalog.measure("regression", None), kind="regression", max_rows=200
    )
    assert json.dumps(second_result, allow_nan=False) == json.dumps(result, allow_nan=False)


def test_answers_are_labels_and_predictions_of_the_rows(result, columns):
    labels = {float(f"{number:.7g}") for number in columns["y"].astype(np.float64)}
    assert len(result["answers"]) == 200
    assert all(label in labels for label, _ in result["answers"])
    assert all(label == pytest.approx(answer, abs=1e-5) for label, answer in result["answers"])


def test_fewer_rows_than_asked_for_are_all_taken_in_order(model, rows, columns):
    actual = diagnosis._sample(rows, 10_000)
    ys = [tf.train.Example.FromString(record).features.feature["y"].float_list.value[0] for record in actual]
    assert ys == pytest.approx(columns["y"].tolist())


def test_cells_move_with_their_gaps():
    records = []
    for value in ([1.0], [], [3.0]):
        example = tf.train.Example()
        example.features.feature["a"].float_list.value.extend(value)
        example.features.feature["b"].int64_list.value.append(len(records))
        records.append(example.SerializeToString())
    cells = [diagnosis._cells(record) for record in records]
    moved = [tf.train.Example.FromString(record) for record in diagnosis._permuted(cells, "a", np.array([1, 2, 0]))]
    assert [list(moved_example.features.feature["a"].float_list.value) for moved_example in moved] == [[], [3.0], [1.0]]
    assert [moved_example.features.feature["b"].int64_list.value[0] for moved_example in moved] == [0, 1, 2]


def test_without_a_metric_the_importance_is_the_share_of_changed_predictions():
    clusters = {"cluster": np.array([0, 1, 1, 2])}
    assert diagnosis._changed(clusters, {"cluster": np.array([0, 1, 2, 0])}) == 0.5
    likely = {"probabilities": np.array([[0.9, 0.1], [0.4, 0.6]])}
    assert diagnosis._changed(likely, {"probabilities": np.array([[0.6, 0.4], [0.6, 0.4]])}) == 0.5


@pytest.mark.parametrize(
    ("predictions", "expected"),
    [
        ({"prediction": [1.25, np.nan, np.inf], "lower": [0, 0, 0]}, {"prediction": [1.25]}),
        ({"classes": [b"no", "é".encode()], "probabilities": [[1, 0], [0, 1]]}, {"classes": ["no", "é"]}),
        ({"score": [0.5], "anomaly": [True]}, {"score": [0.5]}),
        ({"cluster": [2, 0], "distance": [[1.0], [0.0]]}, {"cluster": ["2", "0"]}),
    ],
)
def test_predictions_to_compare_served_ones_with_are_kept_for_each_kind(predictions, expected):
    assert diagnosis._predicted({name: np.array(values) for name, values in predictions.items()}) == expected


def test_the_predictions_of_the_rows_are_kept(result):
    assert result["predicted"] == {"prediction": [prediction for _, prediction in result["answers"]]}
