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
from components.evaluator import executor, results
from components.evaluator.judgement import Rule, judge
from models import settings

MODEL = {
    (): {"example_count": 5.0, "mae": 2.5, "rmse": 3.0, "r2": 0.75},
    (("city", b"bern"),): {"example_count": 3.0, "mae": 1.5, "rmse": 2.0, "r2": 0.5},
    (("city", b"chur"), ("grade", 7)): {"example_count": 2.0, "mae": 4.0, "rmse": 4.5, "r2": math.nan},
    (("share", 0.5),): {"example_count": 1.0, "mae": 4.0, "rmse": 4.0, "r2": math.nan},
}
BASELINE = {key: {**values, "mae": values["mae"] + 1} for key, values in MODEL.items()}
HOLDS = Rule("r2", 0.75, 0.7, True, "floor")
TOO_LARGE = Rule("mae", 2.5, 2.0, False, "floor")
WORSE = Rule("r2", 0.75, 0.8, False, "baseline")


@pytest.fixture
def tfma():
    import tensorflow_model_analysis

    return tensorflow_model_analysis


@pytest.fixture
def write(tmp_path):
    def run(rules, baseline=None):
        folder = str(tmp_path / "evaluation")
        results.write(
            folder,
            config=results.eval_config(
                label="price",
                task="regression",
                slicings=[["city"], ["city", "grade"]],
                rules=rules,
                with_baseline=baseline is not None,
            ),
            slices=[results.slice_metrics(key, MODEL[key], baseline and baseline[key]) for key in MODEL],
            verdict=results.validation(rules, rubber_stamp=baseline is None),
            data="data/Split-test",
            models={"": "model"} if baseline is None else {"candidate": "model", "baseline": "older"},
        )
        return folder

    return run


def figures(result):
    """Slice -> metric -> value of a loaded evaluation."""
    return {
        key: {name: float(value["doubleValue"]) for name, value in metrics_of[""][""].items()}
        for key, metrics_of in result.slicing_metrics
    }


def shown(values):
    """Our slices as TFMA shows them: text for bytes."""
    return {
        tuple((name, value.decode() if isinstance(value, bytes) else value) for name, value in key): numbers
        for key, numbers in values.items()
    }


def assert_same(found, wanted):
    assert set(found) == set(wanted)
    for key, values in wanted.items():
        assert found[key] == pytest.approx(values, nan_ok=True, rel=1e-12), key


def test_tfma_shows_the_same_figures(tfma, write):
    result = tfma.load_eval_result(write([HOLDS]))

    assert_same(figures(result), shown(MODEL))
    assert [type(value) for key in figures(result) for _, value in key] == [str, str, int, float]
    assert result.data_location == "data/Split-test"
    assert result.file_format == "tfrecords_gzip"
    assert [list(spec.feature_keys) for spec in result.config.slicing_specs] == [[], ["city"], ["city", "grade"]]
    assert [spec.label_key for spec in result.config.model_specs] == ["price"]


def test_tfma_shows_model_and_baseline_under_their_names(tfma, write):
    folder = write([HOLDS], BASELINE)

    assert_same(figures(tfma.load_eval_result(folder, model_name="candidate")), shown(MODEL))
    assert_same(figures(tfma.load_eval_result(folder, model_name="baseline")), shown(BASELINE))
    specs = tfma.load_eval_result(folder, model_name="candidate").config.model_specs
    assert [(spec.name, spec.is_baseline) for spec in specs] == [("candidate", False), ("baseline", True)]


def test_a_verdict_without_a_failed_rule(tfma, write):
    verdict = tfma.load_validation_result(write([HOLDS]))

    assert verdict.validation_ok
    assert verdict.rubber_stamp
    assert not verdict.metric_validations_per_slice


def test_a_verdict_names_each_rule_that_failed(tfma, write):
    verdict = tfma.load_validation_result(write([HOLDS, TOO_LARGE, WORSE], BASELINE))
    [overall] = verdict.metric_validations_per_slice
    told = {failure.metric_key.name: failure for failure in overall.failures}

    assert not verdict.validation_ok
    assert not verdict.rubber_stamp
    assert not overall.slice_key.single_slice_keys
    assert {name: failure.message for name, failure in told.items()} == {"mae": str(TOO_LARGE), "r2": str(WORSE)}
    assert told["mae"].metric_value.double_value.value == 2.5
    assert told["mae"].metric_threshold.value_threshold.upper_bound.value == 2.0
    assert told["r2"].metric_threshold.value_threshold.lower_bound.value == 0.8
    assert not told["r2"].metric_threshold.value_threshold.HasField("upper_bound")


def test_a_value_that_is_no_number_fails_without_a_threshold(tfma, write):
    [rule] = judge({"mae": math.nan}, None, floor={}, metric=None, tolerance=0.0)
    verdict = tfma.load_validation_result(write([rule]))

    assert not verdict.validation_ok
    [failure] = verdict.metric_validations_per_slice[0].failures
    assert math.isnan(failure.metric_value.double_value.value)
    assert not failure.HasField("metric_threshold")


def test_floors_are_thresholds_of_the_written_config(tfma, write):
    [spec] = tfma.load_eval_result(write([HOLDS, TOO_LARGE, WORSE])).config.metrics_specs
    bounds = {metric.class_name: metric.threshold.value_threshold for metric in spec.metrics}

    assert set(bounds) == {"ExampleCount", "MeanAbsoluteError", "RootMeanSquaredError", "R2Score"}
    assert bounds["MeanAbsoluteError"].upper_bound.value == 2.0
    assert bounds["R2Score"].lower_bound.value == 0.7
    assert not bounds["RootMeanSquaredError"].HasField("upper_bound")


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


