"""Autoencoder: reconstructs the features through a bottleneck; a row that it reconstructs badly is an anomaly.

Trained only on rows labelled normal. The score is the mean squared reconstruction error, the threshold a quantile of
the scores of the normal train rows.
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
    """Map features to their reconstruction error.

    Every index is one-hot: embeddings could shrink instead of being reconstructed.

    Args:
        features: FeatureInputs of models/layers/feature_inputs.py.
        network: The settings.

    Returns:
        float32 (batch, width).
    """
    import keras

    vector = features.untrained
    reconstruction = keras.layers.Dense(vector.shape[-1], name="reconstruction")(dense.hidden(vector, network))
    return keras.layers.Subtract(name="difference")([reconstruction, vector])
