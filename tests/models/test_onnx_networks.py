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


def kinds(model):
    return [node.op_type for node in model.graph.node]


@pytest.mark.parametrize(("pattern", "compared"), [(r"^(?:\x{3f}|NA|N\x{2f}A|Ü)$", True), (r"^(?:NA|a.c)$", False)])
def test_a_choice_of_whole_texts_is_compared_and_not_matched(pattern, compared):
    text = {"x": tf.TensorSpec([None], tf.string, "x")}
    function = Pair(lambda **x: {"y": tf.strings.regex_replace(x["x"], pattern, "")}, text)

    cells = ["?", "NA", "N/A", "Ü", "NAN", "xNA", "NA\n", "\nNA", "na", "", " ", "??", "abc", "a.c", "ac"]
    function.check_equal(x=cells)
    assert ("StringRegexReplace" not in kinds(function.model)) == compared


def test_equal_operations_are_one_and_a_split_of_joined_columns_is_none():
    def function(**x):
        parts = tf.split(tf.stack([x["x"], x["z"]], axis=1), 2, axis=1)
        turned = tf.concat([parts[1], parts[0]], axis=1)
        return {"y": tf.exp(turned) + tf.exp(turned), "unchanged": parts[0]}

    columns = Pair(function, {name: tf.TensorSpec([None], tf.float32, name) for name in ("x", "z")})
    columns.check_equal(x=[1.0, 2.0], z=[3.0, -4.0])
    assert (kinds(columns.model).count("Exp"), kinds(columns.model).count("Concat")) == (1, 1)
    assert "Split" not in kinds(columns.model)

    def halves(**x):
        return {"y": tf.split(tf.concat([x["x"][:, :1], 2 * x["x"]], 1), 2, 1)[1]}

    Pair(halves, {"x": tf.TensorSpec([None, 3], tf.float32, "x")}).check_equal(x=[[1.0, 2.0, 3.0]])
