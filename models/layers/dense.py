"""Stacks of dense layers, and the settings that several networks share.

The settings are plain Python; Keras is imported inside functions, because configs are read without it.
"""

import difflib
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import Field, field_serializer, field_validator, model_validator

from models.layers.layer_names import ACTIVATIONS, FLAT, INITIALIZERS
from spec.base import Strict
from spec.columns.role import Output

Rows = tuple[tuple[float, ...], ...]
Units = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(ge=0.0, le=1.0)]


class Weights(Strict):
    """Initial weights of one dense layer."""

    kernel: Rows
    """One row per input, in the order of the features; one column per unit."""
    bias: tuple[float, ...]
    """One number per unit."""


class Given(Strict):
    """Base of networks with configurable initial weights."""

    weights: tuple[Weights, ...] = ()
    """Initial weights of each dense layer in order, including the last, as {kernel = [[...]], bias = [...]}; or the
    path of a JSON file with this list, relative to the project. Empty: made by the initializer."""

    @field_validator("weights", mode="before")
    @classmethod
    def _from_file(cls, value: Any) -> Any:
        return _json(value) if isinstance(value, str) else value


class Penalized(Strict):
    """Base of networks with a penalty on large weights."""

    l1: float = Field(default=0.0, ge=0.0)
    """L1 regularization strength."""
    l2: float = Field(default=0.0, ge=0.0)
    """L2 regularization strength."""


class Regularized(Penalized):
    """Base of networks with initializers, regularization and batch normalization."""

    initializer: str = "glorot_uniform"
    """Keras initializer of the weights."""
    batch_norm: bool = False
    """Apply batch normalization before the activation of each hidden layer."""

    @field_validator("initializer")
    @classmethod
    def _known_initializer(cls, name: str) -> str:
        return checked_name(name, INITIALIZERS, "initializer")


class Layers(Regularized):
    """Base of networks with hidden dense layers."""

    layers: tuple[Units, ...] = Field(default=(128, 64), min_length=1)
    """Units of each hidden dense layer."""
    activation: tuple[str, ...] = ("relu",)
    """Activation of the hidden layers, one for all or a list with one each: a Keras name, piecewise_linear (0 below
    -1/2, z + 1/2 between, 1 above 1/2), or, with given weights, step (0.5 at 0) and sign (0 at 0), which have no
    gradient."""
    dropout: tuple[Rate, ...] = (0.0,)
    """Dropout rate of the hidden layers, one for all or a list with one each; 1 drops everything."""

    @field_validator("activation", "dropout", mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return value if isinstance(value, list | tuple) else (value,)

    @field_serializer("activation", "dropout")
    def _written_short(self, value: tuple[Any, ...]) -> Any:
        return value[0] if len(value) == 1 else value

    @field_validator("activation")
    @classmethod
    def _known_activation(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            checked_name(name, ACTIVATIONS, "activation")
        return value

    @model_validator(mode="after")
    def _one_each(self) -> "Layers":
        for key in ("activation", "dropout"):
            value = getattr(self, key)
            if len(value) not in (1, len(self.layers)):
                raise ValueError(f"{key} has {len(value)} entries for {len(self.layers)} layers: give one for each")
        flat = sorted({name for name in _each(self.activation, len(self.layers)) if name in FLAT})
        if flat and not getattr(self, "weights", ()):
            raise ValueError(
                f"activation {flat[0]!r} has no gradient, so gradient descent cannot train the layers before it: give "
                'weights, use "sigmoid" or "tanh", or take name = "perceptron"'
            )
        return self


def differentiable(name: str, trained: str) -> str:
    """Check that an activation is known and has a gradient, and return its name.

    Args:
        name: The activation.
        trained: Weights that gradient descent cannot train without a gradient, for the message.

    Raises:
        ValueError: The activation is not known, or has no gradient.
    """
    if name in FLAT:
        raise ValueError(f"activation {name!r} has no gradient, so gradient descent cannot train {trained}")
    return checked_name(name, ACTIVATIONS, "activation")


def without_images(outputs: Iterable[Output]) -> None:
    """Check that a network's inputs hold no image.

    Raises:
        ValueError: There is one.
    """
    for output in outputs:
        if output.kind == "image":
            raise ValueError(f"does not read images, and {output.name!r} is one: use cnn, or mlp")


def checked_name(name: str, names: Iterable[str], kind: str) -> str:
    """Check that a name is known, and return it.

    Raises:
        ValueError: The name is not known; the message has the nearest one.
    """
    options = list(names)
    if name not in options:
        close = difflib.get_close_matches(name, options, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else f"Known names: {', '.join(options)}."
        raise ValueError(f"{kind} {name!r} is not known. {hint}")
    return name


def hidden(vector: Any, settings: Layers, prefix: str = "") -> Any:
    """Map a vector through the hidden layers.

    Args:
        vector: float32 (batch, width).
        settings: Settings of the layers.
        prefix: Prefix of the layers' names.

    Returns:
        float32 (batch, layers[-1]).
    """
    from models.layers.keras_layers import dropout

    count = len(settings.layers)
    activations, rates = _each(settings.activation, count), _each(settings.dropout, count)
    for position, (units, name, rate) in enumerate(zip(settings.layers, activations, rates, strict=True)):
        vector = dense(vector, units, name, settings, f"{prefix}hidden_{position}")
        if rate:
            vector = dropout(rate, f"{prefix}dropout_{position}")(vector)
    return vector


def dense(vector: Any, units: int, activation: str, settings: Regularized, name: str) -> Any:
    """Apply a dense layer, with batch normalization before its activation if the settings say so."""
    import keras

    from models.layers import keras_layers

    function = keras_layers.activation(activation)
    plain = "linear" if settings.batch_norm else function
    vector = keras.layers.Dense(units, activation=plain, name=name, **kernel(settings))(vector)
    if settings.batch_norm:
        vector = keras.layers.BatchNormalization(name=f"{name}_norm")(vector)
        vector = keras.layers.Activation(function, name=f"{name}_activation")(vector)
    return vector


def kernel(settings: Regularized) -> dict[str, Any]:
    """Return the initializer and regularizer arguments of a layer."""
    return {"kernel_initializer": settings.initializer, "kernel_regularizer": regularizer(settings)}


def regularizer(settings: Penalized) -> Any:
    """Return the Keras regularizer of a layer; None for none."""
    import keras

    return keras.regularizers.L1L2(settings.l1, settings.l2) if settings.l1 or settings.l2 else None


def _each(value: tuple[Any, ...], count: int) -> tuple[Any, ...]:
    return value * count if len(value) == 1 else value


def _json(path: str) -> Any:
    """Read a JSON file of the project."""
    import json
    import os

    import project

    full = os.path.join(project.folder(), path)
    try:
        with open(full, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise ValueError(f"{full} cannot be read as JSON: {error}") from error
