from typing import Any

import keras
import numpy as np
import pytest
from pydantic import ValidationError

from models.layers import layer_names
from models.tasks import anomaly_task, clusters_task, regression_task
from models.tasks.classes_task import ClassTarget
from models.training import fit
from pipeline.checks import network_checks
from spec.columns.label import Label
from spec.columns.role import Output

AREA, ZIP = Output(name="area"), Output(name="zip", kind="index", depth=4)
NUMBER = regression_task.LabelScale(0.0, 1.0, Label(column="price"))
GIVEN = [{"kernel": [[1]] * 5, "bias": [2]}]
HIDDEN = {
    "layers": [5],
    "activation": "tanh",
    "dropout": 0.5,
    "l1": 0.1,
    "l2": 0.1,
    "initializer": "he_normal",
    "batch_norm": True,
}
CHANGES: dict[str, Any] = {
    "linear": {"weights": GIVEN, "l1": 0.1, "l2": 0.1, "smooth_clip": 2.0},
    "mlp": {
        **HIDDEN,
        "weights": [
            {"kernel": [[1] * 128] * 5, "bias": [0] * 128},
            {"kernel": [[1] * 64] * 128, "bias": [0] * 64},
            {"kernel": [[1]] * 64, "bias": [2]},
        ],
    },
    "wide_deep": HIDDEN,
    "autoencoder": {**HIDDEN, "quantile": 0.5},
    "cnn": {
        **HIDDEN,
        "dropout": 0.1,
        "blocks": [{"filters": 2}],
        "padding": "same",
        "convolution_activation": "tanh",
        "augmentation": {"shift": 0.4},
    },
    "kmeans": {"num_clusters": 2, "restarts": 1},
    "perceptron": {"learning_rate": 0.1, "weights": GIVEN},
    "realmlp": {"layers": [5], "activation": "selu", "dropout": 0.5, "frequencies": 3, "embedding": 2},
    "tabm": {"members": 3, "layers": [5], "dropout": 0.5, "bins": 2, "embedding": 3, "keep_members": 2},
}
"""Network -> each of its keys with a value other than the default."""
LEARNT = {
    *(("autoencoder", "quantile"), ("kmeans", "restarts"), ("perceptron", "learning_rate")),
    *(("tabm", key) for key in ("bins", "keep_members")),
}
"""Keys that act in training alone; tests/models/networks shows how."""
YES = ClassTarget(("no", "yes"), True)
TARGETS = {"autoencoder": anomaly_task.AnomalyTarget(), "kmeans": clusters_task.ClusterTarget(), "perceptron": YES}
PHOTO = Output(name="photo", kind="image", shape=(8, 8, 1))
EDGED = Output(name="area", edges=tuple(np.linspace(-3, 3, 241).tolist()))
OUTPUTS = {"cnn": (AREA, ZIP, PHOTO), "tabm": (EDGED, ZIP), "realmlp": (EDGED, ZIP)}
ROWS = {"area": np.random.default_rng(1).normal(size=(16, 1)).astype(np.float32), "zip": np.arange(16)[:, None] % 4}
PICTURES = {**ROWS, "photo": np.random.default_rng(2).random((16, 8, 8, 1)).astype(np.float32)}


def settings(name, **keys):
    return network_checks.network_settings(name).model_validate(keys)


def made(name, outputs=None, target=None, **keys):
    """The Keras model, always from one seed."""
    keras.utils.set_random_seed(1)
    outputs = outputs or OUTPUTS.get(name, (AREA, ZIP))
    network, _, initial_weights = fit.build(outputs, {"name": name, **keys}, target or TARGETS.get(name, NUMBER))
    fit.put_given_weights(network, initial_weights)
    return network


def rows(name):
    return PICTURES if name == "cnn" else ROWS


def behaviour(name, **keys):
    """What the network gives and what it adds to the loss while it trains, always from one seed."""
    model = made(name, **keys)
    output = np.asarray(model(rows(name), training=True))
    return output.tolist(), [float(loss) for loss in model.losses]


def test_each_network_and_each_of_its_keys_is_tested():
    fields = {name: set(network_checks.network_settings(name).model_fields) for name in network_checks.networks()}

    assert {name: set(keys) for name, keys in CHANGES.items()} == fields


@pytest.mark.parametrize(
    ("name", "key"),
    [(name, key) for name, keys in CHANGES.items() for key in keys if (name, key) not in LEARNT],
)
def test_every_key_changes_something(name, key):
    usual = behaviour(name)

    assert behaviour(name) == usual
    assert behaviour(name, **{key: CHANGES[name][key]}) != usual


@pytest.mark.parametrize("name", CHANGES)
def test_an_unknown_key_is_refused(name):
    with pytest.raises(ValidationError, match=r"(?m)^layer\n  Extra inputs are not permitted"):
        settings(name, layer=[3])


