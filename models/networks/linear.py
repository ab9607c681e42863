"""Linear model: the output layer directly on the features."""

from typing import Any

from pydantic import Field

from models.layers import dense


class Settings(dense.Given, dense.Penalized):
    """Keys of [network] with name = "linear"."""

    smooth_clip: float | None = Field(default=None, gt=0.0, allow_inf_nan=False)
    """Map each feature z to z / sqrt(1 + (z / smooth_clip)²), nearly unchanged if it is small and never beyond
    ±smooth_clip, so that outliers count less. Unset: no such map."""


def build(features: Any, network: Settings) -> Any:
    """Return the features, float32 (batch, width), unchanged without `smooth_clip`."""
    if network.smooth_clip is None:
        return features.vector

    from models.layers.scaled_layers import SmoothClip

    return SmoothClip(network.smooth_clip, name="smooth_clip")(features.vector)


def head(features: Any, target: Any, network: Settings) -> Any:
    """Map the features to the outputs: float32 (batch, units)."""
    import keras

    return keras.layers.Dense(target.units, name="head", kernel_regularizer=dense.regularizer(network))(features)
