"""Rows of a split."""

import numpy as np

from models.data import split_rows
from spec.columns.label import LABEL


def test_rows_without_a_label_have_minus_one():
    features = {"area": np.zeros((3, 2), np.float32)}
    assert split_rows.label_of(features).tolist() == [[-1], [-1], [-1]]
    label = np.int64([[0], [1], [0]])
    assert split_rows.label_of({**features, LABEL: label}) is label
