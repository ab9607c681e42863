import json
import math
import types

import numpy as np
import pytest
import tensorflow as tf
from tfx.components.evaluator import constants
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import path_utils

from components import summary
from components.evaluator import executor, prediction
from spec import settings
from spec.file_names import VERDICT


@pytest.fixture
def tfma():
    import tensorflow_model_analysis

    return tensorflow_model_analysis


ROWS = {
    "price": [float(number**2) for number in range(40)],
    "city": [b"bern" if number % 3 else b"chur" for number in range(40)],
    "area": list(range(40)),
}
COLUMNS = {"price": "FLOAT", "city": "BYTES", "area": "INT"}
EMPTY = "an artifact without a model"


class Answering(tf.Module):
    """A model that answers factor * area²."""

    def __init__(self, factor, feature="area"):
        super().__init__()
        self.factor, self.feature = tf.Variable(factor), feature

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def answer(self, examples):
        spec = {self.feature: tf.io.FixedLenFeature([1], tf.int64)}
        area = tf.cast(tf.io.parse_example(examples, spec)[self.feature], tf.float32)
        return {"prediction": tf.squeeze(self.factor * area**2, -1)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def labels(self, examples):
        spec = {"price": tf.io.FixedLenFeature([], tf.float32)}
        return {"label": tf.cast(tf.io.parse_example(examples, spec)["price"], tf.float64)}


class Certain(Answering):
    """A model whose interval is ± 100."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def answer(self, examples):
        prediction = super().answer(examples)["prediction"]
        return {"prediction": prediction, "lower": prediction - 100, "upper": prediction + 100}


@pytest.fixture
def evaluate(tmp_path, write_examples):
    """Runs the evaluator's executor; returns its outputs."""
    write_examples(tmp_path / "examples" / "Split-test" / "data-00000-of-00001.gz", ROWS)

    def model(module, number):
        artifact = standard_artifacts.Model()
        artifact.uri, artifact.id = str(tmp_path / f"model {number}"), number
        if module is not EMPTY:
            path = path_utils.serving_model_dir(artifact.uri)
            spec = {module.feature: tf.TensorSpec([None], tf.int64, name=module.feature)}
            dense = tf.function(lambda **columns: {"prediction": columns[module.feature]}).get_concrete_function(**spec)
            signatures = {"serving_examples": module.answer, "labels": module.labels, "serving_default": dense}
            tf.saved_model.save(module, path, signatures=signatures)
        return artifact

    def run(module, baseline_module=None, floor=None, baseline=None, **more):
        examples = standard_artifacts.Examples()
        examples.uri, examples.split_names = str(tmp_path / "examples"), artifact_utils.encode_split_names(["test"])
        config = {
            "task": "regression",
            "label": "price",
            "columns": COLUMNS,
            "slices": [[{"column": "city", "name": "city"}]],
            "max_slices": 100,
            "floor": floor or {},
            "baseline": [baseline] if baseline else [],
            "rules": [],
            "gaps": [],
            "identifier": None,
            "group": None,
            "weight": None,
            "advisory": False,
            "importance": 0,
            "split": "test",
            **more,
        }
        evaluation, blessing = standard_artifacts.ModelEvaluation(), standard_artifacts.ModelBlessing()
        evaluation.uri, blessing.uri = str(tmp_path / "evaluation"), str(tmp_path / "blessing")
        inputs = {"examples": [examples], "model": [model(module, 7)]}
        if baseline_module is not None:
            inputs["baseline_model"] = [model(baseline_module, 3)]
        properties = {"settings": json.dumps(settings.pack(config, None)), "code": ""}
        executor.Executor().Do(inputs, {"evaluation": [evaluation], "blessing": [blessing]}, properties)
        with open(f"{evaluation.uri}/{VERDICT}") as file:
            verdict = json.load(file)
        return types.SimpleNamespace(evaluation=evaluation, blessing=blessing, verdict=verdict, folder=tmp_path)

    return run


def by_hand(factor, rows=slice(None)):
    label = np.array(ROWS["price"])[rows]
    error = np.float32(factor) * label - label
    return {
        "example_count": len(label),
        "mae": np.abs(error).mean(),
        "rmse": np.sqrt((error**2).mean()),
        "r2": 1 - (error**2).sum() / ((label - label.mean()) ** 2).sum(),
        "mse": (error**2).mean(),
        "bias": error.mean(),
    }


def test_the_executor_writes_the_models_own_figures(tfma, evaluate, monkeypatch, figures):
    monkeypatch.setattr(prediction, "BATCH", 7)
    evaluation = evaluate(Answering(1.1), floor={"r2": 0.9, "mae": 1000.0})
    metrics = figures(tfma.load_eval_result(evaluation.evaluation.uri))

    chur, bern = slice(0, None, 3), np.flatnonzero(np.arange(40) % 3)
    expected = {(): by_hand(1.1), (("city", "chur"),): by_hand(1.1, chur), (("city", "bern"),): by_hand(1.1, bern)}
    assert set(metrics) == set(expected)
    for key, values in expected.items():
        assert metrics[key] == pytest.approx(values, rel=1e-6)
    assert evaluation.verdict["metrics"] == pytest.approx(by_hand(1.1), rel=1e-6)
    assert evaluation.verdict["baseline"] is None
    assert evaluation.verdict["blessed"] is True
    assert evaluation.evaluation.get_string_custom_property(summary.PROPERTY).startswith("blessed: mae ")
    assert tfma.load_validation_result(evaluation.evaluation.uri).validation_ok


@pytest.mark.parametrize(("factor", "blessed"), [(1.1, True), (1.2, False)])
def test_intervals_are_measured_and_change_no_comparison(tfma, evaluate, figures, factor, blessed):
    baseline = {"metric": "mae", "tolerance": 0.01}
    plain = evaluate(Answering(factor), Answering(1.15), floor={"r2": 0.5}, baseline=baseline)
    certain = evaluate(Certain(factor), Answering(1.15), floor={"r2": 0.5}, baseline=baseline)
    certain_baseline = evaluate(Answering(factor), Certain(1.15), floor={"r2": 0.5}, baseline=baseline)

    error = (np.float32(factor) - 1) * np.array(ROWS["price"])
    coverage = {
        "": np.mean(error <= 100),
        "chur": np.mean(error[::3] <= 100),
        "bern": np.mean(error[np.arange(40) % 3 > 0] <= 100),
    }
    interval_metrics = {"coverage": pytest.approx(coverage[""]), "interval_width": pytest.approx(200, rel=1e-6)}
    assert certain.verdict["metrics"] == {**plain.verdict["metrics"], **interval_metrics}
    assert {entry["slice"]["city"]: entry["metrics"]["coverage"] for entry in certain.verdict["slices"]} == {
        city: pytest.approx(coverage[city]) for city in ("chur", "bern")
    }
    assert [certain.verdict["rules"], certain.verdict["blessed"]] == [plain.verdict["rules"], blessed]
    assert [certain_baseline.verdict["rules"], certain_baseline.verdict["metrics"]] == [
        plain.verdict["rules"],
        plain.verdict["metrics"],
    ]
    assert "coverage" not in plain.verdict["metrics"]
    low, high = certain.verdict["intervals"]["coverage"]
    assert 0 < low < coverage[""] < high < 1
    assert certain.verdict["worst"] == plain.verdict["worst"]


@pytest.mark.parametrize(("floor", "blessed"), [(0.7, True), (0.9, False)])
def test_a_rule_on_coverage_judges_slices(evaluate, floor, blessed):
    evaluation = evaluate(Certain(1.1), rules=[{"metric": "coverage", "slice": "city", "floor": floor}])

    assert evaluation.verdict["blessed"] is blessed
    assert {rule["metric"] for rule in evaluation.verdict["rules"]} == {"coverage"}
    missing = evaluate(Answering(1.1), rules=[{"metric": "coverage", "floor": floor}])
    assert missing.verdict["blessed"] is False
    assert "it is not measured here" in missing.verdict["reason"]


def test_the_executor_marks_the_blessing_as_stock_does(evaluate):
    evaluation = evaluate(Answering(1.1), floor={"r2": 0.9})

    assert [path.name for path in (evaluation.folder / "blessing").iterdir()] == [constants.BLESSED_FILE_NAME]
    assert evaluation.blessing.get_int_custom_property("blessed") == 1
    assert evaluation.blessing.get_int_custom_property("current_model_id") == 7
    assert evaluation.blessing.get_string_custom_property("current_model") == str(evaluation.folder / "model 7")
    assert not evaluation.blessing.has_custom_property("baseline_model_id")


def test_a_model_below_the_floor_is_not_blessed(tfma, evaluate):
    evaluation = evaluate(Answering(3.0), floor={"r2": 0.9})

    assert [path.name for path in (evaluation.folder / "blessing").iterdir()] == [constants.NOT_BLESSED_FILE_NAME]
    assert evaluation.blessing.get_int_custom_property("blessed") == 0
    assert "is below the required" in evaluation.blessing.get_string_custom_property("reason")
    assert evaluation.verdict["blessed"] is False
    assert not tfma.load_validation_result(evaluation.evaluation.uri).validation_ok


def test_a_model_whose_answers_are_no_numbers_is_not_blessed(evaluate):
    evaluation = evaluate(Answering(math.nan))

    assert evaluation.verdict["blessed"] is False
    assert "mae is nan, which is not a finite number" in evaluation.verdict["reason"]


@pytest.mark.parametrize(("factor", "blessed"), [(1.1, True), (1.3, False)])
def test_a_model_is_compared_with_the_baseline_on_the_same_rows(tfma, evaluate, factor, blessed, figures):
    evaluation = evaluate(Answering(factor), Answering(1.2), baseline={"metric": "mae", "tolerance": 0.01})

    assert evaluation.verdict["blessed"] is blessed
    assert evaluation.verdict["baseline"] == pytest.approx(by_hand(1.2), rel=1e-6)
    assert evaluation.verdict["baseline_note"] == "compared with the served model"
    assert evaluation.blessing.get_int_custom_property("baseline_model_id") == 3
    loaded = tfma.load_eval_result(evaluation.evaluation.uri, model_name="baseline")
    assert figures(loaded)[()] == pytest.approx(by_hand(1.2), rel=1e-6)
    verdict = tfma.load_validation_result(evaluation.evaluation.uri)
    assert (verdict.validation_ok, verdict.rubber_stamp) == (blessed, False)


def test_a_baseline_that_cannot_read_the_rows_is_noted_with_its_column_and_not_compared(evaluate):
    evaluation = evaluate(
        Answering(1.1), Answering(1.0, feature="rooms"), baseline={"metric": "mae", "tolerance": 0.01}
    )

    assert evaluation.verdict["blessed"] is True
    assert evaluation.verdict["baseline"] is None
    note = "not compared: the served model cannot read these rows: they have no column 'rooms'"
    assert evaluation.verdict["baseline_note"] == note
    assert evaluation.blessing.get_string_custom_property("not_compared") == note
    assert evaluation.blessing.get_string_custom_property("compared_with") == ""


def test_a_baseline_artifact_without_a_model_counts_as_none(evaluate):
    evaluation = evaluate(Answering(1.1), EMPTY, baseline={"metric": "mae", "tolerance": 0.01})

    assert evaluation.verdict["blessed"] is True
    assert evaluation.verdict["baseline_note"] == "no baseline yet: no model is served"
