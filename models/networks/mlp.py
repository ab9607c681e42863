"""Multilayer perceptron: dense layers with an activation, and dropout between them."""

from typing import Any

from models.layers import dense


class Settings(dense.Given, dense.Layers):
    """Keys of [network] with name = "mlp"."""


def build(features: Any, network: Settings) -> Any:
    """Map features to the last hidden layer.

    Args:
        features: What the network sees (models/layers/feature_inputs.py).
        network: Its settings.

    Returns:
        float32 (batch, layers[-1]).
    """
    return dense.hidden(features.vector, network)
