"""A process's trials, in this process."""

import json
import types

import pytest

from models.training import run_fn, trial_process
from spec.training import Training

NETWORK = {"name": "mlp", "layers": [8]}
TRAINING = {"optimizer": {"learning_rate": 0.05}, "epochs": 4, "batch_size": 16, "loss": None}


@pytest.fixture(scope="module")
def trials(trial_order):
    return trial_process.Trials(trial_order)


def test_a_trial_returns_the_metrics_of_the_epoch_that_is_kept(trials):
    answer = trials.run(
        {"network": NETWORK, "training": {**TRAINING, "optimizer": {"name": "sgd", "learning_rate": 1.2}}}
    )

    assert (answer["epochs"], answer["best_epoch"]) != (4, 4)
    assert answer["epochs"] == 4
    assert set(answer["metrics"]) == {"loss", "mae", "mse"}
    assert answer["metrics"]["loss"] == pytest.approx(answer["metrics"]["mse"], rel=1e-4)
    assert answer["seconds"] > 0
    json.dumps(answer)


def test_the_same_trial_ends_the_same_whatever_ran_before(trials, trial_order):
    sections = {"network": {**NETWORK, "dropout": 0.3}, "training": {**TRAINING, "deterministic": True}}
    first = trials.run(sections)
    trials.run({"network": {"name": "linear"}, "training": TRAINING})
    second, elsewhere = trials.run(sections), trial_process.Trials(trial_order).run(sections)

    assert second["metrics"] == first["metrics"] == elsewhere["metrics"]


def test_a_trial_of_an_ensemble_has_the_quantiles_of_its_numbers(trial_order):
    training = {"epochs": 2, "batch_size": 16}
    results = [
        trial_process.Trials(trial_order.model_copy(update={"edges": edges})).run(
            {"network": {"name": "tabm", "layers": [4], "members": 2, "bins": bins}, "training": training}
        )
        for edges, bins in ((True, 2), (True, 8), (False, 2))
    ]

    assert results[0]["metrics"]["loss"] != results[1]["metrics"]["loss"]
    assert "keeps no quantiles of its numbers" in results[2]["failure"]


def test_a_penalty_is_no_part_of_the_loss(trials):
    answer = trials.run({"network": {**NETWORK, "l2": 10.0}, "training": TRAINING})

    assert answer["metrics"]["loss"] == pytest.approx(answer["metrics"]["mse"], rel=1e-3)


def test_a_sum_of_squares_is_that_of_a_row(trials):
    answer = trials.run({"network": NETWORK, "training": {**TRAINING, "loss": "sum_of_squares"}})

    assert answer["metrics"]["loss"] == pytest.approx(answer["metrics"]["mse"], rel=1e-3)


def test_a_loss_that_is_no_number_is_a_failed_trial_that_would_fail_again(trials):
    answer = trials.run(
        {"network": NETWORK, "training": {**TRAINING, "optimizer": {"name": "sgd", "learning_rate": 1e30}}}
    )

    assert answer["keep"] is True
    assert "became" in answer["failure"]
    assert "metrics" not in answer


def test_what_the_machine_did_is_a_failed_trial_that_may_end_otherwise(trials, monkeypatch):
    def train(*_):
        raise MemoryError

    monkeypatch.setattr(run_fn, "train_network", train)

    assert trials.run({"network": NETWORK, "training": TRAINING})["keep"] is False


def test_the_trainer_takes_the_best_values_over(trial_order, tmp_path, pack, monkeypatch):
    configs = []
    monkeypatch.setattr(run_fn, "train_network", lambda config, *_, **__: configs.append(config) or 1 / 0)
    values = {"network.layers": "[3, 2]", "training.optimizer.learning_rate": 0.25, "tuner/epochs": 3}
    arguments = types.SimpleNamespace(
        **trial_order.model_dump(include={"train_files", "eval_files", "transform_output"}),
        serving_model_dir=str(tmp_path / "model"),
        model_run_dir=str(tmp_path / "run"),
        hyperparameters={"space": [], "values": values},
        custom_config=pack(
            **trial_order.model_dump(mode="json", include={"features", "label"}), network=NETWORK, training=TRAINING
        ),
    )
    with pytest.raises(ZeroDivisionError):
        run_fn.run_fn(arguments)

    [config] = configs
    assert config.network == {"name": "mlp", "layers": [3, 2]}
    assert config.training == Training.model_validate({**TRAINING, "optimizer": {"learning_rate": 0.25}})
