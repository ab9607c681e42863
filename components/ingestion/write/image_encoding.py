"""Encoding of images as PNG or JPEG, in their original size or resized.

A PNG or JPEG file is kept byte for byte: the transform graph decodes the same bytes in training and in serving. A file
of another format, or a resized image, becomes a PNG.
"""

import contextlib
import importlib
import io
import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from components.ingestion.discovery import image_folders
from spec.data import Image as ImageSize

MAX_PIXELS = 100_000_000
"""Maximum number of pixels of an image, which decoded takes up to 0.4 GB; a small file can declare more."""
KEPT = ("PNG", "JPEG", "MPO")
"""Pillow's formats that the transform graph decodes; MPO is JPEG with further images after it, decoded as JPEG."""
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP", "DIB", "TIFF", "PPM")
"""Pillow's formats that are read; some of its other decoders start external programs."""
_NAMES = {"MPO": "JPEG", "WEBP": "WebP", "DIB": "BMP", "PPM": "PNM"}
GREY = ("1", "L", "LA", "La")
"""Pillow's 8-bit grayscale modes; the names of deeper ones start with I or are F."""
_PLUGINS = ("Avif", "Bmp", "Gif", "Jpeg", "Png", "Ppm", "Tiff", "WebP")
_IEND = b"\0\0\0\0IEND\xaeB`\x82"
"""The end chunk of a PNG file; TensorFlow requires it, Pillow does not."""


class BadImageError(ValueError):
    """An image cannot be read; the message gives the reason."""


@dataclass(frozen=True)
class Normal:
    """An image file as PNG or JPEG.

    Attributes:
        content: PNG or JPEG file.
        source: Format of the original file, as in `image_folders.READ`.
        converted: Whether the original format is neither PNG nor JPEG, and so cannot be sent to the served model.
        frames: Number of frames of an animation, or of pages; the first is read.
    """

    content: bytes
    source: str
    converted: bool
    frames: int


def encode(pixels: np.ndarray[Any, Any], size: ImageSize) -> bytes:
    """Encode pixels as PNG, without loss.

    Args:
        pixels: uint8 (height, width) or (height, width, 1 or 3).
        size: `height` and `width` to resize to; None for the original size.
    """
    if size.height is None or pixels.shape[:2] == (size.height, size.width):
        return _png_of(pixels)
    plain = pixels[:, :, 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    return _png(_resized(Image.fromarray(plain), size))


def normalize(content: bytes, size: ImageSize) -> Normal:
    """Convert an image file to PNG; a PNG or JPEG file without a target size is returned unchanged.

    Args:
        content: The file.
        size: As for `encode`.

    Raises:
        BadImageError: it is not an image, is broken, or has too many pixels or an unknown range of pixels.
    """
    with opened(content) as image:
        kind, frames = str(image.format), getattr(image, "n_frames", 1)
        source = _NAMES.get(kind, kind)
        image.load()
        if kind == "PNG" and _IEND not in content:
            raise BadImageError("it is truncated")
        if kind in KEPT and size.height is None:
            return Normal(content, source, False, 1 if kind == "MPO" else frames)
        png = _png(_resized(plain(ImageOps.exif_transpose(image)), size))
        return Normal(png, source, kind not in KEPT, 1 if kind == "MPO" else frames)


@contextlib.contextmanager
def opened(content: bytes | str) -> Iterator[Image.Image]:
    """Open an image without decoding its pixels; errors in opening or within the context become BadImageError.

    Args:
        content: An image file, or its path.

    Raises:
        BadImageError: it is not an image, is broken or has too many pixels.
    """
    for name in _PLUGINS:
        importlib.import_module(f"PIL.{name}ImagePlugin")
    try:
        # Pillow warns about images that are refused below, and about damage that it tolerates.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(content if isinstance(content, str) else io.BytesIO(content), formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise BadImageError(_too_large(f"{image.width:,} x {image.height:,}"))
                yield image
    except Image.DecompressionBombError as error:
        pixels = re.search(r"\d+", str(error))
        raise BadImageError(_too_large(f"{int(pixels[0]):,}" if pixels else "too many")) from error
    except (BadImageError, MemoryError):
        raise
    except Exception as error:  # a broken file makes Pillow's decoders raise almost anything
        raise BadImageError(_why(content, error)) from error


def plain(image: Image.Image) -> Image.Image:
    """Convert an image to a mode that PNG stores at full range: L, RGB, or I;16 for grayscale of more than 8 bits.

    An alpha channel is dropped, as in the transform graph.

    Raises:
        BadImageError: the range of its pixels is unknown: integers above 16 bits, or fractions outside 0 to 1.
    """
    if image.mode in GREY:
        return (image.convert("LA") if image.mode == "La" else image).convert("L")
    if not image.mode.startswith("I") and image.mode != "F":
        return image.convert("RGB")
    pixels = np.asarray(image)
    low, high = pixels.min(), pixels.max()
    max_value = 1.0 if image.mode == "F" else 65535
    if not (low >= 0 and high <= max_value):
        raise BadImageError(
            f"its pixels are {'fractions' if image.mode == 'F' else 'whole numbers of 32 bits'} from {low:g} to "
            f"{high:g}; 0 to {max_value:g} is read: scale them, and write PNG of 16 bits"
        )
    return Image.fromarray((pixels * 65535 + 0.5 if image.mode == "F" else pixels).astype(np.uint16))


def _too_large(pixels: str) -> str:
    return f"it has {pixels} pixels, more than {MAX_PIXELS:,}: make it smaller, as with `magick mogrify -resize 2000x`"


def _why(content: bytes | str, error: Exception) -> str:
    """Return why an image cannot be opened or decoded."""
    if isinstance(content, str):
        return f"{type(error).__name__}: {error}"
    if not content:
        return "it is empty"
    kind = image_folders.format_of(content[: image_folders.HEAD_BYTES], len(content))
    if kind is None:
        return "it is not an image"
    if kind not in image_folders.READ:
        return f"it is {kind}, which is not read: convert it, as with `magick mogrify -format png`"
    return f"this {kind} file is broken or was cut ({' '.join(str(error).split()) or type(error).__name__})"


def _resized(image: Image.Image, size: ImageSize) -> Image.Image:
    height, width = size.height, size.width
    if height is None or width is None or image.size == (width, height):
        return image
    if not image.mode.startswith("I"):
        return image.resize((width, height), Image.Resampling.BILINEAR)
    fractions = Image.fromarray(np.asarray(image).astype(np.float32))
    pixels = np.asarray(fractions.resize((width, height), Image.Resampling.BILINEAR))
    return Image.fromarray((pixels + 0.5).clip(0, 65535).astype(np.uint16))


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def _png_of(pixels: np.ndarray[Any, Any]) -> bytes:
    """Encode pixels as PNG without Pillow (w3.org/TR/png-3, section 11), which is faster for small images."""
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
