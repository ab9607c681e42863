"""Multilayer perceptron: dense layers with an activation and dropout."""

from typing import Any

from models.layers import dense


class Settings(dense.Given, dense.Layers):
    """Keys of [network] with name = "mlp"."""


def build(features: Any, network: Settings) -> Any:
    """Map features to the last hidden layer.

    Args:
        features: FeatureInputs of models/layers/feature_inputs.py.
        network: The settings.

    Returns:
        float32 (batch, layers[-1]).
    """
    return dense.hidden(features.vector, network)
