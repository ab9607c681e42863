"""Multilayer perceptron: dense layers with an activation, and dropout between them."""

from typing import Annotated, Any

from pydantic import Field

from models.strict import Strict


class Settings(Strict):
    """Keys of [network] with name = "mlp"."""

    layers: tuple[Annotated[int, Field(ge=1)], ...] = Field(default=(128, 64), min_length=1)
    """Units of each hidden layer."""
    activation: str = "relu"
    """Name of a Keras activation."""
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Share of a hidden layer's units that are dropped in training."""
    l2: float = Field(default=0.0, ge=0.0)
    """Weight of the squared weights in the loss."""


def build(features: Any, network: Settings) -> Any:
    """Map features to the last hidden layer.

    Args:
        features: float32 (batch, width).
        network: Its settings.

    Returns:
        float32 (batch, layers[-1]).
    """
    import keras

    hidden = features
    regularizer = keras.regularizers.L2(network.l2) if network.l2 else None
    for position, units in enumerate(network.layers):
        hidden = keras.layers.Dense(
            units, activation=network.activation, kernel_regularizer=regularizer, name=f"hidden_{position}"
        )(hidden)
        if network.dropout:
            hidden = keras.layers.Dropout(network.dropout, name=f"dropout_{position}")(hidden)
    return hidden
