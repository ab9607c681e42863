"""Convolutional network for one image per row; other features are concatenated after the last convolution.

Default, as for the digits: 32 filters of 3 x 3, 64 filters of 3 x 3, max pooling of 2 x 2, dropout 0.25, a dense layer
of 128 units, dropout 0.5.
"""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field, field_validator

from models.layers import dense
from spec.base import Strict
from spec.columns.role import Output


class Block(Strict):
    """One convolution with pooling and dropout."""

    filters: int = Field(ge=1)
    """Number of filters."""
    kernel: int = Field(default=3, ge=1)
    """Height and width of the kernel in pixels."""
    pool: int = Field(default=1, ge=1)
    """Size of max pooling; 1: no pooling."""
    dropout: dense.Rate = 0.0
    """Dropout rate."""
    batch_norm: bool = False
    """Apply batch normalization before the activation."""


class Augmentation(Strict):
    """Random changes of each image, in training only."""

    shift: float = Field(default=0.0, ge=0.0, le=1.0)
    """Largest shift in each direction, as a share of height and width."""
    rotate: float = Field(default=0.0, ge=0.0, le=180.0)
    """Largest rotation in either direction, in degrees."""
    zoom: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Largest change of size in either direction, as a share."""
    flip: Literal["none", "horizontal", "vertical", "both"] = "none"
    """Flip at random."""


class Settings(dense.Layers):
    """Keys of [network] with name = "cnn"."""

    blocks: tuple[Block, ...] = Field(
        default=(Block(filters=32), Block(filters=64, pool=2, dropout=0.25)), min_length=1
    )
    """Convolutions in order."""
    padding: Literal["valid", "same"] = "valid"
    """valid: a convolution removes kernel - 1 pixels; same: edges are padded with zeros."""
    layers: tuple[dense.Units, ...] = Field(default=(128,), min_length=1)
    """Units of each dense layer after the convolutions."""
    dropout: tuple[dense.Rate, ...] = (0.5,)
    """Dropout rate of the dense layers, one for all or a list with one each."""
    convolution_activation: str = "relu"
    """Activation of the convolutions."""
    augmentation: Augmentation = Augmentation()

    @field_validator("convolution_activation")
    @classmethod
    def _known_convolution_activation(cls, name: str) -> str:
        return dense.differentiable(name, "a convolution")


def check(outputs: Sequence[Output], network: Settings) -> None:
    """Check that the features contain one image, which is large enough for all blocks.

    Raises:
        ValueError: names the block.
    """
    images = [output for output in outputs if output.kind == "image"]
    if len(images) != 1:
        raise ValueError(f"needs one column under features.image, found {len(images)}")
    height, width, _ = images[0].shape
    for number, block in enumerate(network.blocks):
        if network.padding == "valid":
            height, width = height - block.kernel + 1, width - block.kernel + 1
        height, width = height // block.pool, width // block.pool
        if min(height, width) < 1:
            raise ValueError(f"blocks.{number} leaves nothing of an image of {images[0].shape[:2]} pixels: remove it")


def build(features: Any, network: Settings) -> Any:
    """Map the image and the other features to the last hidden layer.

    Args:
        features: FeatureInputs of models/layers/feature_inputs.py.
        network: The settings.

    Returns:
        float32 (batch, layers[-1]).
    """
    import keras

    from models.layers import keras_layers

    (image,) = features.images
    image = augmented(image, network.augmentation)
    function = keras_layers.activation(network.convolution_activation)
    for number, block in enumerate(network.blocks):
        norm = block.batch_norm or network.batch_norm
        image = keras.layers.Conv2D(
            block.filters,
            block.kernel,
            padding=network.padding,
            activation="linear" if norm else function,
            name=f"convolution_{number}",
            **dense.kernel(network),
        )(image)
        if norm:
            image = keras.layers.BatchNormalization(name=f"convolution_{number}_norm")(image)
            image = keras.layers.Activation(function, name=f"convolution_{number}_activation")(image)
        if block.pool > 1:
            image = keras.layers.MaxPooling2D(block.pool, name=f"pool_{number}")(image)
        if block.dropout:
            image = keras_layers.dropout(block.dropout, f"convolution_{number}_dropout")(image)
    vector = keras.layers.Flatten(name="flatten")(image)
    if features.beside_images is not None:
        vector = keras.layers.Concatenate(name="joined")([vector, features.beside_images])
    return dense.hidden(vector, network)


def augmented(image: Any, change: Augmentation) -> Any:
    """Augment images in training; return them unchanged otherwise."""
    import keras

    from models.layers import keras_layers

    inner: list[Any] = []
    if change.shift:
        inner.append(keras.layers.RandomTranslation(change.shift, change.shift, "nearest", name="shift"))
    if change.rotate:
        inner.append(keras.layers.RandomRotation(change.rotate / 360.0, "nearest", name="rotate"))
    if change.zoom:
        inner.append(keras.layers.RandomZoom(change.zoom, fill_mode="nearest", name="zoom"))
    if change.flip != "none":
        mode = "horizontal_and_vertical" if change.flip == "both" else change.flip
        inner.append(keras.layers.RandomFlip(mode, name="flip"))
    return keras_layers.InTraining(inner, name="augmentation")(image) if inner else image
