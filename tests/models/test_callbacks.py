import keras
import numpy as np
import pytest

from models.data.split_rows import Facts
from models.training import callbacks
from models.training.fit import train_network
from models.training.training_config import TrialConfig
from spec.columns.role import Output

FACTS = Facts((Output(name="a"), Output(name="b")))
RANDOM = np.random.default_rng(1)
ROWS = {name: RANDOM.normal(size=(40, 1)).astype(np.float32) for name in "ab"}
TABLE = {**ROWS, "label": (3 * ROWS["a"]).astype(np.float32)}


def trained(table=TABLE, network=None, evaluation=None, facts=FACTS, **training):
    recipe = {"optimizer": {"name": "sgd", "learning_rate": 0.1}, "batch_size": 8, "epochs": 3, **training}
    config = {"label": {"column": "price"}, "network": network or {"name": "linear"}, "training": recipe}
    return train_network(TrialConfig.model_validate(config), table, evaluation or table, facts)


def changed(name, value):
    column = TABLE[name].copy()
    column[3] = value
    return {**TABLE, name: column}


@pytest.mark.parametrize(("rate", "at"), [(1e12, r"at step [34] of 5"), (1e30, "at step 2 of 5")])
def test_a_rate_that_is_too_high_is_named_with_its_step(rate, at):
    with pytest.raises(ValueError, match=rf"loss became (inf|nan) in epoch 1 {at}; the weights grew to .*lower"):
        trained(optimizer={"name": "sgd", "learning_rate": rate})


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_input_that_is_no_number_is_named(value):
    with pytest.raises(ValueError, match=r"loss became (nan|inf) in epoch 1 at step \d of 5; feature 'b' has 1 values"):
        trained(changed("b", value))
    with pytest.raises(
        ValueError, match=r"val_loss became (nan|inf) in epoch 1; feature 'b' has 1 values in the eval split"
    ):
        trained(evaluation=changed("b", value))


def test_an_input_that_nothing_scaled_is_named():
    with pytest.raises(ValueError, match=r"feature 'a' reaches 1e\+30 in the train split: scale it"):
        trained(changed("a", 1e30))


def test_a_network_that_overflows_before_its_first_step_is_named():
    weights = [{"kernel": [[1e30], [1e30]], "bias": [0.0]}]
    with pytest.raises(ValueError, match=r"in epoch 1 at step 1 of 5; this was the first step.*network\.weights"):
        trained(network={"name": "linear", "weights": weights})


def test_an_eval_label_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="label 'price': a row of the eval split has no finite value"):
        trained(evaluation=changed("label", np.nan))


def test_steps_at_once_still_name_the_step():
    repeated = {name: np.tile(column, (10, 1)) for name, column in TABLE.items()}
    with pytest.raises(ValueError, match=r"loss became (inf|nan) in epoch 1 at step 2 of 50"):
        trained(repeated, optimizer={"name": "sgd", "learning_rate": 1e30})


def test_a_deep_sigmoid_network_names_its_vanishing_gradients(capsys):
    result = trained(network={"name": "mlp", "layers": [8] * 8, "activation": "sigmoid"})
    gradients = list(result.history[0]["gradients"].values())

    assert gradients[0] < 1e-4 < gradients[-1]
    assert "vanishing gradients: hidden_0 gets" in result.notes[0]
    assert capsys.readouterr().out.count("vanishing gradients") == 1


def test_huge_weights_name_their_exploding_gradients():
    weights = [{"kernel": [[30.0] * 4] * width, "bias": [0.0] * 4} for width in (2, 4, 4)]
    weights.append({"kernel": [[30.0]] * 4, "bias": [0.0]})
    network = {"name": "mlp", "layers": [4] * 3, "weights": weights}
    result = trained(network=network, optimizer={"name": "sgd", "learning_rate": 1e-15})

    assert result.notes[1].startswith("exploding gradients: hidden_0 has norm ")


def test_healthy_gradients_are_not_spoken_of():
    assert trained(network={"name": "mlp", "layers": [8, 8]}).notes == ()


def test_a_layers_gradient_is_measured_without_dropout_and_by_its_exact_norm():
    column = keras.Input((2,), name="x")
    network = callbacks.Network({"x": column}, keras.layers.Dense(1, name="d")(keras.layers.Dropout(0.9)(column)))
    network.get_layer("d").set_weights([np.array([[1.0], [2.0]]), np.zeros(1)])
    network.compile(loss="mse")
    x, y = np.array([[1.0, 1.0], [3.0, 0.0]], np.float32), np.zeros((2, 1), np.float32)
    # Outputs 3 and 3: the derivative is the mean of 2 · 3 · x and of 2 · 3.
    exact = np.linalg.norm([6 * (1 + 3) / 2, 6 * (1 + 0) / 2, 6])

    assert callbacks.gradient_norms(network, {"x": x}, y)() == {"d": pytest.approx(exact)}
    assert callbacks.gradient_norms(network, {"x": x}, y, 2.0)() == {"d": pytest.approx(exact / 2)}


@pytest.mark.parametrize(
    ("norms", "text"),
    [
        ({"a": 1.0, "b": 2.0}, ""),
        ({"a": 1e-4, "b": 1.0}, "vanishing gradients: a gets 0.0001 of b's"),
        ({"a": 1.0, "b": 1e4}, "exploding gradients: b has norm 1e+04"),
        ({"t_table": 1e-9, "a": 1.0, "b": 1.0}, ""),
        ({"a": 0.0}, ""),
        ({}, ""),
    ],
)
def test_gradients_are_judged(norms, text):
    assert callbacks.judge(norms).startswith(text)
    assert bool(callbacks.judge(norms)) == bool(text)


def test_vanishing_in_most_epochs_or_exploding_in_any_is_the_verdict():
    fine, small, large = ({"gradients": {"a": size, "b": 1.0}} for size in (1.0, 1e-4, 1e4))

    assert callbacks.verdict([fine, fine, small]) == ""
    assert callbacks.verdict([fine, small, small]).startswith("vanishing")
    assert callbacks.verdict([fine, small, small, large]).startswith("exploding")
    assert callbacks.verdict([{"epoch": 0}]) == ""


def test_sizes_name_layers_shapes_and_weights():
    inputs = {"x": keras.Input((3,), name="x")}
    network = keras.Model(inputs, keras.layers.Dense(2, name="head")(inputs["x"]))
    sizes = callbacks.sizes(network)
    assert sizes["layers"][-1] == {"name": "head", "kind": "Dense", "shape": [2], "parameters": 8}
    assert (sizes["inputs"], sizes["parameters"], sizes["trainable"]) == ({"x": [3]}, 8, 8)
    network.get_layer("head").trainable = False
    assert callbacks.sizes(network)["trainable"] == 0
