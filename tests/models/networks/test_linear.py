"""The linear network's smooth clip."""

import numpy as np
import pytest
from pydantic import ValidationError

from ..test_networks import AREA, made, settings


def test_a_smooth_clip_keeps_order_and_small_numbers_and_bounds_outliers():
    model = made("linear", outputs=(AREA,), weights=[{"kernel": [[1]], "bias": [0]}], smooth_clip=3.0)
    area = np.array([[0.0], [0.1], [-0.1], [3.0], [-9.0], [1e6], [-3e38]])

    answer = model({"area": area}).numpy()[:, 0]

    expected = [0.0, 0.1 / np.sqrt(1 + 0.01 / 9), -0.1 / np.sqrt(1 + 0.01 / 9), 3 / np.sqrt(2), -9 / np.sqrt(10), 3, -3]
    np.testing.assert_allclose(answer, expected, rtol=1e-6)


@pytest.mark.parametrize("limit", [0, -1.0, float("inf"), float("nan")])
def test_a_smooth_clip_needs_a_limit(limit):
    with pytest.raises(ValidationError, match="smooth_clip"):
        settings("linear", smooth_clip=limit)
