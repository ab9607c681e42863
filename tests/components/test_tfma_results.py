import math

import pytest

from components.evaluator import metric_catalog
from components.evaluator.rules.blessing import Demands, judge
from components.evaluator.rules.rule_figures import Figures
from components.evaluator.rules.rule_outcome import Rule
from components.evaluator.tfma import tfma_results

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
        tfma_results.write(
            folder,
            config=tfma_results.eval_config(
                label="price",
                measure=metric_catalog.measure("regression", None),
                slicings=[["city"], ["city", "grade"]],
                rules=rules,
                with_baseline=baseline is not None,
            ),
            slices=[tfma_results.slice_metrics(key, MODEL[key], baseline and baseline[key]) for key in MODEL],
            verdict=tfma_results.validation(rules, rubber_stamp=baseline is None),
            data="data/Split-test",
            models={"": "model"} if baseline is None else {"candidate": "model", "baseline": "older"},
        )
        return folder

    return run


def shown(values):
    """Our slices as TFMA shows them: text for bytes."""
    return {
        tuple((name, value.decode() if isinstance(value, bytes) else value) for name, value in key): numbers
        for key, numbers in values.items()
    }


def assert_same(actual, expected):
    assert set(actual) == set(expected)
    for key, values in expected.items():
        assert actual[key] == pytest.approx(values, nan_ok=True, rel=1e-12), key


def test_tfma_shows_the_same_figures(tfma, write, figures):
    result = tfma.load_eval_result(write([HOLDS]))

    assert_same(figures(result), shown(MODEL))
    assert [type(value) for key in figures(result) for _, value in key] == [str, str, int, float]
    assert result.data_location == "data/Split-test"
    assert result.file_format == "tfrecords_gzip"
    assert [list(spec.feature_keys) for spec in result.config.slicing_specs] == [[], ["city"], ["city", "grade"]]
    assert [spec.label_key for spec in result.config.model_specs] == ["price"]


def test_tfma_shows_model_and_baseline_under_their_names(tfma, write, figures):
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
    failures = {failure.metric_key.name: failure for failure in overall.failures}

    assert not verdict.validation_ok
    assert not verdict.rubber_stamp
    assert not overall.slice_key.single_slice_keys
    assert {name: failure.message for name, failure in failures.items()} == {"mae": str(TOO_LARGE), "r2": str(WORSE)}
    assert failures["mae"].metric_value.double_value.value == 2.5
    assert failures["mae"].metric_threshold.value_threshold.upper_bound.value == 2.0
    assert failures["r2"].metric_threshold.value_threshold.lower_bound.value == 0.8
    assert not failures["r2"].metric_threshold.value_threshold.HasField("upper_bound")


def test_a_value_that_is_no_number_fails_without_a_threshold(tfma, write):
    [rule] = judge("regression", {(): Figures(9.0, {"mae": math.nan})}, Demands())
    verdict = tfma.load_validation_result(write([rule]))

    assert not verdict.validation_ok
    [failure] = verdict.metric_validations_per_slice[0].failures
    assert math.isnan(failure.metric_value.double_value.value)
    assert not failure.HasField("metric_threshold")


def test_floors_are_thresholds_of_the_written_config(tfma, write):
    [spec] = tfma.load_eval_result(write([HOLDS, TOO_LARGE, WORSE])).config.metrics_specs
    bounds = {metric.class_name: metric.threshold.value_threshold for metric in spec.metrics}

    assert set(bounds) == {
        "ExampleCount",
        "MeanAbsoluteError",
        "RootMeanSquaredError",
        "R2Score",
        "MeanSquaredError",
        "Mean",
    }
    assert bounds["MeanAbsoluteError"].upper_bound.value == 2.0
    assert bounds["R2Score"].lower_bound.value == 0.7
    assert not bounds["RootMeanSquaredError"].HasField("upper_bound")
