"""The network of two layers that is printed with its weights and its forward pass, by the shipped config's own weights.

The weights are printed to two decimals, so a sum over inputs x agrees within 0.005 (Σ|x| + 1). The printed outputs were
computed from the printed hidden values.
"""

from pathlib import Path

import keras
import numpy as np
import pytest

from models.data.split_rows import Facts
from models.training.fit import train_network
from models.training.training_config import TrialConfig
from pipeline import load
from spec.columns.label import LABEL

REPOSITORY = Path(__file__).parents[2]
ROWS = np.array([[10, 365], [3, 120], [0, 1000]], np.float32)
"""Pointer depth and litres of coffee."""
LABELS = np.array([[0], [0], [1]])
HIDDEN = np.array([[13.37, 183.66, -210.46], [3.05, 60.33, -67.91], [41.13, 515.49, -596.08]], np.float32)
OUTPUTS = np.array([[-2.53, 211.85], [-1.55, 69.01], [-5.16, 596.17]])


def learnt(variant, **network):
    config = load.load(str(REPOSITORY), "perceptron", variant=variant)
    sections = config.plain("label", "network", "training")
    columns = {"x1": ROWS[:, :1], "x2": ROWS[:, 1:], LABEL: LABELS}
    sections["network"].update(network)
    return train_network(TrialConfig.model_validate(sections), columns, columns, Facts(config.features.outputs()))


@pytest.fixture(scope="module")
def printed():
    return learnt("programmers_printed")


def rounding(inputs):
    return 0.005 * (np.abs(inputs).sum(axis=1, keepdims=True) + 1)


def asked(network, rows):
    return network({"x1": rows[:, :1], "x2": rows[:, 1:]})


def test_hidden_values_are_those_that_are_printed():
    network = learnt("programmers_printed", activation="linear").network
    hidden = keras.Model(network.input, network.get_layer("hidden_0").output)
    assert (np.abs(asked(hidden, ROWS) - HIDDEN) <= rounding(ROWS)).all()


def test_outputs_are_those_that_are_printed(printed):
    activations = np.maximum(HIDDEN, 0)
    outputs = printed.network.get_layer("head")(activations)
    assert (np.abs(outputs - OUTPUTS) <= rounding(activations)).all()


def test_before_training_every_programmer_is_of_the_second_class(printed):
    probabilities = printed.target.answer(asked(printed.network, ROWS))["probabilities"].numpy()
    assert probabilities.round(2).tolist() == [[0, 1], [0, 1], [0, 1]]


def test_training_puts_all_three_right():
    trained = learnt("programmers")
    probabilities = trained.target.answer(asked(trained.network, ROWS))["probabilities"].numpy()
    assert probabilities.argmax(axis=1).tolist() == [0, 0, 1]
