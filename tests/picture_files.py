"""Image files for tests."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)
"""Start of a HEIC file."""
ORIENTATION = 0x0112


CONFIG = """
    network = "linear"
    [data]
    path = "data/photos"
    split = {train = 2, eval = 1, test = 1}
    [columns]
    id = "file"
    [features]
    image = [{height = 4, width = 4, channels = 3}]
    [label]
    column = "label"
    task = "classes"
    classes = ["cat", "dog"]
"""
"""A config with images, for tests with a small project."""
_COLUMN = "type: BYTES presence { min_fraction: 1.0 min_count: 1 } shape { dim { size: 1 } } }"
SCHEMA = "".join(f'feature {{ name: "{name}" {_COLUMN}\n' for name in ("image", "label", "file"))


def noise(seed: int = 0, size: tuple[int, int] = (12, 16)) -> Image.Image:
    """Return a color image of smooth noise, by default 12 pixels high and 16 wide."""
    small = np.random.default_rng(seed).integers(0, 256, (4, 5, 3)).astype(np.uint8)
    return Image.fromarray(small).resize(size[::-1], Image.Resampling.BICUBIC)


def deep(height: int = 12, width: int = 16) -> np.ndarray[Any, Any]:
    """Return 16 bit gray pixels over the full range, (height, width)."""
    return np.linspace(0, 65535, height * width).round().astype(np.uint16).reshape(height, width)


def encoded(image: Image.Image, kind: str, **keys: Any) -> bytes:
    """Return an image as the content of a file."""
    out = io.BytesIO()
    image.save(out, kind, **keys)
    return out.getvalue()


def turned(value: int, kind: str = "JPEG") -> bytes:
    """Return an image with an EXIF orientation."""
    exif = Image.Exif()
    exif[ORIENTATION] = value
    return encoded(noise(), kind, exif=exif)


def folder(root: Path, files: Mapping[str, bytes]) -> Path:
    """Write files below a folder, by their paths."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def classes(root: Path, count: int = 6, names: tuple[str, ...] = ("cat", "dog")) -> Path:
    """Write `count` different PNG files for each class."""
    return folder(
        root,
        {
            f"{name}/{number}.png": encoded(noise(count * place + number), "PNG")
            for place, name in enumerate(names)
            for number in range(count)
        },
    )


def pixels(content: bytes) -> np.ndarray[Any, Any]:
    """Return the pixels of a PNG."""
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == "PNG"
        return np.asarray(image)
