"""Buckets of a warm start: which earlier bucket the middle of each one lies in."""

import math

import pytest

from models.warm_start import feature_matching


@pytest.mark.parametrize(
    ("earlier", "current", "places"),
    [
        ([0.0, 10.0], [5.0], [1, 1]),
        ([0.0, 10.0], [12.0], [1, 2]),
        ([0.0, 10.0], [-2.0, 2.0, 20.0], [0, 1, 2, 2]),
        ([0.0], [0.0, math.inf], [0, 1, 1]),
        ([0.0], [], [0]),
    ],
)
def test_a_bucket_is_matched_by_its_middle(earlier, current, places):
    assert feature_matching._places(earlier, current).tolist() == places
