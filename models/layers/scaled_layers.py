"""Layers whose size does not change a good learning rate (neural tangent parametrization), and learned activations.

Holzmüller, Grinsztajn, Steinwart, "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular Data",
NeurIPS 2024.
"""

from typing import Any

import keras

from models.layers import keras_layers


@keras.saving.register_keras_serializable(package="pipeline")
class FeatureScale(keras.layers.Layer):  # type: ignore[misc]
    """Multiplies each input by a learned scale that starts at 1: float32 (batch, width) to (batch, width)."""

    def build(self, input_shape: Any) -> None:
        """Create the scales."""
        self.scale = self.add_weight(shape=(1, input_shape[-1]), initializer="ones", name="scale")

    def call(self, inputs: Any) -> Any:
        """Scale a batch."""
        return inputs * self.scale

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input."""
        return input_shape


@keras.saving.register_keras_serializable(package="pipeline")
class SmoothClip(keras.layers.Layer):  # type: ignore[misc]
    """Maps each input x to z / sqrt(1 + (z/limit)²) with z = (x - middle) · factor, which is never beyond ±limit.

    Middle and factor are weights that training does not change, 0 and 1 at first: a warm start adapts them, if a column
    is scaled otherwise than before.

    Input and output: float32 (batch, width).

    Args:
        limit: Absolute value that no output exceeds.
    """

    def __init__(self, limit: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.limit = limit

    def build(self, input_shape: Any) -> None:
        """Create middle and factor."""
        shape = (input_shape[-1],)
        self.middle = self.add_weight(shape=shape, initializer="zeros", trainable=False, name="middle")
        self.factor = self.add_weight(shape=shape, initializer="ones", trainable=False, name="factor")

    def call(self, inputs: Any) -> Any:
        """Clip the numbers of a batch."""
        ops = keras.ops
        scaled = (inputs - self.middle) * self.factor
        # Divided by the larger term first: the square of a huge number is infinite.
        larger = ops.maximum(ops.abs(scaled) / self.limit, 1.0)
        share = scaled / larger
        return share / ops.sqrt(ops.square(1.0 / larger) + ops.square(share / self.limit))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "limit": self.limit}


@keras.saving.register_keras_serializable(package="pipeline")
class ScaledDense(keras.layers.Layer):  # type: ignore[misc]
    """Computes x · W / sqrt(width) + b: float32 (batch, width) to (batch, units). W starts at N(0, 1), b at 0.

    Args:
        units: Number of outputs.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape: Any) -> None:
        """Create kernel and bias."""
        normal = keras.initializers.RandomNormal(stddev=1.0)
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), initializer=normal, name="kernel")
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        """Apply the layer to a batch."""
        return keras.ops.matmul(inputs, self.kernel) * float(inputs.shape[-1]) ** -0.5 + self.bias

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, int]:
        """Return (batch, units)."""
        return (input_shape[0], self.units)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable(package="pipeline")
class LearnedActivation(keras.layers.Layer):  # type: ignore[misc]
    """Computes x + share · (f(x) - x) with a learned share of each unit, which starts at 1.

    Args:
        activation: Name of f.
    """

    def __init__(self, activation: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activation

    def build(self, input_shape: Any) -> None:
        """Create the shares."""
        self.share = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="share")

    def call(self, inputs: Any) -> Any:
        """Apply the activation to a batch."""
        return inputs + self.share * (keras_layers.activation(self.activation)(inputs) - inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "activation": self.activation}
