"""RealMLP: a multilayer perceptron with robust scaling, periodic embeddings of numbers and learned scales of inputs.

Holzmüller, Grinsztajn, Steinwart, "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular Data",
NeurIPS 2024 (RealMLP-TD, without its initialization by the data and the clamping of predictions). It is made for large
learning rates with a schedule, which [training] sets: docs/explanation/networks.md has the keys.
"""

from collections.abc import Sequence
from typing import Any

from pydantic import Field, field_validator

from models.layers import dense
from spec.base import Strict
from spec.columns.role import Output

EDGES = True


class Settings(Strict):
    """Keys of [network] with name = "realmlp"."""

    layers: tuple[dense.Units, ...] = Field(default=(256, 256, 256), min_length=1)
    """Units of each hidden layer."""
    activation: str = "mish"
    """Activation of the hidden layers; the paper uses mish for a regression and selu for classes."""
    dropout: dense.Rate = 0.15
    """Dropout rate of the hidden layers."""
    frequencies: int = Field(default=16, ge=1, le=512)
    """Number of cosines of a number."""
    embedding: int = Field(default=4, ge=2, le=512)
    """Length of the embedding of a number, of which the first is the scaled number itself."""

    @field_validator("activation")
    @classmethod
    def _known_activation(cls, name: str) -> str:
        return dense.differentiable(name, "the layers before")


def check(outputs: Sequence[Output], network: Settings) -> None:
    """Check that there are no images; see dense.without_images."""
    dense.without_images(outputs)


def build(features: Any, network: Settings) -> Any:
    """Map features to the last hidden layer.

    Args:
        features: FeatureInputs of models/layers/feature_inputs.py.
        network: The settings.

    Returns:
        float32 (batch, layers[-1]).
    """
    import keras

    from models.layers import keras_layers, periodic_embeddings, scaled_layers

    parts = []
    if features.numbers is not None:
        scaling = [periodic_embeddings.robust(output.edges) for output in features.number_outputs]
        embedding = periodic_embeddings.PeriodicEmbedding(
            scaling, network.frequencies, network.embedding, name="embedding"
        )
        parts.append(embedding(features.numbers))
    if features.beside_numbers is not None:
        parts.append(features.beside_numbers)
    vector = keras.layers.Concatenate(name="joined")(parts) if len(parts) > 1 else parts[0]
    vector = scaled_layers.FeatureScale(name="scale")(vector)
    for position, units in enumerate(network.layers):
        vector = scaled_layers.ScaledDense(units, name=f"hidden_{position}")(vector)
        vector = scaled_layers.LearnedActivation(network.activation, name=f"activation_{position}")(vector)
        if network.dropout:
            vector = keras_layers.dropout(network.dropout, f"dropout_{position}")(vector)
    return vector


def head(hidden: Any, target: Any, network: Settings) -> Any:
    """Map the last hidden layer to the outputs: float32 (batch, units)."""
    from models.layers.scaled_layers import ScaledDense

    return ScaledDense(target.units, name="head")(hidden)
