"""Layers and activations of our own, which saved models name as `pipeline>NAME`."""

from typing import Any

import keras

from models.dense import OWN_ACTIVATIONS


@keras.saving.register_keras_serializable(package="pipeline")  # type: ignore[untyped-decorator]
def step(x: Any) -> Any:
    """0 below 0, 1 above, 0.5 at 0. Its gradient is 0 everywhere."""
    return 0.5 * (keras.ops.sign(x) + 1.0)


@keras.saving.register_keras_serializable(package="pipeline")  # type: ignore[untyped-decorator]
def sign(x: Any) -> Any:
    """-1 below 0, 1 above, 0 at 0. Its gradient is 0 everywhere."""
    return keras.ops.sign(x)


@keras.saving.register_keras_serializable(package="pipeline")  # type: ignore[untyped-decorator]
def piecewise_linear(x: Any) -> Any:
    """0 below -1/2, 1 above 1/2, x + 1/2 between."""
    return keras.ops.clip(x + 0.5, 0.0, 1.0)


def activation(name: str) -> Any:
    """An activation by name: ours, or Keras's."""
    own = {"step": step, "sign": sign, "piecewise_linear": piecewise_linear}
    assert set(own) == set(OWN_ACTIVATIONS)
    return own.get(name) or keras.activations.get(name)


@keras.saving.register_keras_serializable(package="pipeline")
class DropAll(keras.layers.Layer):  # type: ignore[misc]
    """A dropout of 1.0, which Keras refuses: in training every output is 0, otherwise what came in."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Zeros in training."""
        return keras.ops.zeros_like(inputs) if training else inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """As the input."""
        return input_shape


def dropout(rate: float, name: str) -> Any:
    """A dropout layer for a share of 0 to 1, both included."""
    return DropAll(name=name) if rate == 1.0 else keras.layers.Dropout(rate, name=name)
