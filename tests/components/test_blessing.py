import math

import pytest

from components.evaluator.metric_catalog import MEASURES
from components.evaluator.rules import blessing
from components.evaluator.rules.blessing import Comparison, Condition, Demands, Difference
from components.evaluator.rules.rule_figures import Figures

MODEL = {"example_count": 10.0, "mae": 100.0, "rmse": 150.0, "r2": 0.9}
USUAL = {"floor": {}, "metric": None, "tolerance": 0.01}


def judge(model, baseline, *, floor, metric, tolerance):
    """All rows alone, and one comparison with the baseline."""
    compared = [Comparison(metric, tolerance)] if metric else []
    return blessing.judge("regression", {(): Figures(10.0, model, baseline)}, Demands(floor, compared))


def verdicts(model=MODEL, baseline=None, **limits):
    return [(rule.kind, rule.metric, rule.limit, rule.ok) for rule in judge(model, baseline, **{**USUAL, **limits})]


@pytest.mark.parametrize(
    ("metric", "limit", "ok"),
    [
        ("r2", 0.9, True),
        ("r2", 0.89, True),
        ("r2", 0.91, False),
        ("mae", 100.0, True),
        ("mae", 101.0, True),
        ("mae", 99.0, False),
        ("rmse", 149.0, False),
    ],
)
def test_a_floor_is_a_least_score_or_a_largest_error(metric, limit, ok):
    assert verdicts(floor={metric: limit}) == [("floor", metric, limit, ok)]


@pytest.mark.parametrize(
    ("metric", "baseline_value", "tolerance", "limit", "ok"),
    [
        ("mae", 100.0, 0.0, 100.0, True),
        ("mae", 99.9, 0.0, 99.9, False),
        ("mae", 99.5, 0.01, 100.495, True),
        ("mae", 98.0, 0.01, 98.98, False),
        ("r2", 0.905, 0.01, 0.89595, True),
        ("r2", 0.95, 0.01, 0.9405, False),
        ("r2", -0.5, 0.1, -0.55, True),
    ],
)
def test_a_baseline_may_be_missed_by_the_tolerance_alone(metric, baseline_value, tolerance, limit, ok):
    baseline = {**MODEL, metric: baseline_value}
    [(kind, name, measured, verdict)] = verdicts(baseline=baseline, metric=metric, tolerance=tolerance)

    assert (kind, name, verdict) == ("baseline", metric, ok)
    assert measured == pytest.approx(limit)


def test_a_negative_score_may_fall_by_the_tolerance_too():
    baseline = {**MODEL, "r2": -0.5}

    assert judge({**MODEL, "r2": -0.54}, baseline, floor={}, metric="r2", tolerance=0.1)[0].ok
    assert not judge({**MODEL, "r2": -0.56}, baseline, floor={}, metric="r2", tolerance=0.1)[0].ok


def test_without_a_baseline_there_is_nothing_to_compare_with():
    assert verdicts(metric="mae") == []
    assert verdicts(baseline={**MODEL, "mae": 1.0}) == []


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_baseline_that_is_no_number_is_beaten_by_any_number(value):
    assert verdicts(baseline={**MODEL, "mae": value}, metric="mae") == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "limits",
    [
        {"floor": {"mae": math.inf}},
        {"floor": {"r2": -math.inf}},
        {"metric": "mae"},
        {"metric": "mae", "baseline": MODEL},
        {"metric": "mae", "baseline": {**MODEL, "mae": math.nan}},
        {},
    ],
)
def test_a_model_that_answers_no_numbers_is_never_blessed(value, limits):
    answers = {"example_count": 10.0, "mae": value, "rmse": value, "r2": value}
    rules = judge(answers, **{"baseline": None, **USUAL, **limits})

    assert rules
    assert not any(rule.ok for rule in rules)


def test_rules_come_floor_by_floor_and_then_the_baseline():
    outcomes = verdicts(baseline=MODEL, floor={"r2": 0.5, "mae": 1.0}, metric="rmse")

    assert [rule[:2] for rule in outcomes] == [("floor", "r2"), ("floor", "mae"), ("baseline", "rmse")]
    assert [rule[3] for rule in outcomes] == [True, False, True]


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        ({"floor": {"r2": 0.87}}, "r2 0.9 meets the required 0.87"),
        ({"floor": {"mae": 50.0}}, "mae 100 is above the allowed 50"),
        (
            {"baseline": {**MODEL, "mae": 90.0}, "metric": "mae"},
            "mae 100 is above the 90.9 that baseline and tolerance allow",
        ),
    ],
)
def test_the_text_of_a_rule_names_what_was_compared(limits, text):
    [rule] = judge(MODEL, **{"baseline": None, **USUAL, **limits})

    assert str(rule) == text


