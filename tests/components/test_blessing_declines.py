import pytest

from components.evaluator.rules import blessing
from components.evaluator.rules.blessing import Comparison, Demands
from components.evaluator.rules.rule_figures import Figures

MODEL = {"example_count": 10.0, "mae": 100.0, "rmse": 150.0, "r2": 0.9}


def test_small_steps_down_use_the_tolerance_up():
    """Each model is a little worse than the one before; together they may be worse by the tolerance alone."""
    used, served, baseline_rules = {}, 0.7807, []
    for value in (0.7730, 0.7673, 0.7790, 0.7725):
        compared = Demands(baseline=[Comparison("r2", 0.01, used.get("r2", 0.0))])
        figures = Figures(10.0, {**MODEL, "r2": value}, {**MODEL, "r2": served})
        rules = blessing.judge("regression", {(): figures}, compared)
        [rule] = [entry for entry in rules if entry.kind == "baseline"]
        baseline_rules.append(rule)
        if rule.ok:
            used = blessing.declines(used, rules, figures.values, figures.baseline)
            served = value

    assert [rule.ok for rule in baseline_rules] == [True, False, True, False]
    assert baseline_rules[0].note == "worse by 0.99%, tolerated"
    assert baseline_rules[1].note == "previous models used 0.99% of the tolerance of 1.00%"
    assert baseline_rules[1].edit == "evaluation.baseline.0.tolerance = 0.01724 or more"
    assert used == {"r2": pytest.approx(0.0021, abs=1e-4)}, "a better model wins it back, to the best so far"


@pytest.mark.parametrize(
    ("metric", "value", "baseline_value", "share"),
    [("mae", 101.0, 100.0, 0.01), ("r2", 0.99, 1.0, 0.01), ("mae", 90.0, 100.0, 0.0), ("r2", 1.0, 0.0, 0.0)],
)
def test_a_decline_is_a_share_of_the_value_before_in_the_metrics_own_direction(metric, value, baseline_value, share):
    rules = [blessing.Rule(metric, value, 0.0, True, "baseline")]
    shares = blessing.declines({}, rules, {metric: value}, {metric: baseline_value})

    assert shares == ({metric: pytest.approx(share)} if share else {})
    assert blessing.declines({}, rules, {metric: value}, None) == {}
