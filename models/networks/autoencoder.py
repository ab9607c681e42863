"""Autoencoder: gives the features again through a narrow layer; what it gives badly is unlike the rows it learnt.

Trained on rows labelled normal alone. The score is the mean squared difference, the threshold a quantile of the
normal train rows' scores.
"""

from typing import Any

from pydantic import Field

from models.layers import dense

TASKS = ("anomaly",)
HEAD = False
MIRRORS = {"reconstruction": "untrained"}


class Settings(dense.Layers):
    """Keys of [network] with name = "autoencoder"."""

    layers: tuple[dense.Units, ...] = Field(default=(16, 4, 16), min_length=1)
    """Units of each hidden layer; the smallest is the bottleneck."""
    quantile: float = Field(default=0.99, gt=0.0, lt=1.0)
    """Share of the normal train rows that score at or below the threshold."""


def build(features: Any, network: Settings) -> Any:
    """Map features to how their reconstruction differs from them.

    Learnt vectors could be learnt small instead of well, so every index is one-hot.

    Args:
        features: What the network sees (models/layers/feature_inputs.py).
        network: Its settings.

    Returns:
        float32 (batch, width).
    """
    import keras

    vector = features.untrained
    again = keras.layers.Dense(vector.shape[-1], name="reconstruction")(dense.hidden(vector, network))
    return keras.layers.Subtract(name="difference")([again, vector])