@pytest.fixture
def evaluate(tmp_path, write_examples):
    """Runs the evaluator's executor; returns its outputs."""
    write_examples(tmp_path / "examples" / "Split-test" / "data.gz", ROWS)

    def model(module, number):
        artifact = standard_artifacts.Model()
        artifact.uri, artifact.id = str(tmp_path / f"model {number}"), number
        if module is not EMPTY:
            path = path_utils.serving_model_dir(artifact.uri)
            tf.saved_model.save(module, path, signatures={"serving_examples": module.answer, "labels": module.labels})
        return artifact

    def run(module, before=None, floor=None, baseline=None):
        examples = standard_artifacts.Examples()
        examples.uri, examples.split_names = str(tmp_path / "examples"), artifact_utils.encode_split_names(["test"])
        config = {
            "label": "price",
            "columns": COLUMNS,
            "slices": [["city"]],
            "floor": floor or {},
            "baseline": baseline,
            "split": "test",
        }
        evaluation, blessing = standard_artifacts.ModelEvaluation(), standard_artifacts.ModelBlessing()
        evaluation.uri, blessing.uri = str(tmp_path / "evaluation"), str(tmp_path / "blessing")
        inputs = {"examples": [examples], "model": [model(module, 7)]}
        if before is not None:
            inputs["baseline_model"] = [model(before, 3)]
        properties = {"settings": json.dumps(settings.pack(config, None)), "code": ""}
        executor.Executor().Do(inputs, {"evaluation": [evaluation], "blessing": [blessing]}, properties)
        with open(f"{evaluation.uri}/{executor.VERDICT}") as file:
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
    }


def test_the_executor_writes_the_models_own_figures(tfma, evaluate, monkeypatch):
    monkeypatch.setattr(executor, "BATCH", 7)
    made = evaluate(Answering(1.1), floor={"r2": 0.9, "mae": 1000.0})
    found = figures(tfma.load_eval_result(made.evaluation.uri))

    chur, bern = slice(0, None, 3), np.flatnonzero(np.arange(40) % 3)
    wanted = {(): by_hand(1.1), (("city", "chur"),): by_hand(1.1, chur), (("city", "bern"),): by_hand(1.1, bern)}
    assert set(found) == set(wanted)
    for key, values in wanted.items():
        assert found[key] == pytest.approx(values, rel=1e-6)
    assert made.verdict["metrics"] == pytest.approx(by_hand(1.1), rel=1e-6)
    assert made.verdict["baseline"] is None
    assert made.verdict["blessed"] is True
    assert made.evaluation.get_string_custom_property(summary.PROPERTY).startswith("blessed: mae ")
    assert tfma.load_validation_result(made.evaluation.uri).validation_ok


def test_the_executor_marks_the_blessing_as_stock_does(evaluate):
    made = evaluate(Answering(1.1), floor={"r2": 0.9})

    assert [path.name for path in (made.folder / "blessing").iterdir()] == [constants.BLESSED_FILE_NAME]
    assert made.blessing.get_int_custom_property("blessed") == 1
    assert made.blessing.get_int_custom_property("current_model_id") == 7
    assert made.blessing.get_string_custom_property("current_model") == str(made.folder / "model 7")
    assert not made.blessing.has_custom_property("baseline_model_id")


def test_a_model_below_the_floor_is_not_blessed(tfma, evaluate):
    made = evaluate(Answering(3.0), floor={"r2": 0.9})

    assert [path.name for path in (made.folder / "blessing").iterdir()] == [constants.NOT_BLESSED_FILE_NAME]
    assert made.blessing.get_int_custom_property("blessed") == 0
    assert "(the floor) fails" in made.blessing.get_string_custom_property("reason")
    assert made.verdict["blessed"] is False
    assert not tfma.load_validation_result(made.evaluation.uri).validation_ok


def test_a_model_whose_answers_are_no_numbers_is_not_blessed(evaluate):
    made = evaluate(Answering(math.nan))

    assert made.verdict["blessed"] is False
    assert "mae nan is no number" in made.verdict["reason"]


@pytest.mark.parametrize(("factor", "blessed"), [(1.1, True), (1.3, False)])
def test_a_model_is_compared_with_the_baseline_on_the_same_rows(tfma, evaluate, factor, blessed):
    made = evaluate(Answering(factor), Answering(1.2), baseline={"metric": "mae", "tolerance": 0.01})

    assert made.verdict["blessed"] is blessed
    assert made.verdict["baseline"] == pytest.approx(by_hand(1.2), rel=1e-6)
    assert made.verdict["baseline_note"] == "compared with the latest blessed model"
    assert made.blessing.get_int_custom_property("baseline_model_id") == 3
    loaded = tfma.load_eval_result(made.evaluation.uri, model_name="baseline")
    assert figures(loaded)[()] == pytest.approx(by_hand(1.2), rel=1e-6)
    verdict = tfma.load_validation_result(made.evaluation.uri)
    assert (verdict.validation_ok, verdict.rubber_stamp) == (blessed, False)


def test_a_baseline_that_cannot_read_todays_rows_counts_as_none(evaluate):
    made = evaluate(Answering(1.1), Answering(1.0, feature="rooms"), baseline={"metric": "mae", "tolerance": 0.01})

    assert made.verdict["blessed"] is True
    assert made.verdict["baseline"] is None
    assert "cannot read today's rows, so it counts as none" in made.verdict["baseline_note"]


def test_a_baseline_artifact_without_a_model_counts_as_none(evaluate):
    made = evaluate(Answering(1.1), EMPTY, baseline={"metric": "mae", "tolerance": 0.01})

    assert made.verdict["blessed"] is True
    assert made.verdict["baseline_note"] == "no earlier blessed model to compare with"
