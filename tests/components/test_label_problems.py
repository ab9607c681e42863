import math

import numpy as np
import pytest
from sklearn import metrics as sklearn

from components.evaluator.metrics.binary import Binary
from components.evaluator.metrics.multiclass import Classes
from components.evaluator.slicing import Part

CITIES = np.array([b"bern", b"basel", b"chur"], object)
NAMES = [f"class {number}" for number in range(9)]


def classified(seed, classes, rows=300):
    """Labels, and probabilities that lean towards them."""
    random = np.random.default_rng(seed)
    label = random.integers(0, classes, rows)
    probabilities = random.dirichlet(np.ones(classes), rows) + 0.6 * np.eye(classes)[label]
    return label, (probabilities / probabilities.sum(axis=1, keepdims=True)).astype(np.float32)


def measure(classes, threshold=0.5, top_k=3):
    return Binary(NAMES[:2], threshold) if classes == 2 else Classes(NAMES[:classes], top_k)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("cuts", [[], [10, 200]], ids=["one batch", "three batches"])
def test_the_metrics_of_classes_are_scikit_learns(values_of, classes, cuts, weighted):
    label, probabilities = classified(4, classes)
    weight = np.random.default_rng(4).gamma(1.0, size=300) if weighted else None
    values = values_of(measure(classes), label, {"probabilities": probabilities}, cuts=cuts, weight=weight)
    best = probabilities.argmax(axis=1)
    exact = probabilities.astype(float)
    exact /= exact.sum(axis=1, keepdims=True)

    def by(score, *arguments, **options):
        return pytest.approx(score(*arguments, sample_weight=weight, **options))

    assert values["accuracy"] == by(sklearn.accuracy_score, label, best)
    assert values["log_loss"] == pytest.approx(sklearn.log_loss(label, exact, sample_weight=weight), rel=1e-5)
    if classes == 2:
        positive = probabilities[:, 1].astype(float)
        assert values["auc"] == pytest.approx(sklearn.roc_auc_score(label, positive, sample_weight=weight), abs=1e-12)
        average = sklearn.average_precision_score(label, positive, sample_weight=weight)
        assert values["pr_auc"] == pytest.approx(average, rel=1e-9)
        assert values["precision"] == by(sklearn.precision_score, label, best)
        assert values["recall"] == by(sklearn.recall_score, label, best)
        assert values["f1"] == by(sklearn.f1_score, label, best)
        assert values["calibration"] == pytest.approx(
            np.average(positive, weights=weight) / np.average(label, weights=weight)
        )
    else:
        assert ("top_k_accuracy" in values) == (classes > 3), "of three classes it is always 1"
        if classes > 3:
            assert values["top_k_accuracy"] == by(
                sklearn.top_k_accuracy_score, label, probabilities, k=3, labels=range(classes)
            )
        assert values["macro_f1"] == by(sklearn.f1_score, label, best, average="macro")
        for name, score in (("precision", sklearn.precision_score), ("recall", sklearn.recall_score)):
            expected = score(label, best, average=None, sample_weight=weight)
            measured = [values[f"{name}[{NAMES[number]}]"] for number in range(classes)]
            np.testing.assert_allclose(measured, expected)


@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.8])
def test_a_row_is_the_second_class_above_the_threshold(values_of, threshold):
    label = np.array([0, 0, 1, 1, 1])
    positive = np.array([0.05, threshold, threshold, 0.85, 0.95], np.float32)
    values = values_of(measure(2, threshold), label, {"probabilities": np.stack([1 - positive, positive], axis=1)})

    assert (values["precision"], values["recall"]) == (1.0, pytest.approx(2 / 3))
    assert values["accuracy"] == pytest.approx(0.8)


