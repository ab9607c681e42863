import numpy as np
import pytest

from models.data.split_rows import Facts
from models.training.fit import train_network
from models.training.training_config import TrialConfig
from spec.columns.label import LABEL
from spec.columns.role import Output

A, B = Output(name="a"), Output(name="b")
FACTS = Facts((A, B))
FAULTY = {"column": "state", "task": "anomaly", "positive": "bad"}


def table(rows, label):
    rows = np.asarray(rows, np.float32)
    return {"a": rows[:, :1], "b": rows[:, 1:2], LABEL: np.asarray(label).reshape(-1, 1)}


def noise(seed=1, rows=48):
    return np.random.default_rng(seed).normal(size=(rows, 2))


def trained(train, evaluation=None, **keys):
    recipe = {"optimizer": {"learning_rate": 0.03}, "batch_size": 8, "epochs": 30}
    config = {"label": FAULTY, "network": {"name": "autoencoder", **keys}, "training": recipe}
    return train_network(TrialConfig.model_validate(config), train, evaluation or train, FACTS)


def test_an_autoencoder_learns_from_normal_rows_alone_and_keeps_its_threshold():
    usual = np.repeat(noise(rows=200)[:, :1], 2, axis=1) + 0.1 * noise(2, 200)
    odd = np.array([[3.0, -3.0]] * 20)
    rows = table(np.concatenate([usual, odd]), [0] * 200 + [1] * 20)
    result = trained(rows, layers=[1], activation="linear", quantile=0.9)
    answer = result.target.answer(result.network({"a": rows["a"], "b": rows["b"]}))
    score, anomaly = answer["score"].numpy(), answer["anomaly"].numpy()

    assert (score.dtype, anomaly.dtype, score.shape) == (np.float32, np.int64, (220,))
    assert score[200:].min() > 10 * score[:200].max()
    assert anomaly[200:].all()
    assert anomaly[:200].mean() == pytest.approx(0.1, abs=0.02)
    # The loss of the eval split, which is the same, is that of its normal rows.
    assert result.best["val_loss"] == pytest.approx(score[:200].mean(), rel=1e-3)


def test_a_split_without_rows_to_learn_from_is_refused():
    anomalies = table(noise(rows=4), [1] * 4)
    with pytest.raises(ValueError, match="label 'state': the train split has no row labelled normal"):
        trained(anomalies)
    with pytest.raises(ValueError, match="label 'state': a split has no normal row"):
        trained({**anomalies, LABEL: np.zeros((4, 1), np.int64)}, anomalies)
