"""Which share of today's rows a baseline was trained on."""

import types

import numpy as np
import pytest

from components.evaluator import training_overlap
from errors import ResourceError


@pytest.fixture
def rows(monkeypatch):
    """Digests of the rows of Examples, by their id; None where their files are gone."""
    digests_by_id = {}

    def row_profiles(examples):
        if digests_by_id[examples[0].id] is None:
            raise ResourceError("it is gone")
        digests = {split: np.array(numbers, np.uint64) for split, numbers in digests_by_id[examples[0].id].items()}
        return types.SimpleNamespace(digests=digests)

    monkeypatch.setattr(training_overlap, "row_profiles", row_profiles)
    return digests_by_id


def share(train_id=1, test_id=2):
    return training_overlap.training_shares(
        types.SimpleNamespace(id=train_id), types.SimpleNamespace(id=test_id), "test"
    )


def test_the_shares_of_both_models_are_measured(rows):
    rows[1] = {"train": [1, 2, 3, 4], "test": [5, 6, 7, 1]}
    rows[2] = {"train": [5, 6, 9], "test": [1]}

    assert share() == (0.5, 0.25)


@pytest.mark.parametrize(
    "earlier_rows", [None, {}, {"test": [5]}], ids=["files that are gone", "another ingestion", "no train split"]
)
def test_unknown_shares_are_none(rows, earlier_rows):
    rows[1], rows[2] = {"train": [1], "test": [5]}, earlier_rows

    assert share() is None
    assert share(1, 1) is None, "the same rows were split in the same way"