def test_the_text_of_a_rule_names_a_value_that_is_not_a_number():
    [rule] = judge({**MODEL, "mae": math.nan}, None, **USUAL)

    assert str(rule) == "mae is nan, which is not a finite number"


def test_r2_that_is_no_number_is_refused_only_where_it_is_asked_for():
    model = {**MODEL, "r2": math.nan}

    assert judge(model, None, **USUAL) == []
    assert not judge(model, None, **{**USUAL, "metric": "r2"})[0].ok


BERN, CHUR, GENF = ((("city", name),) for name in (b"bern", b"chur", b"genf"))
SLICED = {
    (): Figures(100.0, {"accuracy": 0.8, "recall": 0.7, "log_loss": 0.5, "calibration": 0.9}, {"accuracy": 0.8}),
    BERN: Figures(60.0, {"accuracy": 0.9, "recall": 0.8, "log_loss": 0.4}, {"accuracy": 0.9}),
    CHUR: Figures(30.0, {"accuracy": 0.7, "recall": 0.5, "log_loss": 0.8}, {"accuracy": 0.8}),
    GENF: Figures(10.0, {"accuracy": 0.3, "recall": math.nan, "log_loss": 0.9}, {"accuracy": 0.2}),
}
GAP = {"metric": "accuracy", "keys": [BERN, CHUR, GENF], "max_difference": 0.1}


def sliced(rules=(), gaps=(), floor=(), figures=SLICED):
    demands = Demands(
        floor=dict(floor),
        rules=[Condition(**{"metric": "accuracy", **entry}) for entry in rules],
        gaps=[Difference(**{**GAP, **entry}) for entry in gaps],
    )
    return blessing.judge("binary", figures, demands)


def test_a_rule_judges_each_slice_of_its_slicing():
    outcomes = sliced([{"keys": [BERN, CHUR, GENF], "floor": 0.7}])

    assert [(rule.slice, rule.value, rule.ok, rule.count) for rule in outcomes] == [
        (BERN, 0.9, True, 60.0),
        (CHUR, 0.7, True, 30.0),
        (GENF, 0.3, False, 10.0),
    ]
    assert str(outcomes[2]) == "accuracy 0.3 is below the required 0.7 for city = genf (10 rows)"
    assert outcomes[2].edit == "evaluation.rules.0.floor = 0.3 or less"


def test_a_rule_without_a_slice_judges_all_rows():
    assert [(rule.slice, rule.ok) for rule in sliced([{"floor": 0.75}])] == [((), True)]


def test_a_rule_compares_a_slice_with_the_baselines_same_slice():
    outcomes = sliced([{"keys": [BERN, CHUR], "tolerance": 0.02}])

    assert [(rule.kind, rule.ok) for rule in outcomes] == [("baseline", True), ("baseline", False)]
    assert outcomes[1].limit == pytest.approx(0.784)
    assert outcomes[1].edit == "evaluation.rules.0.tolerance = 0.1251 or more"


def test_floor_and_tolerance_of_one_rule_are_two_outcomes():
    assert [rule.kind for rule in sliced([{"keys": [BERN], "floor": 0.1, "tolerance": 0.1}])] == ["floor", "baseline"]


def test_a_slice_of_few_rows_is_reported_as_skipped():
    [enough] = sliced([{"keys": [GENF], "floor": 0.7, "min_count": 10}])
    [rule] = sliced([{"keys": [GENF], "floor": 0.7, "min_count": 30}])

    assert (enough.ok, enough.kind) == (False, "floor")

    assert (rule.ok, rule.kind) == (True, "skipped")
    assert (
        str(rule) == "accuracy for city = genf (10 rows): not judged, fewer rows than evaluation.rules.0.min_count = 30"
    )


@pytest.mark.parametrize(("least", "ok"), [(None, False), (1, True)])
def test_a_slice_without_a_row_fails_unless_min_count_waits_for_it(least, ok):
    [rule] = sliced([{"keys": [(("city", b"zug"),)], "floor": 0.7, "min_count": least}])

    assert rule.ok is ok
    assert str(rule).startswith("accuracy for city = zug (0 rows): ")
    message = "no row is in this slice. Known slices: city = bern; city = chur; city = genf"
    assert str(rule).endswith(message) is not ok


