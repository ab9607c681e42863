"""Rows of a split."""

import numpy as np
import pytest

from models.data import split_rows
from spec.columns.label import LABEL


def test_rows_without_a_label_have_minus_one():
    features = {"area": np.zeros((3, 2), np.float32)}
    assert split_rows.label_of(features).tolist() == [[-1], [-1], [-1]]
    label = np.int64([[0], [1], [0]])
    assert split_rows.label_of({**features, LABEL: label}) is label


def test_a_class_without_a_weight_has_weight_one():
    index = np.int64([[0], [1], [2], [1]])
    assert split_rows.weights_of_classes({"b": 3.0}, index, ("a", "b", "c")).tolist() == [1, 3, 1, 3]
    assert split_rows.weights_of_classes("balanced", index, ("a", "b", "c")).tolist() == pytest.approx(
        [4 / 3, 2 / 3, 4 / 3, 2 / 3]
    )
    with pytest.raises(ValueError, match=r"'d' is not a class\. Known classes: a, b, c"):
        split_rows.weights_of_classes({"d": 3.0}, index, ("a", "b", "c"))