@pytest.mark.parametrize("name", CHANGES)
def test_the_whole_model_maps_features_to_outputs(name):
    width = {"autoencoder": 5, "kmeans": 3}.get(name, 1)
    model = made(name)

    assert model.name == name
    assert model(rows(name)).shape == (16, width)
    assert model(rows(name)).dtype == "float32"
    assert {weight.dtype for weight in model.weights} == {"float32"}


def test_linear_is_the_features_themselves():
    model = made("linear", weights=GIVEN)

    assert model.count_params() == 5 + 1
    np.testing.assert_allclose(model(ROWS), ROWS["area"] + 1 + 2, rtol=1e-6)


def test_mlp_has_the_layers_it_was_given():
    model = made("mlp", layers=[7, 3], dropout=0.2, l2=0.01)

    assert [layer.units for layer in model.layers if isinstance(layer, keras.layers.Dense)] == [7, 3, 1]
    assert [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)] == [0.2, 0.2]
    assert model.get_layer("hidden_0").kernel.shape == (5, 7)
    assert float(model.get_layer("hidden_1").kernel_regularizer.l2) == pytest.approx(0.01)
    assert model.get_layer("head").kernel_regularizer is None


def test_each_layer_has_its_own_activation_and_dropout():
    model = made("mlp", layers=[7, 3], activation=["tanh", "relu"], dropout=[0, 0.5])

    assert [model.get_layer(f"hidden_{at}").activation.__name__ for at in (0, 1)] == ["tanh", "relu"]
    assert [layer.name for layer in model.layers if isinstance(layer, keras.layers.Dropout)] == ["dropout_1"]


def test_a_dropout_of_one_drops_everything_in_training_and_nothing_else():
    model = made("mlp", layers=[7], dropout=1.0)
    hidden = keras.Model(model.inputs, model.get_layer("dropout_0").output)

    assert not np.any(hidden(ROWS, training=True))
    assert np.any(hidden(ROWS, training=False))


def test_batch_norm_comes_before_the_activation():
    model = made("mlp", layers=[7], activation="sigmoid", batch_norm=True)
    summed = keras.Model(model.inputs, model.get_layer("hidden_0_norm").output)(ROWS, training=True)

    np.testing.assert_allclose(np.mean(summed, axis=0), 0, atol=1e-5)
    assert np.min(keras.Model(model.inputs, model.get_layer("hidden_0_activation").output)(ROWS)) > 0


@pytest.mark.parametrize(
    ("name", "exact"),
    [
        ("step", [0, 0, 0, 0.5, 1, 1, 1]),
        ("sign", [-1, -1, -1, 0, 1, 1, 1]),
        ("piecewise_linear", [0, 0, 0.25, 0.5, 0.75, 1, 1]),
        ("relu", [0, 0, 0, 0, 0.25, 0.5, 2]),
        ("linear", [-2, -0.5, -0.25, 0, 0.25, 0.5, 2]),
        ("tanh", np.tanh([-2, -0.5, -0.25, 0, 0.25, 0.5, 2])),
        ("sigmoid", 1 / (1 + np.exp([2, 0.5, 0.25, 0, -0.25, -0.5, -2]))),
    ],
)
def test_activations_are_the_decks(name, exact):
    from models.layers import keras_layers

    actual = keras_layers.activation(name)(keras.ops.convert_to_tensor([-2, -0.5, -0.25, 0, 0.25, 0.5, 2], "float32"))

    np.testing.assert_allclose(actual, exact, atol=1e-6)


def test_every_name_of_keras_is_known():
    from keras.src import activations, initializers

    listed = set(activations.ALL_OBJECTS_DICT)
    assert listed == set(layer_names.ACTIVATIONS) - set(layer_names.OWN_ACTIVATIONS)
    for name in layer_names.INITIALIZERS:
        assert name in initializers.ALL_OBJECTS_DICT
        keras.layers.Dense(2, kernel_initializer=name).build((None, 3))


