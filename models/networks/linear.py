"""Linear model: the output layer directly on the features."""

from typing import Any

from models.layers.dense import Given


class Settings(Given):
    """Keys of [network] with name = "linear"."""


def build(features: Any, network: Settings) -> Any:
    """Return the features, float32 (batch, width), unchanged."""
    return features.vector
