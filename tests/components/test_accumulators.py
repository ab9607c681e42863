import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sklearn

from components.evaluator.metrics.regression import Regression
from components.evaluator.slicing import Part
from components.evaluator.sums import accumulators

CITIES = np.array([b"bern", b"basel", b"chur"], object)
CITY, GRADE = Part("city", "city"), Part("grade", "grade")


def table(seed, rows=400, offset=0.0, spread=1.0):
    """Labels, predictions near them, and two columns to slice by."""
    random = np.random.default_rng(seed)
    label = offset + spread * random.normal(size=rows)
    return (
        label,
        label + spread * random.normal(0.1, 0.3, size=rows),
        {"city": CITIES[random.integers(0, 3, rows)], "grade": random.integers(-1, 2, rows)},
    )


def expected(label, prediction, weight=None):
    """The same by scikit-learn."""
    squared = sklearn.mean_squared_error(label, prediction, sample_weight=weight)
    return {
        "mae": sklearn.mean_absolute_error(label, prediction, sample_weight=weight),
        "rmse": squared**0.5,
        "r2": sklearn.r2_score(label, prediction, sample_weight=weight),
        "mse": squared,
        "bias": np.average(prediction - label, weights=weight),
    }


@pytest.mark.parametrize("offset", [0.0, 5e5, -1e9])
@pytest.mark.parametrize("spread", [1.0, 1e-12, 1e6])
@pytest.mark.parametrize("cuts", [[], [100, 101, 350]], ids=["one batch", "four batches"])
def test_the_metrics_are_scikit_learns(values_of, offset, spread, cuts):
    if offset and spread < 1:
        offset *= spread
    label, prediction, _ = table(1, offset=offset, spread=spread)
    values = values_of(Regression(), label, {"prediction": prediction}, cuts=cuts)

    assert values == pytest.approx(expected(label, prediction), rel=1e-6, abs=0)


def test_weighted_metrics_are_scikit_learns(tallied):
    label, prediction, _ = table(7)
    weight = np.random.default_rng(7).gamma(1.0, size=400)
    measure = Regression()
    ledger, _ = tallied(measure, label, {"prediction": prediction}, weight=weight, cuts=[70])
    sums = ledger.sums(0)

    assert measure.values(sums) == pytest.approx(expected(label, prediction, weight), rel=1e-9)
    assert (sums.count, sums.weight, sums.squares) == pytest.approx((400, weight.sum(), (weight**2).sum()))


def test_coverage_counts_weighted_rows_and_the_ends_of_intervals(values_of):
    label, weight = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, 3.0, 4.0])
    ends = {"lower": np.array([1.0, 2.5, 2.0, 1.0]), "upper": np.array([2.0, 3.0, 3.0, 2.0])}
    values = values_of(Regression(), label, {"prediction": label, **ends}, weight=weight)

    assert values["coverage"] == pytest.approx(0.4), "the first and the third row"
    assert values["interval_width"] == pytest.approx((1 + 0.5 * 2 + 3 + 4) / 10)
    broken = {"prediction": label, "lower": np.full(4, np.nan), "upper": np.full(4, np.nan)}
    assert values_of(Regression(), label, broken)["coverage"] == 0


def test_float32_predictions_and_integer_labels_are_summed_in_float64(values_of):
    label = np.arange(500_000, 540_000)
    prediction = (label + 0.5).astype(np.float32)
    values = values_of(Regression(), label, {"prediction": prediction})

    assert values == pytest.approx(expected(label.astype(float), prediction.astype(float)), rel=1e-12)


@pytest.mark.parametrize("cuts", [[], [1, 57, 200]], ids=["one batch", "four batches"])
def test_slices_and_crosses_are_those_rows_alone(tallied, cuts):
    label, prediction, columns = table(2)
    city, grade = columns["city"], columns["grade"]
    measure = Regression()
    ledger, cells = tallied(
        measure,
        label,
        {"prediction": prediction},
        slicings=[(CITY,), (GRADE,), (CITY, GRADE)],
        columns=columns,
        cuts=cuts,
    )

    rows_of_slice = {(): np.full(len(label), True)}
    rows_of_slice |= {(("city", name),): city == name for name in CITIES}
    rows_of_slice |= {(("grade", number),): grade == number for number in (-1, 0, 1)}
    rows_of_slice |= {
        (("city", name), ("grade", number)): (city == name) & (grade == number)
        for name in CITIES
        for number in (-1, 0, 1)
    }
    assert set(cells) == set(rows_of_slice)
    for key, rows in rows_of_slice.items():
        sums = ledger.sums(cells[key])
        assert sums.count == rows.sum()
        assert measure.values(sums) == pytest.approx(expected(label[rows], prediction[rows]), rel=1e-9), key


