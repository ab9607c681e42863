import numpy as np
import pytest

from models.data.split_rows import Facts
from models.training import callbacks, step_variables
from models.training.fit import train_network
from models.training.training_config import TrialConfig
from spec.columns.duties import WEIGHT
from spec.columns.label import LABEL
from spec.columns.role import Output

ROWS = np.random.default_rng(1).normal(size=(160, 2)).astype(np.float32)
COLUMNS = {"a": ROWS[:, :1], "b": ROWS[:, 1:], LABEL: ROWS.sum(axis=1, keepdims=True)}
BINARY = {**COLUMNS, LABEL: (COLUMNS[LABEL] > 0).astype(np.int64)}

EDGES = tuple(np.linspace(-3, 3, 241).tolist())
FACTS = Facts((Output(name="a", edges=EDGES), Output(name="b", edges=EDGES)))


@pytest.mark.parametrize(
    ("label", "network", "columns", "batch_size"),
    [
        ({"column": "y"}, {"name": "mlp", "layers": [3]}, COLUMNS, 8),
        ({"column": "y"}, {"name": "mlp", "layers": [3]}, {**COLUMNS, WEIGHT: np.ones((160, 1), np.float32)}, 80),
        (
            {"column": "y", "task": "binary", "positive": "yes"},
            {"name": "tabm", "members": 2, "layers": [4], "embedding": 2, "bins": 8},
            BINARY,
            8,
        ),
    ],
)
def test_a_training_step_is_traced_once_and_its_metrics_start_at_zero(monkeypatch, label, network, columns, batch_size):
    traced, started = [], []
    compute_loss, create = callbacks.Network.compute_loss, step_variables.create

    def counted(self, *arguments, training=True, **more):
        if training:
            traced.append(1)
        return compute_loss(self, *arguments, training=training, **more)

    def created(network, rows):
        create(network, rows)
        started.extend(float(np.abs(variable.numpy()).max()) for variable in network.metrics_variables)

    monkeypatch.setattr(callbacks.Network, "compute_loss", counted)
    monkeypatch.setattr(step_variables, "create", created)
    config = {"label": label, "network": network, "training": {"batch_size": batch_size, "epochs": 2}}
    train_network(TrialConfig.model_validate(config), columns, columns, FACTS)

    assert len(traced) == 1
    assert started
    assert set(started) == {0.0}
