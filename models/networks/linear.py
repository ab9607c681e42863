"""Linear model: the head alone, straight on the features."""

from typing import Any

from models.strict import Strict


class Settings(Strict):
    """Keys of [network] with name = "linear": none."""


def build(features: Any, network: Settings) -> Any:
    """Return the features, float32 (batch, width), as they are."""
    return features
