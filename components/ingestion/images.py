"""Images as encoded bytes: PNG or JPEG, of any size or of one."""

import io
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

PLAIN_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA")
"""Pillow's modes that TensorFlow decodes too; CMYK and the like are turned into RGB."""
_ORIENTATION = 0x0112
"""EXIF's tag for how a camera was held, which TensorFlow does not read."""


def encode(pixels: np.ndarray[Any, Any], size: Mapping[str, int | None]) -> bytes:
    """Pixels as PNG, which loses nothing.

    Args:
        pixels: uint8 (height, width) or (height, width, 1 or 3).
        size: `height` and `width` to resize to; None for as it is.
    """
    if size["height"] is None or pixels.shape[:2] == (size["height"], size["width"]):
        return _png_of(pixels)
    plain = pixels[:, :, 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    return _png(_resized(Image.fromarray(plain), size))


def normalize(content: bytes, size: Mapping[str, int | None]) -> bytes:
    """An image file as PNG or JPEG that TensorFlow decodes; unchanged where it is one and no size is asked for.

    Args:
        content: The file.
        size: As for `encode`.

    Raises:
        ValueError: it is no image, or is broken.
    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            turned = image.getexif().get(_ORIENTATION, 1) != 1
            plain = image.format in ("PNG", "JPEG") and image.mode in PLAIN_MODES
            if plain and not turned and size["height"] is None:
                return content
            upright = ImageOps.exif_transpose(image) if turned else image
            mode = "L" if upright.mode in ("1", "L") else "RGB"
            return _png(_resized(upright.convert(mode), size))
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(str(error)) from error


def _resized(image: Image.Image, size: Mapping[str, int | None]) -> Image.Image:
    height, width = size["height"], size["width"]
    if height is None or width is None or image.size == (width, height):
        return image
    return image.resize((width, height), Image.Resampling.BILINEAR)


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def _png_of(pixels: np.ndarray[Any, Any]) -> bytes:
    """A PNG by hand (w3.org/TR/png-3, section 11), which is faster than Pillow for small images."""
    height, width = pixels.shape[:2]
    colour = 2 if pixels.ndim == 3 and pixels.shape[2] == 3 else 0
    # Each row starts with its filter: 0, none.
    rows = np.zeros((height, 1 + pixels.size // height), np.uint8)
    rows[:, 1:] = pixels.reshape(height, -1)
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows.tobytes(), 1)), (b"IEND", b""))
    parts = [b"\x89PNG\r\n\x1a\n"]
    for name, body in chunks:
        parts += [struct.pack(">I", len(body)), name, body, struct.pack(">I", zlib.crc32(name + body))]
    return b"".join(parts)