@given(
    hnp.arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e6, 1e6)),
    st.lists(st.integers(0, 60), max_size=4),
)
def test_batches_add_up_to_the_whole(tallied, label, cuts):
    answer = {"prediction": label[::-1].copy()}
    half = {"half": np.arange(len(label)) % 2}
    slicings = [(Part("half", "half"),)]
    single_batch, cells = tallied(Regression(), label, answer, slicings=slicings, columns=half)
    parts, cells_of_parts = tallied(Regression(), label, answer, slicings=slicings, columns=half, cuts=cuts)

    assert cells_of_parts == cells
    for cell in cells.values():
        once, added = single_batch.sums(cell), parts.sums(cell)
        assert added.count == once.count
        assert added.numbers[:3] == pytest.approx(once.numbers[:3], rel=1e-9, abs=1e-9)
        # The constant that labels are centred about is the first batch's; their variance is the same.
        spreads = [sums.numbers[4] - sums.numbers[3] ** 2 / sums.weight for sums in (added, once)]
        assert spreads[0] == pytest.approx(spreads[1], rel=1e-6, abs=1e-6)


def test_folds_add_up_to_the_cell_and_are_of_like_size(tallied):
    label, prediction, _ = table(3, rows=4000)
    ledger, _ = tallied(Regression(), label, {"prediction": prediction})
    numbers, _, _ = ledger.folds(0)

    assert numbers.shape[0] == accumulators.FOLDS
    assert numbers[:, 0].sum() == 4000
    assert 150 < numbers[:, 0].min() <= numbers[:, 0].max() < 250


@pytest.mark.parametrize("pending", [1, 2_000_000])
def test_places_add_up_however_often_they_are_compacted(monkeypatch, pending):
    monkeypatch.setattr(accumulators, "PENDING", pending)

    class Places:
        total_width, span, weighted, centred, scores = 0, 1 << 40, True, None, None

    ledger = accumulators.MetricSums(Places(), 3)
    random = np.random.default_rng(1)
    weights_of_cell = {1: {}, 2: {}}
    for _ in range(5):
        cells, places = random.integers(-1, 3, 50), random.integers(-1, 4, (50, 1)) * (1 << 37)
        weight = random.random(50)
        ledger.add(cells, random.integers(0, 20, 50), weight, np.zeros((50, 0)), np.maximum(places, -1))
        for cell, place, number in zip(cells, places[:, 0], weight, strict=True):
            if place >= 0 and cell in weights_of_cell:
                weights_of_cell[cell][place] = weights_of_cell[cell].get(place, 0.0) + number
    for cell, places in weights_of_cell.items():
        sums = ledger.sums(cell)
        assert dict(zip(sums.bins.tolist(), sums.weights, strict=True)) == pytest.approx(places)


@pytest.mark.parametrize("value", [0.0, 0.1, 123_456.789, -1e9, 1e-9])
@pytest.mark.parametrize("first_label", ["itself", 0.0, 1.0])
def test_r2_of_equal_labels_is_no_number(tallied, value, first_label):
    """Also in a slice of a table that begins with other labels."""
    label = np.full(21, value)
    label[:7] = value if first_label == "itself" else first_label
    columns = {"city": np.array([b"bern"] * 7 + [b"chur"] * 14, object)}
    ledger, cells = tallied(
        Regression(), label, {"prediction": label + 1}, slicings=[(CITY,)], columns=columns, cuts=[7]
    )

    assert math.isnan(Regression().values(ledger.sums(cells[(("city", b"chur"),)]))["r2"])


@pytest.mark.parametrize(("level", "spread"), [(1e7, 5.0), (1.7e9, 200.0), (1.7e12, 1000.0)])
def test_r2_of_a_slice_far_from_the_other_rows_is_scikit_learns(tallied, level, spread):
    """As prices in two currencies: the slice's variance is lost if its sums are taken about the other rows' mean."""
    random = np.random.default_rng(4)
    label = np.concatenate([random.normal(0, 1, 300), level + spread * random.normal(0, 1, 200)])
    prediction = label + np.repeat([1.0, spread], [300, 200]) * random.normal(0, 0.5, 500)
    columns = {"city": np.repeat(np.array([b"bern", b"chur"], object), [300, 200])}
    ledger, cells = tallied(
        Regression(), label, {"prediction": prediction}, slicings=[(CITY,)], columns=columns, cuts=[250, 300, 350]
    )
    r2 = Regression().values(ledger.sums(cells[(("city", b"chur"),)]))["r2"]

    assert r2 == pytest.approx(sklearn.r2_score(label[300:], prediction[300:]), rel=1e-6)


def test_a_prediction_that_is_no_number_makes_every_metric_none(values_of):
    label, prediction, _ = table(3)
    prediction[5] = math.nan
    values = values_of(Regression(), label, {"prediction": prediction})

    assert all(map(math.isnan, values.values()))


def test_no_rows_have_no_metrics():
    ledger = accumulators.MetricSums(Regression(), 1)

    assert all(map(math.isnan, Regression().values(ledger.sums(0)).values()))
