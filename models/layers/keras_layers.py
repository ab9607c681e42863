"""Custom layers and activations, which saved models name as `pipeline>NAME`."""

from typing import Any

import keras

from models.layers.layer_names import OWN_ACTIVATIONS


@keras.saving.register_keras_serializable(package="pipeline")  # type: ignore[untyped-decorator]
def step(x: Any) -> Any:
    """Return 0 below 0, 1 above, 0.5 at 0. The gradient is 0 everywhere."""
    return 0.5 * (keras.ops.sign(x) + 1.0)


@keras.saving.register_keras_serializable(package="pipeline")  # type: ignore[untyped-decorator]
def sign(x: Any) -> Any:
    """Return -1 below 0, 1 above, 0 at 0. The gradient is 0 everywhere."""
    return keras.ops.sign(x)


@keras.saving.register_keras_serializable(package="pipeline")  # type: ignore[untyped-decorator]
def piecewise_linear(x: Any) -> Any:
    """Return 0 below -1/2, 1 above 1/2, x + 1/2 between."""
    return keras.ops.clip(x + 0.5, 0.0, 1.0)


def activation(name: str) -> Any:
    """Return an activation by name: a custom one, or one of Keras."""
    activations = {"step": step, "sign": sign, "piecewise_linear": piecewise_linear}
    assert set(activations) == set(OWN_ACTIVATIONS)
    return activations.get(name) or keras.activations.get(name)


@keras.saving.register_keras_serializable(package="pipeline")
class DropAll(keras.layers.Layer):  # type: ignore[misc]
    """Dropout with rate 1, which Keras rejects: zeros in training, the input otherwise."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return zeros in training, else the input."""
        return keras.ops.zeros_like(inputs) if training else inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input."""
        return input_shape


def dropout(rate: float, name: str) -> Any:
    """Return a dropout layer for a rate in [0, 1]."""
    return DropAll(name=name) if rate == 1.0 else keras.layers.Dropout(rate, name=name)


@keras.saving.register_keras_serializable(package="pipeline")
class InTraining(keras.layers.Layer):  # type: ignore[misc]
    """Applies layers in order in training only; they keep the shape.

    Outside of training they are not traced: the state of Keras's random augmentation layers cannot be saved.

    Args:
        inner: The layers.
    """

    def __init__(self, inner: list[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inner = inner

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the input, augmented in training."""
        if training:
            for layer in self.inner:
                inputs = layer(inputs, training=True)
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "inner": [keras.saving.serialize_keras_object(layer) for layer in self.inner]}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "InTraining":
        """Create the layer that `get_config` describes."""
        inner = [keras.saving.deserialize_keras_object(layer) for layer in config.pop("inner")]
        return cls(inner, **config)


@keras.saving.register_keras_serializable(package="pipeline")
class Certain(keras.layers.Layer):  # type: ignore[misc]
    """A step function as a logit: probability 0 below 0, 1 above, 0.5 at 0."""

    def call(self, inputs: Any) -> Any:
        """Return -1000, 0 or 1000, where the logistic function saturates; infinity would become NaN in arithmetic."""
        return 1000.0 * keras.ops.sign(inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input."""
        return input_shape


@keras.saving.register_keras_serializable(package="pipeline")
class Centres(keras.layers.Layer):  # type: ignore[misc]
    """Distances of a row to k centres that are not trained by gradients.

    Args:
        k: Number of centres.
    """

    def __init__(self, k: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.k = k

    def build(self, input_shape: Any) -> None:
        """Create the centres, all at 0."""
        self.centres = self.add_weight(
            shape=(self.k, input_shape[-1]), initializer="zeros", trainable=False, name="centres"
        )

    def call(self, inputs: Any) -> Any:
        """Map float32 (batch, width) to float32 (batch, k).

        Computed as |x|² - 2 x·c + |c|² in float64: the differences would need (batch, k, width) numbers.
        """
        ops = keras.ops
        rows, centres = ops.cast(inputs, "float64"), ops.cast(self.centres, "float64")
        squares = ops.sum(rows * rows, axis=-1, keepdims=True) - 2.0 * ops.matmul(rows, ops.transpose(centres))
        squares = squares + ops.sum(centres * centres, axis=-1)
        return ops.cast(ops.sqrt(ops.maximum(squares, 0.0)), "float32")

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, int]:
        """Return (batch, k)."""
        return (input_shape[0], self.k)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "k": self.k}
