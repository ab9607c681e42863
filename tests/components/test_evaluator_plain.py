"""Plain models in the verdict: their metrics, the sentences, and rules relative to them."""

import json
import math

import numpy as np
import pytest

from components.evaluator import plain_predictions
from components.evaluator.plain_predictions import PlainModels, sentences
from spec.file_names import PLAIN

LABEL = [float(place) for place in range(80)]
CITY = ["bern" if place < 40 else "chur" for place in range(80)]
FACTS = {"task": "regression", "rows": 80, "train_rows": 80, "every": 1, "failed": {}, "note": ""}


@pytest.fixture
def predicted(tmp_path):
    """Writes an artifact of the stage plain-models."""

    def write(models, names=(), **facts):
        folder = tmp_path / "plain"
        folder.mkdir(exist_ok=True)
        for name, values in models.items():
            np.save(folder / f"{name}.npy", np.asarray(values, np.float32))
        (folder / PLAIN).write_text(json.dumps({**FACTS, "fitted": {name: list(names) for name in models}, **facts}))
        return folder

    return write


def regression(judged, folder, city=CITY, **options):
    rows = {"y": LABEL, "prediction": [label + 2 for label in LABEL], "city": city}
    slices = [[{"column": "city", "name": "city"}]]
    return judged("regression", rows, types_of={"city": "BYTES"}, plain=folder, slices=slices, **options).verdict


def test_metrics_of_plain_models_of_all_rows_and_of_each_slice(judged, predicted):
    off = [1 if city == "bern" else 5 for city in CITY]
    folder = predicted({"linear": np.add(LABEL, 4), "boosted_trees": np.add(LABEL, off)})
    verdict = regression(judged, folder)

    assert {name: metrics["mae"] for name, metrics in verdict["plain"].items()} == {"linear": 4, "boosted_trees": 3}
    by_city = {entry["slice"]["city"]: entry["plain"]["boosted_trees"]["mae"] for entry in verdict["slices"]}
    assert by_city == {"bern": 1, "chur": 5}
    assert verdict["plain_notes"] == [
        "mae 2 is better than 4 of linear regression",
        "mae 2 is better than 3 of boosted trees; worse on 1 of 2 slices with 30 rows or more: city = bern",
    ]


@pytest.mark.parametrize(
    ("rows", "note"), [(30, "; worse on 1 of 2 slices with 30 rows or more: city = bern"), (29, "")]
)
def test_a_slice_of_30_rows_is_compared_and_one_of_29_is_not(judged, predicted, rows, note):
    city = ["bern" if place < rows else "chur" for place in range(80)]
    off = [1 if name == "bern" else 5 for name in city]
    verdict = regression(judged, predicted({"linear": np.add(LABEL, off)}), city=city)
    assert [line.partition("regression")[2] for line in verdict["plain_notes"]] == [note]


def test_without_the_stage_there_is_no_plain_model(judged):
    verdict = regression(judged, None)
    assert (verdict["plain"], verdict["plain_notes"]) == ({}, [])


def test_a_missing_plain_model_is_named_with_its_reason(judged, predicted):
    reason = "not fitted within the 20 s of evaluation.plain_seconds"
    verdict = regression(judged, predicted({"linear": LABEL}, failed={"boosted_trees": reason}))
    assert verdict["plain_notes"] == [
        "mae 2 is worse than 0 of linear regression; worse on 2 of 2 slices with 30 rows or more: city = bern, "
        "city = chur",
        f"no boosted trees: {reason}",
    ]

    verdict = regression(judged, predicted({}, note="no column of numbers, categories or dates"))
    assert verdict["plain_notes"] == ["no plain model: no column of numbers, categories or dates"]


def test_a_sample_is_stated(judged, predicted):
    verdict = regression(judged, predicted({"linear": LABEL}, every=4, rows=20))
    assert verdict["plain_notes"][-1] == "plain models were fitted on 20 of 80 train rows"


