import keras
import numpy as np
import pytest
import tensorflow as tf

from models.tasks.classes_task import ClassTarget
from models.tasks.regression_task import LabelScale
from spec.columns.label import Label

from .onnx_pairs import Pair
from .test_networks import CHANGES, EDGED, ZIP, made, rows

CLASSES = ClassTarget(("no", "perhaps", "é"))
BINARY = ClassTarget(("no", "yes"), binary=True)
ACTIVATIONS = ["elu", "gelu", "leaky_relu", "piecewise_linear", "relu6", "selu", "sigmoid", "silu", "softplus", "tanh"]


def pair(network, answer=None):
    specs = {name: tf.TensorSpec(tensor.shape, tensor.dtype, name) for name, tensor in network.input.items()}
    return Pair(lambda **x: (answer or (lambda y: {"y": y}))(network(x, training=False)), specs)


@pytest.mark.parametrize("changed", [False, True])
@pytest.mark.parametrize("name", CHANGES)
def test_each_network_gives_the_same_in_onnx(name, changed):
    keys = {key: value for key, value in CHANGES[name].items() if changed and key != "weights"}
    network = made(name, **keys)
    for weight in network.weights:
        weight.assign(weight + keras.random.normal(weight.shape, stddev=0.1, seed=3))

    pair(network).check_equal(**{name: value for name, value in rows(name).items() if name in network.input})


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_each_activation_gives_the_same_in_onnx(activation):
    pair(made("mlp", layers=[5], activation=activation)).check_equal(**rows("mlp"))


@pytest.mark.parametrize("name", ["tabm", "mlp"])
@pytest.mark.parametrize("target", [CLASSES, BINARY, LabelScale(12.0, 0.5, Label(column="price", transform="log"))])
def test_each_answer_of_a_task_is_the_same_in_onnx(name, target):
    network = made(name, outputs=(EDGED, ZIP), target=target)

    pair(network, target.answer).check_equal(**rows(name))


def test_a_row_of_an_unknown_category_is_the_same_in_onnx():
    network = made("mlp")

    pair(network).check_equal(area=np.zeros((3, 1)), zip=np.array([[-1], [3], [4]]))


def test_the_complementary_error_function_is_the_same_in_onnx():
    function = Pair(lambda **x: {"y": tf.math.erfc(x["x"])}, {"x": tf.TensorSpec([None], tf.float32, "x")})

    function.check_equal(x=[-5.0, -1.0, 0.0, 0.3, 2.0, 5.0, float("inf")])
