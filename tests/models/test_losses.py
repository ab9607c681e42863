import keras
import numpy as np
import pytest

from models.tasks import losses
from spec.columns import task as tasks

LABEL = np.array([[0], [1], [2], [1]])
LOGITS = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
SHARES = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
ONES = np.eye(3)[LABEL[:, 0]]
SECOND = 1 / (1 + np.exp(-LOGITS[:, :1]))
YES = (LABEL == 1).astype(np.float32)


def huber(difference):
    size = np.abs(difference)
    return np.where(size <= 1, size**2 / 2, size - 0.5)


BETWEEN = {
    "mse": lambda a, b: np.square(a - b).mean(),
    "mae": lambda a, b: np.abs(a - b).mean(),
    "huber": lambda a, b: huber(a - b).mean(),
    "log_cosh": lambda a, b: np.log(np.cosh(a - b)).mean(),
    "sum_of_squares": lambda a, b: np.square(a - b).sum(axis=1).mean(),
}


@pytest.mark.parametrize("name", tasks.find("regression").losses)
def test_losses_between_numbers(name):
    assert float(losses.of_numbers(name)(ONES, 3 * LOGITS)) == pytest.approx(BETWEEN[name](ONES, 3 * LOGITS), rel=1e-5)


@pytest.mark.parametrize("name", ["mse", "mae", "huber", "sum_of_squares"])
def test_losses_between_probabilities_and_ones(name):
    several = float(losses.of_classes(name, 3)(LABEL, LOGITS))
    two = float(losses.of_classes(name, 1)(YES, LOGITS[:, :1]))

    assert several == pytest.approx(BETWEEN[name](ONES, SHARES), rel=1e-5)
    assert two == pytest.approx(BETWEEN[name](YES, SECOND), rel=1e-5)


def test_cross_entropy_and_focal_loss():
    label_shares, binary_shares = (ONES * SHARES).sum(axis=1), np.where(YES, SECOND, 1 - SECOND)
    entropy, focal = (
        [losses.of_classes(name, 3)(LABEL, LOGITS), losses.of_classes(name, 1)(YES, LOGITS[:, :1])]
        for name in ("cross_entropy", "focal")
    )

    np.testing.assert_allclose(entropy, [-np.log(label_shares).mean(), -np.log(binary_shares).mean()], rtol=1e-5)
    # Lin et al., "Focal Loss for Dense Object Detection", 2017, with Keras's gamma of 2 (and alpha of .25 for several).
    exact = [
        -(0.25 * (1 - label_shares) ** 2 * np.log(label_shares)).mean(),
        -((1 - binary_shares) ** 2 * np.log(binary_shares)).mean(),
    ]
    np.testing.assert_allclose(focal, exact, rtol=1e-5)


@pytest.mark.parametrize(("task", "outputs"), [("binary", 1), ("classes", 3)])
def test_every_loss_of_a_task_is_there(task, outputs):
    for name in tasks.find(task).losses:
        assert np.isfinite(float(losses.of_classes(name, outputs)(LABEL % 2, LOGITS[:, :outputs])))


@pytest.mark.parametrize("units", [1, 3])
@pytest.mark.parametrize("weight", [None, np.float32([0.5, 1.0, 2.5, 0.0])])
def test_a_share_of_smoothing_gives_the_cross_entropy_with_smooth_labels(units, weight):
    logits = np.random.default_rng(1).normal(size=(4, units)).astype(np.float32)
    label = np.array([[0], [1], [1], [0]]) if units == 1 else np.array([[0], [2], [1], [0]])
    if units == 1:
        expected = keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.2)(
            label.astype(np.float32), logits, sample_weight=weight
        )
    else:
        expected = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2)(
            np.eye(3)[label[:, 0]], logits, sample_weight=weight
        )
    plain = losses.of_classes("cross_entropy", units)(
        label.astype(np.float32 if units == 1 else np.int64), logits, sample_weight=weight
    )

    actual = float(plain) + 0.2 * float(losses.smoothing(label, keras.ops.convert_to_tensor(logits), weight))
    assert actual == pytest.approx(float(expected), rel=1e-5)
