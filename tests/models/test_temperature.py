"""Temperatures of logits: fitted on rows, and in the predictions of a trained network."""

import numpy as np
import pytest
from sklearn import metrics

from models.data.split_rows import Facts, Rows
from models.tasks import temperature
from models.tasks.classes_task import ClassTarget
from models.training import calibration
from models.training.fit import train_network
from models.training.training_config import TrialConfig
from spec.columns.label import LABEL, Label
from spec.columns.role import Output
from spec.training import Training

RANDOM = np.random.default_rng(1)
EDGES = tuple(np.linspace(-3, 3, 241).tolist())
FACTS = Facts((Output(name="a", edges=EDGES), Output(name="b", edges=EDGES)))
SOLD = Label(column="sold", task="binary", positive="yes")
KIND = Label(column="kind", task="classes", classes=("x", "y", "z"))


def drawn(logits):
    """Draw a class for each row from the probabilities of its logits."""
    table = np.concatenate([0 * logits, logits], axis=1) if logits.shape[1] == 1 else logits
    gumbel = np.random.default_rng(2).gumbel(size=table.shape)
    return (table + gumbel).argmax(axis=1)[:, None]


@pytest.mark.parametrize("classes", [1, 2, 5])
@pytest.mark.parametrize("factor", [0.4, 1.0, 3.0])
def test_the_temperature_of_too_certain_logits_is_their_factor(classes, factor):
    logits = 2 * np.random.default_rng(classes).normal(size=(20_000, classes))
    label = drawn(logits)
    fitted = temperature.fit(label, (factor * logits).astype(np.float32))

    assert fitted == pytest.approx(factor, rel=0.05)
    losses = [
        temperature.log_loss(label, factor * logits / candidate) for candidate in (fitted, fitted * 1.02, fitted / 1.02)
    ]
    assert min(losses) == losses[0]
    if classes > 2:
        assert losses[0] == pytest.approx(metrics.log_loss(label[:, 0], softmax(factor * logits / fitted)), rel=1e-6)


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def test_rows_count_by_their_weights():
    logits = RANDOM.normal(size=(500, 3))
    y, weight = drawn(2 * logits), RANDOM.integers(0, 4, 500)
    repeated = temperature.fit(np.repeat(y, weight, axis=0), np.repeat(logits, weight, axis=0))

    assert temperature.fit(y, logits, weight) == pytest.approx(repeated, rel=1e-6)
    assert temperature.fit(y, logits, weight) != pytest.approx(temperature.fit(y, logits), rel=1e-3)


def test_rows_without_an_optimum_leave_the_temperature_within_bounds():
    y = np.array([[0], [1], [1]])
    right = np.array([[-1.0], [2.0], [3.0]])

    assert temperature.fit(y, right) == pytest.approx(temperature.LOWEST)
    assert temperature.fit(1 - y, right) == pytest.approx(temperature.HIGHEST)
    assert temperature.fit(y, np.zeros((3, 1))) == 1.0
    assert temperature.fit(np.array([[1], [1], [0], [1]]), np.append(right, [[np.inf]], axis=0)) == pytest.approx(
        temperature.fit(np.array([[1], [1], [0]]), right)
    )


def table(label, seed, rows):
    random = np.random.default_rng(seed)
    x = random.uniform(-3, 3, (rows, 2)).astype(np.float32)
    score = x[:, 0] + np.sin(2 * x[:, 1]) + random.normal(0, 1.5, rows)
    y = (score > 0).astype(np.int64) if label is SOLD else np.digitize(score, [-1, 1])
    return {"a": x[:, :1], "b": x[:, 1:], LABEL: y[:, None]}


@pytest.mark.parametrize("label", [SOLD, KIND], ids=["binary", "classes"])
@pytest.mark.parametrize("network", [{"name": "mlp", "layers": [64]}, {"name": "tabm", "layers": [16], "members": 3}])
def test_a_calibrated_network_has_no_higher_loss_and_the_same_ranking(label, network):
    training = Training(
        calibration="temperature", epochs=30, batch_size=16, optimizer={"learning_rate": 0.02}, keep="last"
    )
    config = TrialConfig(label=label, network=network, training=training)
    evaluation = table(label, 2, 400)
    result = train_network(config, table(label, 1, 200), evaluation, FACTS)
    columns = {name: evaluation[name] for name in ("a", "b")}
    y = evaluation[LABEL]
    rows = Rows(columns, result.target.scale(y))
    predictor = calibration.fit(result, training, lambda: rows)
    uncalibrated, calibrated = (
        {name: value.numpy() for name, value in source.target.answer(result.network(columns)).items()}
        for source in (result, predictor)
    )

    def loss(answer):
        return metrics.log_loss(y[:, 0], answer["probabilities"].astype(float), labels=range(len(label.names)))

    assert predictor.network is result.network
    assert loss(calibrated) < loss(uncalibrated) - 0.001, "the network is too certain"
    np.testing.assert_array_equal(calibrated["classes"], uncalibrated["classes"])
    if label is SOLD:
        uncalibrated_auc, calibrated_auc = (
            metrics.roc_auc_score(y[:, 0], answer["probabilities"][:, 1]) for answer in (uncalibrated, calibrated)
        )
        assert uncalibrated_auc == pytest.approx(calibrated_auc, abs=1e-6)
    [note] = predictor.notes
    assert isinstance(predictor.target, ClassTarget)
    fitted = predictor.target.temperature
    assert fitted is not None
    assert note == (
        f"temperature {fitted:.4g} from 400 eval rows: log loss {loss(calibrated):.4g}, before {loss(uncalibrated):.4g}"
    )
    assert fitted > 1.05

    unchanged = calibration.fit(result, Training(), lambda: rows)
    assert unchanged.target is result.target
