import pytest

from components.evaluator.rules import blessing
from components.evaluator.rules.blessing import Comparison, Condition, Demands
from components.evaluator.rules.rule_figures import Figures

MODEL = {"mae": 1.0, "r2": 0.9}


@pytest.mark.parametrize(
    ("task", "values", "metric", "limit", "slice_", "proposed"),
    [
        ("regression", {"mae": 9.0, "r2": -17.6}, "r2", 0.02, None, False),
        ("regression", {"mae": 9.0, "r2": -17.6}, "mae", 1.0, None, False),
        ("regression", {"mae": 9.0, "r2": 0.1}, "mae", 1.0, None, True),
        ("binary", {"log_loss": 1.0, "accuracy": 0.4, "auc": 0.44}, "accuracy", 0.6, None, False),
        ("regression", {"mae": 9.0, "r2": -0.5}, "mae", 1.0, (("city", b"bern"),), True),
        ("regression", {"mae": 9.0, "r2": -0.5}, "r2", 0.1, (("city", b"bern"),), False),
    ],
)
def test_no_limit_is_proposed_below_an_answer_without_learning(task, values, metric, limit, slice_, proposed):
    figures = {(): Figures(90.0, values if slice_ is None else MODEL), (slice_ or ()): Figures(90.0, values)}
    rule = Condition(metric, [slice_ or ()], floor=limit)
    [outcome] = blessing.judge(task, figures, Demands(rules=[rule]))

    assert (outcome.ok, bool(outcome.edit)) == (False, proposed)
    assert ("the model is worse than" in str(outcome)) == (not proposed)


def test_no_tolerance_is_proposed_below_an_answer_without_learning():
    figures = {(): Figures(90.0, {"mae": 9.0, "r2": -17.6}, MODEL)}
    [rule] = blessing.judge("regression", figures, Demands(baseline=[Comparison("mae", 0.01)]))

    assert (rule.ok, rule.edit) == (False, "")
