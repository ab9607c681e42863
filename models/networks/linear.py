"""Linear model: the output layer directly on the features."""

from typing import Any

from models.layers import dense


class Settings(dense.Given, dense.Penalized):
    """Keys of [network] with name = "linear"."""


def build(features: Any, network: Settings) -> Any:
    """Return the features, float32 (batch, width), unchanged."""
    return features.vector


def head(features: Any, target: Any, network: Settings) -> Any:
    """Map the features to the outputs: float32 (batch, units)."""
    import keras

    return keras.layers.Dense(target.units, name="head", kernel_regularizer=dense.regularizer(network))(features)
