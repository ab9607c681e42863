import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models.tasks import label_graph
from models.tasks.classes_task import ClassTarget
from models.tasks.regression_task import LabelScale
from models.tasks.targets import target
from spec.columns.label import Label

PLAIN = Label(column="price")
LOG = Label(column="price", transform="log")
prices = hnp.arrays(np.float32, st.integers(1, 20), elements=st.floats(1, 1e7, width=32))


def column(values):
    return np.asarray(values, np.float32).reshape(-1, 1)


@given(prices, st.sampled_from([PLAIN, LOG]))
def test_an_answer_undoes_transform_and_scale(values, label):
    transformed = np.log(values.astype(np.float64)).astype(np.float32) if label is LOG else values
    scale = LabelScale.fit(column(transformed), label)
    answer = scale.answer(scale.scale(column(transformed)))["prediction"].numpy()

    assert answer.shape == values.shape
    assert answer.dtype == np.float32
    # A logarithm rounded to float32 is off by up to 1e-6, and so is the price it came from, relatively.
    tolerance = 4e-6 * (values if label is LOG else np.abs(values).max())
    assert (np.abs(answer - values) <= tolerance).all()


@pytest.mark.parametrize(
    ("transform", "learned", "values"),
    [
        ("log1p", np.log1p, [-0.5, 0, 3, 1e6]),
        ("signed_log", lambda number: np.sign(number) * np.log1p(np.abs(number)), [-1e6, -1, 0, 1e-6, 5]),
    ],
)
def test_logarithms_of_labels_around_zero_are_undone(transform, learned, values):
    label = Label(column="price", transform=transform)
    transformed = label_graph.label(tf.constant(values, tf.float32, (len(values), 1)), label).numpy()
    scale = LabelScale.fit(transformed, label)

    np.testing.assert_allclose(transformed[:, 0], learned(np.array(values)), rtol=1e-6)
    np.testing.assert_allclose(scale.answer(scale.scale(transformed))["prediction"], values, rtol=1e-5, atol=1e-6)


@given(prices)
def test_the_target_has_mean_0_and_variance_1(values):
    target = LabelScale.fit(column(values), PLAIN).scale(column(values)).astype(np.float64)

    assert target.mean() == pytest.approx(0.0, abs=1e-5)
    assert target.std() == pytest.approx(0.0 if np.ptp(values) == 0 else 1.0, abs=1e-5)


@pytest.mark.parametrize("value", [0.0, 0.1, 7.0, 1e-30, -3.3e7])
@pytest.mark.parametrize("rows", [1, 3, 10, 1000])
def test_a_constant_label_is_scaled_to_zero_and_predicted_as_itself(value, rows):
    values = column(np.full(rows, value))
    scale = LabelScale.fit(values, PLAIN)

    assert scale.deviation == 1.0
    np.testing.assert_allclose(scale.scale(values), np.zeros((rows, 1)), atol=1e-8)
    np.testing.assert_array_equal(scale.answer(column(np.zeros(rows)))["prediction"], values[:, 0])


def test_figures_are_those_of_the_rows_given():
    scale = LabelScale.fit(column([1, 2, 3, 6]), PLAIN)

    assert (scale.mean, scale.deviation) == (3.0, pytest.approx(np.sqrt(3.5)))
    np.testing.assert_allclose(scale.scale(column([3, 6]))[:, 0], [0.0, 3 / np.sqrt(3.5)], rtol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_label_that_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match=r"^label 'price': 2 of 5 train rows have no finite value$"):
        LabelScale.fit(column([1, value, 2, value, 3]), PLAIN)
    with pytest.raises(ValueError, match=r"1 of 2 train rows have no finite value; log needs labels above 0$"):
        LabelScale.fit(column([1, value]), LOG)


def test_a_logarithm_is_undone_in_float64():
    scale = LabelScale(mean=13.0, deviation=0.5, label=LOG)
    outputs = np.array([[0.1], [-0.7]], np.float32)
    exact = np.exp(outputs[:, 0].astype(np.float64) * 0.5 + 13.0).astype(np.float32)

    np.testing.assert_array_equal(scale.answer(outputs)["prediction"], exact)


def test_two_classes_are_one_logit():
    goal = ClassTarget(("no", "yes"), binary=True)
    answer = goal.answer(np.array([[0.0], [2.0], [-40.0], [40.0]], np.float32))

    assert goal.units == 1
    positive = 1 / (1 + np.exp([0.0, -2.0, 40.0, -40.0]))
    np.testing.assert_allclose(answer["probabilities"][:, 1], positive, rtol=1e-6)
    # Also of a class that is all but certain the other one keeps its digits.
    np.testing.assert_allclose(answer["probabilities"][:, 0], 1 / (1 + np.exp([0.0, 2.0, -40.0, 40.0])), rtol=1e-6)
    np.testing.assert_allclose(np.sum(answer["probabilities"], axis=1), 1.0, rtol=1e-6)
    assert answer["classes"].numpy().tolist() == [b"no", b"yes", b"no", b"yes"]


def test_several_classes_are_a_logit_each():
    goal = ClassTarget(("red", "yellow", "green"))
    logits = np.array([[1.0, 2.0, 3.0], [5.0, 0.0, 0.0]], np.float32)
    answer = goal.answer(logits)

    assert goal.units == 3
    exact = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(answer["probabilities"], exact, rtol=1e-6)
    assert answer["classes"].numpy().tolist() == [b"green", b"red"]


@pytest.mark.parametrize("names", [("no", "yes"), ("a", "b", "c")])
def test_the_loss_is_the_cross_entropy_of_the_answer(names):
    goal = ClassTarget(names, binary=len(names) == 2)
    label = np.array([[0], [1], [1]])
    outputs = np.random.default_rng(1).normal(size=(3, goal.units)).astype(np.float32)
    label_probabilities = np.take_along_axis(goal.answer(outputs)["probabilities"].numpy(), label, axis=1)

    loss = goal.loss(goal.scale(label), outputs)
    assert float(loss) == pytest.approx(-np.log(label_probabilities).mean(), rel=1e-5)


def test_a_label_of_one_class_is_refused():
    label = Label(column="sold", task="binary", positive="yes")
    with pytest.raises(ValueError, match="label 'sold': the train split has 1 class"):
        target(label, np.zeros((5, 1), np.int64), None)
    assert target(label, np.array([[0], [1]]), None) == ClassTarget(("not yes", "yes"), binary=True)
