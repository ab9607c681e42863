import pytest
from pydantic import ValidationError

from spec.columns.label import Label


@pytest.mark.parametrize("value", [{"task": "ranking"}, {"transform": "sqrt"}, {"unit": "$"}])
def test_a_label_knows_its_keys_and_values(value):
    assert Label(column="price").transform == "none"
    with pytest.raises(ValidationError, match=next(iter(value))):
        Label.model_validate({"column": "price", **value})


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ({"task": "binary"}, "needs either positive"),
        ({"task": "binary", "positive": "yes", "threshold": 1.0}, "needs either positive"),
        ({"task": "binary", "positive": "yes", "classes": ["a", "b", "c"]}, "has two classes"),
        ({"task": "binary", "positive": "yes", "transform": "log"}, "transform has no effect with task 'binary'"),
        ({"task": "regression", "tiers": 3}, "tiers has no effect with task 'regression'"),
        ({"task": "classes", "threshold": 3}, "threshold has no effect with task 'classes'"),
        ({"task": "classes", "tiers": 3, "classes": ["a", "b"]}, "3 tiers need as many classes"),
        ({"task": "classes", "classes": ["a", "a"]}, "different names"),
    ],
)
def test_a_label_s_keys_must_fit_its_task(label, message):
    with pytest.raises(ValidationError, match=message):
        Label.model_validate({"column": "price", **label})


@pytest.mark.parametrize(
    ("label", "names"),
    [
        ({}, None),
        ({"task": "binary", "positive": "yes"}, ("not yes", "yes")),
        ({"task": "binary", "threshold": 24}, ("below 24", "from 24")),
        ({"task": "binary", "threshold": 24, "classes": ["fail", "pass"]}, ("fail", "pass")),
        ({"task": "classes", "tiers": 3}, ("tier 1", "tier 2", "tier 3")),
        ({"task": "classes"}, None),
    ],
)
def test_classes_have_names(label, names):
    assert Label.model_validate({"column": "price", **label}).names == names
