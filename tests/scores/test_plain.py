import dataclasses

import numpy as np
import pandas as pd
import pytest

from . import plain


@dataclasses.dataclass
class Run:
    """What a run leaves, without the run."""

    splits: dict
    metrics: dict

    def rows(self, split):
        return self.splits[split]


def run(train, test, counted=None):
    train, test = pd.DataFrame(train), pd.DataFrame(test)
    return Run({"train": train, "test": test}, {"example_count": len(test) if counted is None else counted})


def test_what_is_missing_is_filled_with_figures_of_the_train_split():
    result = run({"x": [1.0, 3.0, None], "c": [b"a", None, b"b"]}, {"x": [None, 9.0], "c": [b"new", b"a"]})
    train, test, _, _ = plain.parts(result, ["x"], ["c"])
    assert train["x"].tolist() == [1.0, 3.0, 2.0]
    assert test["x"].tolist() == [2.0, 9.0]
    assert train.columns.tolist() == ["x", "c=", "c=b'a'", "c=b'b'"] == test.columns.tolist()
    assert train.iloc[:, 1:].to_numpy().tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
    assert test.iloc[:, 1:].to_numpy().tolist() == [[0, 0, 0], [0, 1, 0]]


def test_other_rows_than_the_model_s_are_noticed():
    with pytest.raises(AssertionError, match=r"measured on 3 rows, the plain one on 2"):
        plain.parts(run({"x": [1.0]}, {"x": [1.0, 2.0]}, counted=3), ["x"])


def test_least_squares_is_measured_on_the_test_split():
    result = run({"x": [0.0, 1.0, 2.0], "y": [1.0, 3.0, 5.0]}, {"x": [3.0, 4.0], "y": [7.0, 10.0]})
    assert plain.least_squares_mae(result, "y", ["x"]) == pytest.approx(0.5)


def test_logistic_regression_parts_what_a_line_parts():
    features, label = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
    assert plain.logistic().fit(features, label).score(features, label) == 1.0
