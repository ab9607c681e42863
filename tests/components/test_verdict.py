"""The warning that a metric is too good."""

import pytest

from components.evaluator import verdict


@pytest.mark.parametrize(
    ("task", "metrics", "warned"),
    [
        ("binary", {"auc": 0.992, "example_count": 600}, True),
        ("binary", {"auc": 0.985, "accuracy": 0.999, "example_count": 600}, False),
        ("binary", {"auc": 1.0, "example_count": 60}, False),
        ("binary", {"auc": float("nan"), "example_count": 600}, False),
        ("classes", {"accuracy": 0.999, "example_count": 600}, True),
        ("regression", {"r2": 0.995, "example_count": 600}, True),
        ("regression", {"r2": 0.973, "example_count": 600}, False),
        ("clusters", {"silhouette": 1.0, "example_count": 600}, False),
    ],
)
def test_a_metric_that_hints_at_a_leak_is_a_warning(task, metrics, warned):
    text = verdict.too_good(task, metrics)
    assert bool(text) == warned
    assert not warned or "unusually good. Make sure that each feature is known before the label is" in text
