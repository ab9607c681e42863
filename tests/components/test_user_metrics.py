"""Metrics of a user's own: tests/extensions/my_metric.py, copied into a project outside of the repository."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from components.evaluator import metric_catalog
from errors import UserError
from orchestration.local import resume
from pipeline.config import Config

EXAMPLE = Path(__file__).parents[1] / "extensions" / "my_metric.py"
PATH = "my_metric.within_10_percent"
SECTIONS = {"data": {"path": "x"}, "features": {"numeric": [{"column": "area"}]}, "label": {"column": "rent"}}
ROWS = {"y": [100.0, 100.0, 100.0, 100.0], "prediction": [95.0, 109.0, 80.0, 130.0]}


@pytest.fixture
def my_project(example_project):
    return example_project("my_metric")


def config(**evaluation):
    return Config.model_validate({**SECTIONS, "evaluation": {"metrics": [PATH], **evaluation}})


def test_a_user_s_metric_is_measured_and_judged(my_project, judged):
    evaluation = judged("regression", ROWS, metrics=[PATH], floor={"within_10_percent": 0.6})

    assert evaluation.verdict["metrics"]["within_10_percent"] == pytest.approx(0.5)
    assert evaluation.verdict["metrics"]["mae"] == pytest.approx((5 + 9 + 20 + 30) / 4)
    low, high = evaluation.verdict["intervals"]["within_10_percent"]
    assert 0 < low < 0.5 < high < 1, "a share has Wilson's interval"
    assert evaluation.verdict["better"]["within_10_percent"] == "higher"
    assert evaluation.verdict["better"]["mae"] == "lower"
    assert not evaluation.verdict["blessed"]
    assert "within_10_percent 0.5 is below the required 0.6" in evaluation.verdict["reason"]


def test_a_user_s_metric_may_be_compared_by_slice(my_project, judged):
    rows = {**ROWS, "city": [b"bern", b"bern", b"chur", b"chur"]}
    evaluation = judged(
        "regression",
        rows,
        metrics=[PATH],
        types_of={"city": "BYTES"},
        slices=[[{"column": "city", "name": "city"}]],
        gaps=[{"metric": "within_10_percent", "slice": "city", "max_difference": 0.5, "min_count": 1}],
    )

    [rule] = evaluation.verdict["rules"]
    assert rule["text"].startswith("gap of within_10_percent 1 is above the allowed 0.5 for city = chur (2 rows)")


def test_config_and_cache_key_know_a_user_s_metric(my_project):
    flats_config = config(floor={"within_10_percent": 0.5})

    assert "my_metric" in flats_config.user_modules()
    assert "my_metric" in resume.code_modules(flats_config)
    with pytest.raises(ValidationError, match=r"unknown for task regression\. Did you mean 'within_10_percent'\?"):
        config(floor={"within_10_procent": 0.5})
    with pytest.raises(ValidationError, match=r"metrics: .*my_metric\.py defines no 'within'"):
        Config.model_validate({**SECTIONS, "evaluation": {"metrics": ["my_metric.within"]}})


@pytest.mark.parametrize(
    ("path", "task", "message"),
    [
        ("my_metric.is_close", "regression", "is not a Metric"),
        (PATH, "binary", "is for regression, but label.task is 'binary'"),
        ("my_metric.other_name", "regression", "is named 'within_10_percent': use one name for both"),
        ("my_metric.mae", "regression", "'mae' is a metric of task 'regression' already: rename yours"),
        ("my_metric.empty", "regression", "has neither value nor rows"),
    ],
)
def test_what_is_not_a_metric_of_the_task_is_refused(my_project, path, task, message):
    file = my_project / "my_metric.py"
    further = '\nother_name = within_10_percent\nmae = Metric(name="mae", tasks=("regression",))\n'
    file.write_text(f'{file.read_text()}{further}empty = Metric(name="empty", tasks=("regression",))\n')
    with pytest.raises(UserError, match=message):
        metric_catalog.user_metric(path, task)


def test_numbers_of_another_shape_are_named(my_project):
    measure = metric_catalog.measure("regression", None, own=[PATH])
    wide = dataclasses.replace(measure.metric("within_10_percent"), rows=lambda label, predictions: np.ones((3, 2)))
    measure.metrics = (*measure.metrics[:-1], wide)
    with pytest.raises(ValueError, match=r"metric within_10_percent: rows returned shape \(3, 2\), expected \(3,\)"):
        measure.rows(np.ones(3), {"prediction": np.ones(3)})


def test_a_metric_in_the_folder_is_found_by_its_file(my_project, tmp_path, monkeypatch):
    folder = tmp_path / "metrics"
    folder.mkdir()
    (folder / "a_within.py").write_text(f"{EXAMPLE.read_text()}\nMETRICS = (within_10_percent,)\n")
    monkeypatch.setattr(metric_catalog.metrics, "__path__", [*metric_catalog.metrics.__path__, str(folder)])
    metric_catalog.built_in.cache_clear()
    try:
        assert metric_catalog.names("regression") == (
            *("mae", "rmse", "r2", "mse", "bias", "coverage", "interval_width"),
            "within_10_percent",
        )
        assert "components.evaluator.metrics.a_within" in metric_catalog.module_names()
    finally:
        metric_catalog.built_in.cache_clear()
        sys.modules.pop("components.evaluator.metrics.a_within", None)
