import numpy as np
import pytest

from models.data.split_rows import Facts
from models.training.fit import train_network
from models.training.training_config import TrialConfig
from spec.columns.label import LABEL
from spec.columns.role import Output

A, B = Output(name="a"), Output(name="b")
FACTS = Facts((A, B))
SOLD = {"column": "sold", "task": "binary", "positive": "yes"}


def table(rows, label):
    rows = np.asarray(rows, np.float32)
    return {"a": rows[:, :1], "b": rows[:, 1:2], LABEL: np.asarray(label).reshape(-1, 1)}


GATES = {"and": [0, 0, 0, 1], "or": [0, 1, 1, 1], "xor": [0, 1, 1, 0]}


def gate(name, **training):
    rows = table([[0, 0], [0, 1], [1, 0], [1, 1]], GATES[name])
    config = {"label": SOLD, "network": {"name": "perceptron"}, "training": {"epochs": 60, **training}}
    result = train_network(TrialConfig.model_validate(config), rows, rows, FACTS)
    return result.target.answer(result.network({"a": rows["a"], "b": rows["b"]}))["probabilities"].numpy(), result


@pytest.mark.parametrize("name", ["and", "or"])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_perceptrons_gates_are_exact(name, seed):
    probabilities, result = gate(name, seed=seed)

    assert probabilities[:, 1].tolist() == GATES[name]
    assert (result.best["loss"], result.best["val_accuracy"]) == (0, 1)
    assert len(result.history) < 20


def test_a_perceptron_learns_not_but_not_xor():
    rows = {"a": np.array([[0], [1]], np.float32), LABEL: np.array([[1], [0]])}
    config = {"label": SOLD, "network": {"name": "perceptron"}, "training": {}}
    result = train_network(TrialConfig.model_validate(config), rows, rows, Facts((A,)))
    probabilities, xor_result = gate("xor")

    assert result.target.answer(result.network({"a": rows["a"]}))["probabilities"].numpy()[:, 1].tolist() == [1, 0]
    assert probabilities[:, 1].tolist() != GATES["xor"]
    assert len(xor_result.history) == 60


def test_a_perceptrons_rate_is_how_far_a_row_moves_it():
    rows = table([[1, 0], [1, 1]], [1, 0])

    def kernel(rate):
        config = {"label": SOLD, "network": {"name": "perceptron", "learning_rate": rate}, "training": {"epochs": 1}}
        return train_network(TrialConfig.model_validate(config), rows, rows, FACTS).network.get_weights()[0]

    np.testing.assert_allclose(kernel(0.25), 0.25 * kernel(1.0))
    assert np.any(kernel(1.0))


def test_tensorboard_follows_a_network_without_an_optimizer(tmp_path):
    rows = table([[0, 0], [0, 1], [1, 0], [1, 1]], GATES["and"])
    config = {"label": SOLD, "network": {"name": "perceptron"}, "training": {"epochs": 60}}
    train_network(TrialConfig.model_validate(config), rows, rows, FACTS, tensorboard=str(tmp_path))
    assert list(tmp_path.rglob("events.out.tfevents*"))
