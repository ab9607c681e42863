import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sklearn

from components.evaluator import metrics

CITIES = np.array([b"bern", b"basel", b"chur"], object)


def table(seed, rows=400, offset=0.0, spread=1.0):
    """Labels, predictions near them, and three columns to slice by."""
    random = np.random.default_rng(seed)
    label = offset + spread * random.normal(size=rows)
    return (
        label,
        label + spread * random.normal(0.1, 0.3, size=rows),
        {"city": CITIES[random.integers(0, 3, rows)], "grade": random.integers(-1, 2, rows)},
    )


def merged(label, prediction, slices, cuts):
    """Totals over the batches that the cuts make, as the evaluator adds them up."""
    totals, shift = {}, None
    for rows in np.split(np.arange(len(label)), sorted(cuts)):
        if len(rows):
            shift = float(label[rows].mean()) if shift is None else shift
            cut = [{name: column[rows] for name, column in slicing.items()} for slicing in slices]
            metrics.merge(totals, metrics.sums(label[rows], prediction[rows], cut, shift))
    return totals


def expected(label, prediction):
    """The same by scikit-learn."""
    return {
        "example_count": len(label),
        "mae": sklearn.mean_absolute_error(label, prediction),
        "rmse": sklearn.mean_squared_error(label, prediction) ** 0.5,
        "r2": sklearn.r2_score(label, prediction),
    }


@pytest.mark.parametrize("offset", [0.0, 5e5, -1e9])
@pytest.mark.parametrize("spread", [1.0, 1e-12, 1e6])
@pytest.mark.parametrize("cuts", [[], [100, 101, 350]], ids=["one batch", "four batches"])
def test_the_metrics_are_scikit_learns(offset, spread, cuts):
    if offset and spread < 1:
        offset *= spread
    label, prediction, _ = table(1, offset=offset, spread=spread)
    values = metrics.values(merged(label, prediction, [], cuts)[()])

    assert values == pytest.approx(expected(label, prediction), rel=1e-6, abs=0)


def test_float32_predictions_and_integer_labels_are_summed_in_float64():
    label = np.arange(500_000, 540_000)
    prediction = (label + 0.5).astype(np.float32)
    values = metrics.values(metrics.sums(label, prediction, [], float(label.mean()))[()])

    assert values == pytest.approx(expected(label.astype(float), prediction.astype(float)), rel=1e-12)


@pytest.mark.parametrize("cuts", [[], [1, 57, 200]], ids=["one batch", "four batches"])
def test_slices_and_crosses_are_those_rows_alone(cuts):
    label, prediction, columns = table(2)
    city, grade = columns["city"], columns["grade"]
    totals = merged(label, prediction, [{"city": city}, {"grade": grade}, {"city": city, "grade": grade}], cuts)

    wanted = {(): np.full(len(label), True)}
    wanted |= {(("city", name),): city == name for name in CITIES}
    wanted |= {(("grade", number),): grade == number for number in (-1, 0, 1)}
    wanted |= {
        (("city", name), ("grade", number)): (city == name) & (grade == number)
        for name in CITIES
        for number in (-1, 0, 1)
    }
    assert set(totals) == set(wanted)
    for key, rows in wanted.items():
        assert metrics.values(totals[key]) == pytest.approx(expected(label[rows], prediction[rows]), rel=1e-9), key


def test_slice_values_are_plain_python_values():
    columns = {"b": np.array([b"x"], object), "i": np.array([3]), "f": np.array([0.5], np.float32)}
    keys = list(metrics.sums(np.ones(1), np.ones(1), [columns], 0.0))

    assert keys == [(), (("b", b"x"), ("i", 3), ("f", 0.5))]
    assert [type(value) for _, value in keys[1]] == [bytes, int, float]


@given(
    hnp.arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e6, 1e6)),
    st.lists(st.integers(0, 60), max_size=4),
)
def test_batches_add_up_to_the_whole(label, cuts):
    prediction = label[::-1].copy()
    slices = [{"half": (np.arange(len(label)) % 2)}]
    whole = metrics.sums(label, prediction, slices, float(label.mean()))
    parts = merged(label, prediction, slices, cuts)

    assert set(parts) == set(whole)
    for key, total in whole.items():
        once, added = metrics.values(total), metrics.values(parts[key])
        r2 = once.pop("r2"), added.pop("r2")
        assert added == pytest.approx(once, rel=1e-9, abs=1e-9)
        spread = total[4] - total[3] ** 2 / total[0]
        if spread > 1e-6 * max(np.square(label).max(), 1e-300):
            assert r2[1] == pytest.approx(r2[0], rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1, 123_456.789, -1e9, 1e-9])
@pytest.mark.parametrize("shift", ["itself", 0.0, 1.0])
def test_r2_of_equal_labels_is_no_number(value, shift):
    label = np.full(7, value)
    total = metrics.sums(label, label + 1, [], value if shift == "itself" else shift)[()]

    assert math.isnan(metrics.values(total)["r2"])


def test_a_prediction_that_is_no_number_makes_every_metric_none():
    label, prediction, _ = table(3)
    prediction[5] = math.nan
    values = metrics.values(metrics.sums(label, prediction, [], 0.0)[()])

    assert values.pop("example_count") == 400
    assert all(map(math.isnan, values.values()))
    assert set(values) == set(metrics.LOWER_IS_BETTER)