def test_two_classes_by_hand_begin_with_the_printed_weights():
    weights = [
        {"kernel": [[-0.04, -0.43, 0.57], [0.04, 0.52, -0.60]], "bias": [-2.03, -0.26, 2.16]},
        {"kernel": [[0.44, 0.19], [-0.04, 1.14], [0.68, 0.85]], "bias": [-0.19, -0.49]},
    ]
    rows = np.array([[10, 365], [3, 120], [0, 1000]], np.float32)
    columns = {"depth": rows[:, :1], "coffee": rows[:, 1:]}
    outputs = (Output(name="depth"), Output(name="coffee"))
    model = made("mlp", outputs, ClassTarget(("good", "bad")), layers=[3], activation="relu", weights=weights)
    summed = rows @ np.array(weights[0]["kernel"]) + weights[0]["bias"]
    printed = [[13.37, 183.66, -210.46], [3.05, 60.33, -67.91], [41.13, 515.49, -596.08]]

    assert (np.abs(summed - printed) <= 0.005 * (rows.sum(axis=1, keepdims=True) + 1)).all()
    hidden = np.maximum(summed, 0)
    exact = hidden @ np.array(weights[1]["kernel"]) + weights[1]["bias"]
    np.testing.assert_allclose(model(columns), exact, rtol=1e-4)
    logits = np.array([[-2.53, 211.85], [-1.55, 69.01], [-5.16, 596.17]])
    from_printed = np.maximum(printed, 0) @ np.array(weights[1]["kernel"]) + weights[1]["bias"]
    assert (np.abs(from_printed - logits) <= 0.005 * (np.maximum(printed, 0).sum(axis=1, keepdims=True) + 1)).all()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"layers": []}, "at least 1 item"),
        ({"layers": [8, 0]}, r"(?m)^layers\.1\n  Input should be greater than or equal to 1"),
        ({"layers": [-8]}, "greater than or equal to 1"),
        ({"dropout": 1.1}, "less than or equal to 1"),
        ({"dropout": -0.1}, "greater than or equal to 0"),
        ({"dropout": [0.1] * 3}, "dropout has 3 entries for 2 layers: give one for each"),
        ({"l2": -1.0}, "greater than or equal to 0"),
        ({"l1": -1.0}, "greater than or equal to 0"),
        ({"activation": "rleu"}, "activation 'rleu' is not known. Did you mean 'relu'?"),
        ({"activation": ["relu"] * 3}, "activation has 3 entries for 2 layers"),
        ({"activation": "step"}, "activation 'step' has no gradient.*perceptron"),
        ({"activation": ["relu", "sign"]}, "activation 'sign' has no gradient"),
        ({"initializer": "he_norm"}, "initializer 'he_norm' is not known. Did you mean 'he_normal'?"),
        ({"weights": "no/such.json"}, r"no/such\.json cannot be read as JSON: .*No such file"),
        ({"weights": "pyproject.toml"}, r"pyproject\.toml cannot be read as JSON"),
    ],
)
def test_mlp_refuses_values_that_make_no_network(keys, message):
    with pytest.raises(ValidationError, match=message):
        settings("mlp", **keys)


def test_a_step_is_taken_where_weights_are_given():
    assert made(
        "mlp", layers=[1], activation="step", weights=[{"kernel": [[1]] * 5, "bias": [0]}, GIVEN[0] | {"kernel": [[1]]}]
    )


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (GIVEN * 2, "network.weights has 2 entries; the network has 1 dense layers"),
        (
            [{"kernel": [[1]], "bias": [2]}],
            r"layer head needs a kernel and a bias of shapes \[\(5, 1\), \(1,\)\], found",
        ),
    ],
)
def test_given_weights_that_do_not_fit_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        made("linear", weights=weights)


def test_wide_and_deep_is_linear_in_the_wide_part():
    model = made("wide_deep", layers=[3])

    assert model.get_layer("deep_hidden_0").kernel.shape == (1, 3)
    assert model.get_layer("head").kernel.shape == (3 + 4, 1)
    weights = model.get_layer("head").get_weights()
    weights[0][:3] = 0
    model.get_layer("head").set_weights(weights)
    np.testing.assert_allclose(model(ROWS)[:, 0], np.tile(weights[0][3:, 0], 4), rtol=1e-6)


def test_an_autoencoder_gives_the_difference_from_its_features():
    model = made("autoencoder", layers=[2])
    reconstruction = np.asarray(keras.Model(model.inputs, model.get_layer("reconstruction").output)(ROWS))
    features = np.concatenate([ROWS["area"], np.eye(4)[ROWS["zip"][:, 0]]], axis=1)

    np.testing.assert_allclose(model(ROWS), reconstruction - features, atol=1e-6)


def test_distances_of_centres_are_euclidean():
    model = made("kmeans", num_clusters=2)
    centres = np.array([[0, 1, 0, 0, 0], [3, 0, 0, 0, 1]], np.float32)
    model.get_layer("centres").set_weights([centres])
    features = np.concatenate([ROWS["area"], np.eye(4)[ROWS["zip"][:, 0]]], axis=1)

    exact = np.linalg.norm(features[:, None] - centres, axis=2)
    np.testing.assert_allclose(model(ROWS), exact, rtol=1e-5)


@pytest.mark.parametrize(("weight", "probability", "name"), [(1.0, 1.0, b"yes"), (-1.0, 0.0, b"no"), (0.0, 0.5, b"no")])
def test_a_perceptron_is_certain_but_upon_its_threshold(weight, probability, name):
    target: Any = TARGETS["perceptron"]
    model = made("perceptron", (AREA,), weights=[{"kernel": [[weight]], "bias": [0]}])
    answer = target.answer(model({"area": np.array([[0.001]], np.float32)}))

    assert answer["probabilities"].numpy().tolist() == [[1 - probability, probability]]
    assert answer["classes"].numpy().tolist() == [name]
