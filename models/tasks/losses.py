"""Losses by name."""

from collections.abc import Callable
from typing import Any

import keras

SUM = "sum_of_squares"
"""Loss that is summed over a batch; computed as the mean of the rows, which training multiplies by the batch size."""


def of_numbers(name: str) -> Any:
    """Return a loss between two float32 (batch, n) tensors."""
    if name == SUM:
        return RowLoss(_squares, name)
    kinds = {
        "mse": keras.losses.MeanSquaredError,
        "mae": keras.losses.MeanAbsoluteError,
        "huber": keras.losses.Huber,
        "log_cosh": keras.losses.LogCosh,
    }
    return kinds[name]()


def of_classes(name: str, units: int) -> Any:
    """Return a loss between class indices and logits.

    Args:
        name: One of the losses of the task.
        units: 1 for the logit of the second of two classes, with labels float32 (batch, 1); else the number of classes,
            with labels int64 (batch, 1).
    """
    if name == "cross_entropy":
        if units == 1:
            return keras.losses.BinaryCrossentropy(from_logits=True)
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    if name == "focal" and units == 1:
        return keras.losses.BinaryFocalCrossentropy(from_logits=True)
    if name == "focal":
        # Keras' focal loss of several classes takes one-hot labels; given probabilities it clips them.
        between: Any = keras.losses.CategoricalFocalCrossentropy(from_logits=True, reduction=None)
        return RowLoss(lambda label, logits: between(_one_hot(label, units), logits), name)
    between = _squares if name == SUM else of_numbers(name).fn

    def on_probabilities(label: Any, logits: Any) -> Any:
        if units == 1:
            return between(keras.ops.cast(label, "float32"), keras.ops.sigmoid(logits))
        return between(_one_hot(label, units), keras.ops.softmax(logits))

    return RowLoss(on_probabilities, name)


def smoothing(label: Any, logits: Any, weight: Any = None) -> Any:
    """Return the mean cross-entropy with labels spread evenly over all classes, minus that with the labels themselves.

    A share of it, added to the cross-entropy, smooths the labels by this share.

    Args:
        label: Class indices (batch, 1).
        logits: (batch, classes), or (batch, 1) for the logit of the second of two classes.
        weight: Weights of the rows, (batch,) or (batch, 1); None for none.
    """
    ops = keras.ops
    if logits.shape[-1] == 1:
        rows = (ops.cast(label, "float32") - 0.5) * logits
    else:
        label_logit = ops.sum(_one_hot(label, logits.shape[-1]) * logits, axis=-1, keepdims=True)
        rows = label_logit - ops.mean(logits, axis=-1, keepdims=True)
    rows = ops.reshape(rows, (-1,))
    return ops.mean(rows if weight is None else rows * ops.cast(ops.reshape(weight, (-1,)), "float32"))


class RowLoss(keras.losses.Loss):  # type: ignore[misc]
    """Loss made of a function from labels and outputs to one number per row."""

    def __init__(self, function: Callable[[Any, Any], Any], name: str) -> None:
        super().__init__(name=name)
        self._function = function

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each row, (batch,)."""
        return self._function(y_true, y_pred)


def _squares(label: Any, output: Any) -> Any:
    """Sum the squared differences of each row."""
    return keras.ops.sum(keras.ops.square(output - keras.ops.cast(label, "float32")), axis=-1)


def _one_hot(label: Any, units: int) -> Any:
    flat = keras.ops.cast(keras.ops.reshape(label, (-1,)), "int64")
    return keras.ops.one_hot(flat, units, dtype="float32")