@pytest.mark.parametrize("classes", [2, 4])
def test_the_confusion_matrix_is_scikit_learns(tallied, classes):
    label, probabilities = classified(8, classes)
    counted = measure(classes)
    ledger, _ = tallied(counted, label, {"probabilities": probabilities}, cuts=[99])
    expected = sklearn.confusion_matrix(label, probabilities.argmax(axis=1))
    details = counted.details(ledger.sums(0))

    np.testing.assert_array_equal(details["confusion"], expected)
    if classes > 2:
        off = expected - np.diag(np.diag(expected))
        [most, *_] = details["confusions"]
        assert most["weight"] == off.max()
        assert off[NAMES.index(most["label"]), NAMES.index(most["answer"])] == off.max()


def test_the_calibration_table_counts_by_tenths(tallied):
    label, probabilities = classified(9, 2, rows=1000)
    counted = measure(2)
    ledger, _ = tallied(counted, label, {"probabilities": probabilities})
    positive = probabilities[:, 1]

    for entry in counted.details(ledger.sums(0))["calibration"]:
        rows = (positive > entry["from"]) & (positive <= entry["to"])
        assert entry["weight"] == rows.sum()
        assert entry["mean_probability"] == pytest.approx(positive[rows].mean(), abs=1e-4)
        assert entry["share"] == pytest.approx(label[rows].mean())


def test_a_slice_of_classes_is_its_rows_alone(tallied, values_of):
    label, probabilities = classified(5, 2)
    city = CITIES[np.arange(300) % 3]
    ledger, cells = tallied(
        measure(2),
        label,
        {"probabilities": probabilities},
        slicings=[(Part("city", "city"),)],
        columns={"city": city},
        cuts=[77],
    )

    assert set(cells) == {(), *((("city", name),) for name in CITIES)}
    for name in CITIES:
        rows = city == name
        alone = values_of(measure(2), label[rows], {"probabilities": probabilities[rows]})
        assert measure(2).values(ledger.sums(cells[(("city", name),)])) == pytest.approx(alone)


@pytest.mark.parametrize("classes", [2, 4])
def test_a_label_that_is_no_class_is_wrong(values_of, classes):
    label, probabilities = classified(6, classes)
    clean_values = values_of(measure(classes), label, {"probabilities": probabilities})
    label[:30] = -1
    values = values_of(measure(classes), label, {"probabilities": probabilities})

    assert clean_values["accuracy"] - 0.1 <= values["accuracy"] < clean_values["accuracy"]
    assert values["log_loss"] > clean_values["log_loss"] + 1
    if classes == 4:
        assert clean_values["top_k_accuracy"] - 0.1 <= values["top_k_accuracy"] < clean_values["top_k_accuracy"]


@pytest.mark.parametrize("classes", [2, 4])
def test_answers_that_are_no_numbers_are_wrong_and_have_no_loss(values_of, classes):
    """Class 0 is argmax's answer to NaN, and the majority here."""
    label, probabilities = np.zeros(50, int), np.full((50, classes), np.nan, np.float32)
    values = values_of(measure(classes), label, {"probabilities": probabilities})

    assert values["accuracy"] == 0
    assert math.isnan(values["log_loss"])
    if classes == 4:
        assert values["top_k_accuracy"] == 0


def test_one_answer_that_is_no_number_leaves_no_area(values_of):
    label, probabilities = classified(7, 2)
    probabilities[3] = np.nan
    values = values_of(measure(2), label, {"probabilities": probabilities})

    assert all(math.isnan(values[name]) for name in ("log_loss", "auc", "pr_auc", "precision", "recall", "f1"))


def test_one_class_alone_has_no_auc(values_of):
    label, probabilities = classified(7, 2)
    values = values_of(measure(2), np.zeros_like(label), {"probabilities": probabilities})

    assert all(math.isnan(values[name]) for name in ("auc", "pr_auc", "recall", "calibration"))
    assert values["precision"] == 0


def test_equal_probabilities_are_ranked_as_argmax_ranks_them(values_of):
    label, probabilities = np.arange(4), np.full((4, 4), 0.25, np.float32)
    values = values_of(Classes(NAMES[:4], 2), label, {"probabilities": probabilities})

    assert (values["accuracy"], values["top_k_accuracy"]) == (0.25, 0.5)
    assert math.isnan(values["precision[class 3]"])
    assert values["recall[class 3]"] == 0
