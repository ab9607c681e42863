"""TabM: an ensemble in one network; its members share the hidden layers, and each number has an embedding.

Gorishniy et al., "TabM: Advancing Tabular Deep Learning With Parameter-Efficient Ensembling", ICLR 2025 (the variant
TabM-mini), with the piecewise-linear embeddings of "On Embeddings for Numerical Features in Tabular Deep Learning",
NeurIPS 2022. Training minimizes the mean of the members' losses; a prediction is the mean of the members' predictions,
or of their probabilities.
"""

from collections.abc import Sequence
from typing import Any

from pydantic import Field, model_validator

from models.layers import dense
from spec.base import Strict
from spec.columns.role import Output

EDGES = True


class Settings(Strict):
    """Keys of [network] with name = "tabm"."""

    members: int = Field(default=8, ge=1, le=256)
    """Number of members."""
    layers: tuple[dense.Units, ...] = Field(default=(128, 128), min_length=1)
    """Units of each hidden layer, which all members share."""
    dropout: dense.Rate = 0.1
    """Dropout rate of the hidden layers."""
    bins: int = Field(default=48, ge=1, le=240)
    """Largest number of bins of a number: quantiles of the train split, of which each value counts once."""
    embedding: int = Field(default=8, ge=1, le=512)
    """Length of the embedding of a number."""
    keep_members: int | None = Field(default=None, ge=1)
    """Number of members that the exported model has: the others are removed after training, one by one, the one first
    without which the eval loss is lowest. Unset: all."""

    @model_validator(mode="after")
    def _fewer_than_all(self) -> "Settings":
        if self.keep_members is not None and self.keep_members >= self.members:
            raise ValueError(f"keep_members must be below members = {self.members}: lower it, or remove it")
        return self


def check(outputs: Sequence[Output], network: Settings) -> None:
    """Check that there are no images; see dense.without_images."""
    dense.without_images(outputs)


def build(features: Any, network: Settings) -> Any:
    """Map features to the last hidden layer of each member.

    Args:
        features: FeatureInputs of models/layers/feature_inputs.py.
        network: The settings.

    Returns:
        float32 (batch * members, layers[-1]); see models/layers/members.py.
    """
    import keras

    from models.layers import keras_layers, members, number_embeddings

    parts, groups = [], []
    if features.numbers is not None:
        edges = [number_embeddings.spaced(output.edges, network.bins) for output in features.number_outputs]
        parts.append(number_embeddings.PiecewiseLinear(edges, network.embedding, name="embedding")(features.numbers))
        groups += [network.embedding] * len(edges)
    if features.beside_numbers is not None:
        parts.append(features.beside_numbers)
        groups += [1] * features.beside_numbers.shape[-1]
    vector = keras.layers.Concatenate(name="joined")(parts) if len(parts) > 1 else parts[0]
    vector = members.MemberScale(network.members, groups, name="members")(vector)
    for position, units in enumerate(network.layers):
        limit = vector.shape[-1] ** -0.5
        vector = keras.layers.Dense(
            units,
            activation="relu",
            kernel_initializer=keras.initializers.RandomUniform(-limit, limit),
            bias_initializer=keras.initializers.RandomUniform(-limit, limit),
            name=f"hidden_{position}",
        )(vector)
        if network.dropout:
            vector = keras_layers.dropout(network.dropout, f"dropout_{position}")(vector)
    return vector


def head(hidden: Any, target: Any, network: Settings) -> Any:
    """Map the last hidden layer of each member to the outputs of the network.

    Args:
        hidden: float32 (batch * members, layers[-1]).
        target: The training target.
        network: The settings.

    Returns:
        float32 (batch, units); in training (batch, members, units).
    """
    from models.layers import members

    answers = members.MemberDense(network.members, target.units, name="head")(hidden)
    return members.MemberMean(members.answers(target), name="mean")(answers)