def test_classes_go_by_name_and_one_that_a_plain_model_never_saw_has_probability_0(judged, predicted):
    rows = {"y": [0.0, 1.0, 2.0, 0.0], **{f"p{place}": [0.4, 0.3, 0.2, 0.1] for place in range(3)}}
    answer = [[0.1, 0.9], [0.8, 0.2], [0.5, 0.5], [0.3, 0.7]]
    folder = predicted({"linear": answer}, names=["b", "a"], task="classes")
    verdict = judged("classes", rows, names=["a", "b", "c"], plain=folder).verdict

    assert verdict["plain"]["linear"]["accuracy"] == 0.75
    assert verdict["plain"]["linear"]["recall[c]"] == 0


def test_a_plain_model_of_other_classes_is_left_out(judged, predicted):
    rows = {"y": [0.0, 1.0], "p1": [0.4, 0.6]}
    folder = predicted({"linear": [[0.5, 0.5]] * 2}, names=["x", "a"], task="binary")
    verdict = judged("binary", rows, names=["a", "b"], plain=folder).verdict
    assert verdict["plain"] == {}
    assert verdict["plain_notes"] == ["no logistic regression: it knows only the classes x, a"]


def test_a_metric_that_needs_another_output_drops_the_plain_model_and_not_the_run(judged, predicted, monkeypatch):
    def of(self, numbers):
        return {}

    monkeypatch.setattr(plain_predictions.PlainPredictions, "of", of)
    verdict = regression(judged, predicted({"linear": LABEL}))
    assert verdict["plain"] == {}
    assert verdict["plain_notes"] == ["no linear regression: its metrics cannot be computed: KeyError: 'prediction'"]


@pytest.mark.parametrize(
    ("rule", "ok", "text", "edit"),
    [
        ({}, True, "mae 2 is within the 3 of a plain model; boosted trees: 3", ""),
        (
            {"slice": {"city": "bern"}},
            False,
            "mae 2 is above the 1 of a plain model for city = bern (40 rows); boosted trees: 1",
            "evaluation.rules.0.tolerance = 1 or more",
        ),
        (
            {"slice": {"city": "bern"}, "tolerance": 1.0},
            True,
            "mae 2 is within the 2 of a plain model for city = bern (40 rows); boosted trees: 1",
            "",
        ),
        ({"better_than": "linear"}, True, "mae: not judged, as there is no mae of linear regression", ""),
    ],
)
def test_a_rule_may_be_relative_to_a_plain_model(judged, predicted, rule, ok, text, edit):
    off = [1 if city == "bern" else 5 for city in CITY]
    folder = predicted({"boosted_trees": np.add(LABEL, off)}, failed={"linear": "too slow"})
    verdict = regression(judged, folder, rules=[{"metric": "mae", "better_than": "boosted_trees", **rule}])

    [outcome] = verdict["rules"]
    assert (outcome["ok"], outcome["text"], outcome["edit"]) == (ok, text, edit)
    assert verdict["blessed"] is ok


def test_equal_values_and_values_within_the_interval_are_named():
    from components.evaluator.intervals import Interval

    figures = {(): ({"auc": 0.9}, {"linear": {"auc": 0.9}, "boosted_trees": {"auc": 0.92}})}
    lines = sentences("binary", "auc", figures, PlainModels(), interval=Interval(0.85, 0.95), lower_is_better=False)
    assert lines == [
        "auc 0.9 is equal to 0.9 of logistic regression",
        "auc 0.9 is worse than 0.92 of boosted trees, which is within its 95 % interval",
    ]
    undefined = {(): ({"auc": math.nan}, {"linear": {"auc": 0.9}})}
    assert sentences("binary", "auc", undefined, PlainModels(), interval=None, lower_is_better=False) == []


@pytest.mark.parametrize(("confusion", "metric"), [([[60, 20], [10, 10]], "auc"), ([[950, 20], [10, 20]], "pr_auc")])
def test_rare_classes_are_compared_by_pr_auc(confusion, metric):
    from components.evaluator.metric_catalog import measure

    values = {"accuracy": 0.9, "auc": 0.8, "pr_auc": 0.5}
    assert plain_predictions.compared_by(measure("binary", ["a", "b"]), values, {"confusion": confusion}) == metric
