"""The gate on the rarer of two classes, from its rows in eval and test."""

import types

import pytest

from components.validation.gates import rare_gate
from spec.columns.label import Label

LABEL = Label(column="state", task="binary", positive="sick")


def judged(counts, label=LABEL, split_by="hash", **settings):
    facts = {
        split: types.SimpleNamespace(rows=sum(labels.values()) if labels else 9, labels=labels)
        for split, labels in counts.items()
    }
    context = types.SimpleNamespace(label=label, facts=facts, split_by=split_by)
    return list(rare_gate.judge(context, rare_gate.Settings(**settings)))


@pytest.mark.parametrize(
    ("rows", "action", "limit"), [(30, None, None), (29, "warn", 30), (5, "warn", 30), (4, "block", 5), (0, "block", 5)]
)
def test_few_rows_of_the_rarer_class_warn_and_very_few_block(rows, action, limit):
    labels = {"sick": rows, "well": 400}
    findings = judged({"train": {"well": 9, "sick": 1}, "eval": {"sick": 50, "well": 50}, "test": labels})
    if action is None:
        assert findings == []
        return
    [finding] = findings
    assert (finding.action, finding.limit, finding.measured, finding.splits) == (action, limit, rows, ["test"])
    assert (
        finding.text
        == f"{rows} rows of class 'sick', below the limit of {limit}: a metric of so few rows is mostly chance"
    )
    key = "block_below" if action == "block" else "warn_below"
    assert finding.edit == f"gates.rare.{key} = {rows} in the config, or larger shares of eval and test in data.split"
    edited = {"warn_below": rows} if action == "warn" else {"block_below": rows}
    assert all(entry.action != action for entry in judged({"test": labels}, **{"block_below": min(5, rows), **edited}))


def test_the_rarer_class_may_be_the_negative_one():
    [finding] = judged({"eval": {"sick": 400, "well": 3, "unknown": 2}})
    assert finding.measured == 5
    assert "class 'not sick'" in finding.text


@pytest.mark.parametrize(
    ("counts", "options"),
    [
        ({"train": {"sick": 1, "well": 9}}, {}),
        ({"test": {"sick": 1, "well": 9}}, {"split_by": "all"}),
        ({"test": {"sick": 1, "well": 9}}, {"label": Label(column="state", task="classes")}),
        ({"test": None}, {}),
    ],
    ids=["train", "every-row-in-every-split", "several-classes", "too-many-values"],
)
def test_what_the_gate_does_not_judge(counts, options):
    assert judged(counts, **options) == []


def test_limits_out_of_order_or_without_effect_are_refused():
    with pytest.raises(ValueError, match="block_below = 40 is above warn_below = 30"):
        rare_gate.Settings(block_below=40)
    with pytest.raises(ValueError, match=r"gates.rare.warn_below has no effect for task 'regression': remove it"):
        rare_gate.Settings(warn_below=10).check(Label(column="y"))