def test_a_value_of_a_slice_that_is_no_number_fails():
    [rule] = sliced([{"metric": "recall", "keys": [GENF], "floor": 0.1}])

    assert not rule.ok
    assert rule.edit == "remove evaluation.rules.0.floor, if the metric is undefined for these rows"


def test_a_gap_is_that_of_the_two_slices_furthest_apart():
    [rule] = sliced(gaps=[{"min_count": 30}])

    assert (rule.kind, rule.slice, rule.ok) == ("gap", CHUR, False)
    assert rule.value == pytest.approx(0.2)
    assert rule.edit == "evaluation.gaps.0.max_difference = 0.2001 or more"
    assert str(rule) == (
        "gap of accuracy 0.2 is above the allowed 0.1 for city = chur (30 rows); "
        "accuracy 0.7 against 0.9 for city = bern (60 rows); 1 slices with fewer than 30 rows skipped"
    )


@pytest.mark.parametrize(("most", "ok"), [(0.25, True), (0.249, False)])
def test_a_gap_may_be_as_large_as_the_limit(most, ok):
    figures = {(): SLICED[()], BERN: Figures(9.0, {"accuracy": 0.75}), CHUR: Figures(9.0, {"accuracy": 0.5})}
    [rule] = sliced(gaps=[{"keys": [BERN, CHUR], "max_difference": most}], figures=figures)

    assert (rule.ok, rule.edit == "") == (ok, ok)


def test_the_worse_side_of_a_gap_of_errors_is_the_larger():
    [rule] = sliced(gaps=[{"metric": "log_loss", "max_difference": 0.6}])

    assert (rule.slice, rule.ok) == (GENF, True)


def test_a_gap_with_a_value_that_is_no_number_fails():
    [rule] = sliced(gaps=[{"metric": "recall"}])

    assert not rule.ok
    assert str(rule) == "recall for city = genf (10 rows) is nan, which is not a finite number"


def test_a_gap_of_one_slice_is_not_judged():
    [rule] = sliced(gaps=[{"min_count": 60}])

    assert rule.ok
    assert "fewer than two slices to compare" in str(rule)


@pytest.mark.parametrize(("value", "ok"), [(0.9, True), (1.1, True), (0.85, False), (1.2, False)])
def test_calibration_is_judged_by_its_distance_from_one(value, ok):
    figures = {(): Figures(9.0, {"log_loss": 0.1, "calibration": value})}
    [rule] = sliced(floor={"calibration": 0.11}, figures=figures)

    assert rule.ok is ok
    assert str(rule).startswith("|calibration - 1| 0.")


@pytest.mark.parametrize(("metric", "value"), [("r2", 0.8637), ("r2", 0.0123456), ("mae", 64733.9), ("mae", 1e-9)])
def test_the_edit_that_is_named_accepts_the_model(metric, value):
    limit = value + 1 if metric == "r2" else value / 2
    [rule] = judge({"mae": 1.0, metric: value}, None, **{**USUAL, "floor": {metric: limit}})
    proposed = float(rule.edit.split(" = ")[1].split(" or ")[0])

    assert rule.edit.startswith(f"evaluation.floor.{metric} = ")
    assert judge({"mae": 1.0, metric: value}, None, **{**USUAL, "floor": {metric: proposed}})[0].ok


def test_the_tolerance_that_is_named_accepts_the_model():
    baseline = {**MODEL, "mae": 93.7}
    [rule] = judge(MODEL, baseline, **{**USUAL, "metric": "mae"})
    proposed = float(rule.edit.split(" = ")[1].split(" or ")[0])

    assert rule.edit.startswith("evaluation.baseline.0.tolerance = ")
    assert judge(MODEL, baseline, floor={}, metric="mae", tolerance=proposed)[0].ok


@pytest.mark.parametrize("task", ["regression", "binary", "classes", "anomaly", "clusters"])
def test_no_task_blesses_answers_that_are_no_numbers(task):
    values = {"accuracy": 1.0, MEASURES[task].check_metric: math.nan}
    skipped = Condition(MEASURES[task].check_metric, floor=1.0, min_count=1000)
    for demands in (Demands(), Demands(rules=[skipped])):
        rules = blessing.judge(task, {(): Figures(9.0, values)}, demands)
        assert not all(rule.ok for rule in rules)
