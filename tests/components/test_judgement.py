import math

import pytest

from components.evaluator.judgement import judge

MODEL = {"example_count": 10.0, "mae": 100.0, "rmse": 150.0, "r2": 0.9}
USUAL = {"floor": {}, "metric": None, "tolerance": 0.01}


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
    ("metric", "before", "tolerance", "limit", "ok"),
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
def test_a_baseline_may_be_missed_by_the_tolerance_alone(metric, before, tolerance, limit, ok):
    baseline = {**MODEL, metric: before}
    [(kind, name, found, verdict)] = verdicts(baseline=baseline, metric=metric, tolerance=tolerance)

    assert (kind, name, verdict) == ("baseline", metric, ok)
    assert found == pytest.approx(limit)


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
    made = verdicts(baseline=MODEL, floor={"r2": 0.5, "mae": 1.0}, metric="rmse")

    assert [rule[:2] for rule in made] == [("floor", "r2"), ("floor", "mae"), ("baseline", "rmse")]
    assert [rule[3] for rule in made] == [True, False, True]


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        ({"floor": {"r2": 0.87}}, "r2 0.9 >= 0.87 (the floor) holds"),
        ({"floor": {"mae": 50.0}}, "mae 100 <= 50 (the floor) fails"),
        (
            {"baseline": {**MODEL, "mae": 90.0}, "metric": "mae"},
            "mae 100 <= 90.9 (the baseline and its tolerance) fails",
        ),
    ],
)
def test_a_rule_says_what_was_compared(limits, text):
    [rule] = judge(MODEL, **{"baseline": None, **USUAL, **limits})

    assert str(rule) == text


def test_a_rule_says_that_a_value_is_no_number():
    [rule] = judge({**MODEL, "mae": math.nan}, None, **USUAL)

    assert str(rule) == "mae nan is no number"


def test_r2_that_is_no_number_is_refused_only_where_it_is_asked_for():
    model = {**MODEL, "r2": math.nan}

    assert judge(model, None, **USUAL) == []
    assert not judge(model, None, **{**USUAL, "metric": "r2"})[0].ok
