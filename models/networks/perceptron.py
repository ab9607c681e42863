"""Perceptron: one unit that is 0 below its threshold, 1 above and 0.5 at it, trained without a gradient.

Rosenblatt's rule: each row adds learning rate times input times error to the weights. It converges in finitely many
steps if the classes are linearly separable; XOR is not.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from models.layers.dense import Given

TASKS = ("binary",)
HEAD = False
KEYS = ("epochs", "seed", "monitor", "keep", "class_weights", "warm_start")


class Settings(Given):
    """Keys of [network] with name = "perceptron"."""

    renamed: ClassVar[Mapping[str, str]] = {"rate": "learning_rate"}
    learning_rate: float = Field(default=1.0, gt=0.0)
    """Learning rate."""


def build(features: Any, network: Settings) -> Any:
    """Map features to a saturated logit, or to 0 at the threshold, float32 (batch, 1)."""
    import keras

    from models.layers.keras_layers import Certain

    summed = keras.layers.Dense(1, kernel_initializer="zeros", name="unit")(features.untrained)
    return Certain(name="step")(summed)


def fit(network: Any, settings: Settings, training: Any, train: Any, evaluation: Any, watchers: list[Any]) -> None:
    """Visit the rows one by one, shuffled each epoch, until all of them are classified correctly.

    Args:
        network: The Keras model that `build` made.
        settings: Settings of the network.
        training: spec.training.Training.
        train: models.data.split_rows.Rows of the train split.
        evaluation: Those of the eval split.
        watchers: Keras callbacks.
    """
    import keras

    from models.training.fit import outputs_of

    unit = network.get_layer("unit")
    inputs = keras.Model(network.input, unit.input)
    rows, check = outputs_of(inputs, train.x).astype(np.float64), outputs_of(inputs, evaluation.x).astype(np.float64)
    counts = np.ones(len(rows)) if train.weight is None else train.weight
    labels, check_labels = train.y[:, 0], evaluation.y[:, 0]
    kernel, bias = (np.asarray(value, np.float64) for value in (unit.kernel[:, 0], unit.bias))
    random = np.random.default_rng(training.seed)
    callbacks = keras.callbacks.CallbackList(watchers, model=network)
    callbacks.on_train_begin()
    # Without an epoch the initial weights are measured.
    for epoch in range(training.epochs) or (-1,):
        callbacks.on_epoch_begin(epoch)
        for row in random.permutation(len(rows)) if training.epochs else ():
            error = labels[row] - 0.5 * (np.sign(rows[row] @ kernel + bias[0]) + 1.0)
            kernel = kernel + settings.learning_rate * counts[row] * error * rows[row]
            bias = bias + settings.learning_rate * counts[row] * error
        unit.set_weights([kernel[:, np.newaxis], bias])
        # Measured with the weights as they are stored, in float32.
        logs = {**_errors(rows, labels, unit), **{f"val_{k}": v for k, v in _errors(check, check_labels, unit).items()}}
        callbacks.on_epoch_end(epoch, logs)
        if logs["loss"] == 0 or getattr(network, "stop_training", False):
            break
    callbacks.on_train_end()


def _errors(rows: Any, labels: Any, unit: Any) -> dict[str, float]:
    """Return mean absolute error and accuracy; at the threshold the prediction is class 0."""
    kernel, bias = (np.asarray(value, np.float32) for value in unit.get_weights())
    outputs = 0.5 * (np.sign(rows.astype(np.float32) @ kernel + bias)[:, 0] + 1.0)
    return {
        "loss": float(np.abs(labels - outputs).mean()),
        "accuracy": float(((outputs > 0.5) == (labels > 0.5)).mean()),
    }
