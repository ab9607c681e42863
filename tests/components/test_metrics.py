import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sklearn

from components.evaluator import metrics
from components.evaluator.classification import Classification
from components.evaluator.measures import CLASS_NAMES, LOWER_IS_BETTER
from components.evaluator.regression import Regression
from pipeline.config import METRICS

VALUES = Regression().values
CITIES = np.array([b"bern", b"basel", b"chur"], object)


def sums(label, prediction, slices, shift):
    return metrics.by_slice(Regression(shift), label, {"prediction": prediction}, slices)


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
            metrics.merge(totals, sums(label[rows], prediction[rows], cut, shift))
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
    values = VALUES(merged(label, prediction, [], cuts)[()])

    assert values == pytest.approx(expected(label, prediction), rel=1e-6, abs=0)


def test_float32_predictions_and_integer_labels_are_summed_in_float64():
    label = np.arange(500_000, 540_000)
    prediction = (label + 0.5).astype(np.float32)
    values = VALUES(sums(label, prediction, [], float(label.mean()))[()])

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
        assert VALUES(totals[key]) == pytest.approx(expected(label[rows], prediction[rows]), rel=1e-9), key


def test_slice_values_are_plain_python_values():
    columns = {"b": np.array([b"x"], object), "i": np.array([3]), "f": np.array([0.5], np.float32)}
    keys = list(sums(np.ones(1), np.ones(1), [columns], 0.0))

    assert keys == [(), (("b", b"x"), ("i", 3), ("f", 0.5))]
    assert [type(value) for _, value in keys[1]] == [bytes, int, float]


@given(
    hnp.arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e6, 1e6)),
    st.lists(st.integers(0, 60), max_size=4),
)
def test_batches_add_up_to_the_whole(label, cuts):
    prediction = label[::-1].copy()
    slices = [{"half": (np.arange(len(label)) % 2)}]
    whole = sums(label, prediction, slices, float(label.mean()))
    parts = merged(label, prediction, slices, cuts)

    assert set(parts) == set(whole)
    for key, total in whole.items():
        once, added = VALUES(total), VALUES(parts[key])
        r2 = once.pop("r2"), added.pop("r2")
        assert added == pytest.approx(once, rel=1e-9, abs=1e-9)
        spread = total[4] - total[3] ** 2 / total[0]
        if spread > 1e-6 * max(np.square(label).max(), 1e-300):
            assert r2[1] == pytest.approx(r2[0], rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1, 123_456.789, -1e9, 1e-9])
@pytest.mark.parametrize("shift", ["itself", 0.0, 1.0])
def test_r2_of_equal_labels_is_no_number(value, shift):
    label = np.full(7, value)
    total = sums(label, label + 1, [], value if shift == "itself" else shift)[()]

    assert math.isnan(VALUES(total)["r2"])


def test_a_prediction_that_is_no_number_makes_every_metric_none():
    label, prediction, _ = table(3)
    prediction[5] = math.nan
    values = VALUES(sums(label, prediction, [], 0.0)[()])

    assert values.pop("example_count") == 400
    assert all(map(math.isnan, values.values()))
    assert set(values) == set(METRICS["regression"])


def classified(seed, classes, rows=300):
    """Labels, and probabilities that lean towards them."""
    random = np.random.default_rng(seed)
    label = random.integers(0, classes, rows)
    probabilities = random.dirichlet(np.ones(classes), rows) + 0.6 * np.eye(classes)[label]
    return label, (probabilities / probabilities.sum(axis=1, keepdims=True)).astype(np.float32)


def judged(label, probabilities, slicings=(), cuts=()):
    """Metrics by slice, over the batches that the cuts make."""
    measure, totals = Classification(probabilities.shape[1]), {}
    for rows in np.split(np.arange(len(label)), cuts):
        cut = [{name: column[rows] for name, column in slicing.items()} for slicing in slicings]
        answer = {"probabilities": probabilities[rows]}
        metrics.merge(totals, metrics.by_slice(measure, label[rows], answer, cut))
    return measure, totals


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("cuts", [[], [10, 200]], ids=["one batch", "three batches"])
def test_the_metrics_of_classes_are_scikit_learns(classes, cuts):
    label, probabilities = classified(4, classes)
    measure, totals = judged(label, probabilities, cuts=cuts)
    values = measure.values(totals[()])
    best = probabilities.argmax(axis=1)

    assert values["example_count"] == 300
    assert values["accuracy"] == pytest.approx(sklearn.accuracy_score(label, best))
    exact = probabilities.astype(float)
    exact /= exact.sum(axis=1, keepdims=True)
    assert values["log_loss"] == pytest.approx(sklearn.log_loss(label, exact), rel=1e-5)
    np.testing.assert_array_equal(measure.matrix(totals[()]), sklearn.confusion_matrix(label, best))
    if classes == 2:
        assert values["auc"] == pytest.approx(sklearn.roc_auc_score(label, probabilities[:, 1]), abs=1e-3)
        assert values["precision"] == pytest.approx(sklearn.precision_score(label, best))
        assert values["recall"] == pytest.approx(sklearn.recall_score(label, best))


def test_a_slice_of_classes_is_its_rows_alone():
    label, probabilities = classified(5, 2)
    city = CITIES[np.arange(300) % 3]
    measure, totals = judged(label, probabilities, [{"city": city}], [77])

    assert set(totals) == {(), *((("city", name),) for name in CITIES)}
    for name in CITIES:
        rows = city == name
        alone, whole = judged(label[rows], probabilities[rows])
        assert measure.values(totals[(("city", name),)]) == pytest.approx(alone.values(whole[()]))


def test_a_label_that_is_no_class_is_wrong():
    label, probabilities = classified(6, 3)
    right = judged(label, probabilities)
    label[:30] = -1
    measure, totals = judged(label, probabilities)
    values, before = measure.values(totals[()]), right[0].values(right[1][()])

    assert values["example_count"] == 300
    assert before["accuracy"] - 0.1 <= values["accuracy"] < before["accuracy"]
    assert values["log_loss"] > before["log_loss"] + 1


def test_answers_that_are_no_numbers_are_wrong_and_have_no_loss():
    """Class 0 is argmax's answer to NaN, and the majority here."""
    label, probabilities = np.zeros(50, int), np.full((50, 2), np.nan, np.float32)
    measure, totals = judged(label, probabilities)

    assert measure.values(totals[()])["accuracy"] == 0
    assert math.isnan(measure.values(totals[()])["log_loss"])


def test_one_class_alone_has_no_auc():
    label, probabilities = classified(7, 2)
    measure, totals = judged(np.zeros_like(label), probabilities)

    assert math.isnan(measure.values(totals[()])["auc"])


def test_config_and_evaluator_know_the_same_metrics():
    assert {task: tuple(names) for task, names in CLASS_NAMES.items()} == METRICS
    assert set(LOWER_IS_BETTER) == {name for names in METRICS.values() for name in names}
