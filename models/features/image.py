"""Role `image`: an encoded image as pixels."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from spec.columns.role import ColumnRole, Output


class Settings(ColumnRole):
    """An encoded PNG or JPEG image, decoded, resized and scaled to 0..1 in the transform graph."""

    types: ClassVar[tuple[str, ...]] = ("BYTES",)
    compared: ClassVar[bool] = False
    column: str = "image"
    """Name of the raw column."""
    height: int = Field(ge=1, le=4096)
    """Height in pixels after resizing."""
    width: int = Field(ge=1, le=4096)
    """Width in pixels after resizing."""
    channels: Literal[1, 3] = 1
    """1: grey; 3: red, green, blue."""


def outputs(settings: Settings) -> Iterator[Output]:
    """Yield the pixels."""
    shape = (settings.height, settings.width, settings.channels)
    yield Output(name=f"{settings.column}_pixels", kind="image", shape=shape)


def transform(columns: Any, settings: Settings) -> Mapping[str, Any]:
    """Decode PNG or JPEG of any size and depth, apply the EXIF orientation, resize and scale to 0..1.

    Returns:
        float32 (batch, height * width * channels), rows of pixels one after the other.
    """
    from models.transform_graph.images import image_decoding

    encoded = columns.cells(settings.column).value
    size = (settings.height, settings.width)
    pixels = image_decoding.decode(encoded, size, settings.channels, column=settings.column)
    return {f"{settings.column}_pixels": pixels}
