import importlib

import keras
import numpy as np
import pytest
from pydantic import ValidationError

from models import training
from pipeline import config

CHANGES = {
    "linear": {},
    "mlp": {"layers": [5], "activation": "tanh", "dropout": 0.5, "l2": 0.1},
}
"""Network -> each of its keys with a value other than the default."""
VECTOR = np.random.default_rng(1).normal(size=(16, 3)).astype(np.float32)


def settings(name, **keys):
    return config.network_settings(name).model_validate(keys)


def behaviour(name, **keys):
    """What the network gives and what it adds to the loss while it trains, always from one seed."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((3,))
    built = importlib.import_module(f"models.networks.{name}").build(inputs, settings(name, **keys))
    model = keras.Model(inputs, keras.layers.Identity()(built))
    output = np.asarray(model(VECTOR, training=True))
    return output.tolist(), [float(loss) for loss in model.losses]


def test_each_network_and_each_of_its_keys_is_tested():
    known = {name: set(config.network_settings(name).model_fields) for name in config.networks()}

    assert {name: set(keys) for name, keys in CHANGES.items()} == known


@pytest.mark.parametrize(("name", "key"), [(name, key) for name, keys in CHANGES.items() for key in keys])
def test_every_key_changes_something(name, key):
    usual = behaviour(name)

    assert behaviour(name) == usual
    assert behaviour(name, **{key: CHANGES[name][key]}) != usual


@pytest.mark.parametrize("name", CHANGES)
def test_an_unknown_key_is_refused(name):
    with pytest.raises(ValidationError, match=r"(?m)^layer\n  Extra inputs are not permitted"):
        settings(name, layer=[3])


@pytest.mark.parametrize("name", CHANGES)
def test_the_whole_model_maps_features_to_one_number_a_row(name):
    model = training.build([("area", None), ("zip", 4)], {"name": name})
    rows = {"area": np.ones((5, 1), np.float32), "zip": np.ones((5, 1), np.int64)}

    assert model.name == name
    assert model(rows).shape == (5, 1)
    assert model(rows).dtype == "float32"
    assert {weight.dtype for weight in model.weights} == {"float32"}


def test_linear_is_the_features_themselves():
    assert behaviour("linear") == (VECTOR.tolist(), [])
    assert training.build([("area", None), ("zip", 4)], {"name": "linear"}).count_params() == 5 + 1


def test_mlp_has_the_layers_it_was_given():
    model = training.build([("area", None), ("zip", 4)], {"name": "mlp", "layers": [7, 3], "dropout": 0.2, "l2": 0.01})

    assert [layer.units for layer in model.layers if isinstance(layer, keras.layers.Dense)] == [7, 3, 1]
    assert [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)] == [0.2, 0.2]
    assert model.get_layer("hidden_0").kernel.shape == (5, 7)
    assert float(model.get_layer("hidden_1").kernel_regularizer.l2) == pytest.approx(0.01)
    assert model.get_layer("head").kernel_regularizer is None


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"layers": []}, "at least 1 item"),
        ({"layers": [8, 0]}, r"(?m)^layers\.1\n  Input should be greater than or equal to 1"),
        ({"layers": [-8]}, "greater than or equal to 1"),
        ({"dropout": 1.0}, "less than 1"),
        ({"dropout": -0.1}, "greater than or equal to 0"),
        ({"l2": -1.0}, "greater than or equal to 0"),
    ],
)
def test_mlp_refuses_values_that_make_no_network(keys, message):
    with pytest.raises(ValidationError, match=message):
        settings("mlp", **keys)
