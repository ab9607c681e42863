import pytest
from pydantic import ValidationError

from pipeline.config import Config

BASE = {
    "data": {"path": "data/flats.csv"},
    "features": {"numeric": [{"column": "area"}]},
    "label": {"column": "rent"},
}
RATE = {"training.optimizer.learning_rate": {"low": 1e-4, "high": 0.1, "scale": "log"}}


def make(space, label=None, **keys):
    sections = {**BASE, "label": label} if label else BASE
    training = keys.pop("training", {})
    return Config.model_validate({**sections, "training": training, "tuner": {"space": space, **keys}})


def test_the_keys_of_network_and_training_can_be_tuned():
    space = {
        **RATE,
        "network.layers": {"choices": [[32], [64, 64]]},
        "network.dropout": {"low": 0.0, "high": 0.5, "step": 0.1},
        "training.batch_size": {"low": 16, "high": 128},
        "training.early_stopping.patience": {"low": 2, "high": 9},
        "training.optimizer.name": {"choices": ["adam", "sgd"]},
    }
    config = make(space)

    assert (config.tuner.method, config.tuner.trials, config.tuner.seed) == ("random", 20, 1)
    assert set(config.tuner.space) == set(space)
    assert Config.model_validate(config.plain()) == config
    assert Config.model_validate(BASE).tuner is None


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({}, "at least 1 item"),
        (
            {"training.optimizer.learning_rat": {"low": 0.1, "high": 1.0}},
            "'training.optimizer.learning_rat' is not a known key. Did you ",
        ),
        (
            {"training.optimizer.learning_rat": {"low": 0.1, "high": 1.0}},
            "Did you mean 'training.optimizer.learning_rate'?",
        ),
        ({"training.batch_sise": {"choices": [8]}}, "Did you mean 'training.batch_size'?"),
        ({"network.layer": {"choices": [[1]]}}, "Did you mean 'network.layers'?"),
        (
            {"optimizer.learning_rate": {"low": 0.1, "high": 1.0}},
            r"is not a key of \[network\] or \[training\]. Did you mean 'train",
        ),
        ({"data.path": {"choices": ["a", "b"]}}, r"'data.path' is not a key of \[network\] or \[training\]"),
        (
            {"network.dropout": {"low": 0.0, "high": 1.5}},
            "'network.dropout' cannot be 1.5: Input should be less than or",
        ),
        ({"network.layers": {"choices": [[8], [0]]}}, r"'network.layers' cannot be \[0\]"),
        ({"network.layers": {"low": 1, "high": 3}}, "'network.layers' cannot be 1"),
        ({"network.layers.7": {"low": 1, "high": 3}}, "the list has 2 entries, counted from 0, and no 7"),
        ({"training.batch_size": {"low": 8.0, "high": 64.0}}, "'training.batch_size' cannot be 29.3901"),
        ({"network.dropout": {"low": 0, "high": 1}}, "'network.dropout' is a float: write low = 0.0"),
        (
            {"training.optimizer.learning_rate": {"low": 1, "high": 2}},
            "is a float: write low = 1.0 and high = 2.0",
        ),
        ({"training.optimizer.name": {"choices": ["adam", "adamm"]}}, "cannot be 'adamm': Input should be 'adam'"),
        ({"training.loss": {"choices": ["mse", "cross_entropy"]}}, "'training.loss' cannot be 'cross_entropy'"),
        (
            {"training.loss": {"choices": ["mse", "mae"]}},
            "changes the loss, so trials cannot be compared by it: write tuner.objective = 'mae'",
        ),
        (
            {"training.calibration": {"choices": ["temperature"]}},
            "'training.calibration' cannot be tuned: it changes no loss",
        ),
        ({"training.interval": {"low": 0.5, "high": 0.9}}, "'training.interval' cannot be tuned: it changes no loss"),
        ({"training.seed": {"low": 1, "high": 9}}, "'training.seed' cannot be tuned: a seed chosen by its score"),
        (
            {"network.name": {"choices": ["mlp", "linear"]}},
            "'network.name' cannot be tuned: each network has its own keys",
        ),
    ],
)
def test_a_space_that_cannot_be_is_refused(space, message):
    with pytest.raises(ValidationError, match=message):
        make(space)


def test_a_value_that_another_key_forbids_names_the_other():
    adam = {"optimizer": {"name": "adam", "beta_1": 0.8}}
    with pytest.raises(
        ValidationError, match=r"'training.optimizer.name' cannot be 'sgd': .*beta_1 has no effect with"
    ):
        make({"training.optimizer.name": {"choices": ["adam", "sgd"]}}, training=adam)


def test_the_objective_is_what_training_measures():
    classes = {"column": "kind", "task": "classes", "classes": ["a", "b", "c"]}

    assert make(RATE, objective="mae").tuner.direction == "min"
    assert make(RATE, classes, objective="accuracy").tuner.direction == "max"
    with pytest.raises(
        ValidationError, match=r"'accuracy' is not measured for task 'regression'\. Known metrics: loss, mae"
    ):
        make(RATE, objective="accuracy")


def test_epochs_are_set_in_one_place():
    epochs = {"training.epochs": {"low": 1, "high": 9}}

    assert make(epochs).tuner.epochs is None
    with pytest.raises(ValidationError, match="contradict each other"):
        make(epochs, epochs=3)
    with pytest.raises(ValidationError, match="hyperband itself chooses the number of epochs"):
        make(epochs, method="hyperband")
    with pytest.raises(ValidationError, match=r"training\.epochs is 0, so no trial would train: set tuner\.epochs"):
        make(RATE, training={"epochs": 0})


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"trials": 1}, "greater than or equal to 2"),
        ({"parallel": 0}, "greater than or equal to 1"),
        ({"epochs": 0}, "greater than or equal to 1"),
        ({"seed": -1}, "greater than or equal to 0"),
        ({"method": "grid"}, "'random', 'hyperband' or 'bayesian'"),
        ({"trial": 3}, "Extra inputs"),
    ],
)
def test_wrong_keys_of_the_section_are_refused(keys, message):
    with pytest.raises(ValidationError, match=message):
        make(RATE, **keys)
