"""What images are like: their size, and whether they have colours."""

import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, UnidentifiedImageError

from components.ingestion import files
from components.ingestion.folder_source import SUFFIXES
from curation.choices import Entry
from curation.facts import Column

LOOKED_AT = 300
"""Images that are opened."""
LARGEST = 64
"""Longest side that the network gets by itself: a photo's class is seen at this size, and a CPU trains on it."""


@dataclass(frozen=True)
class Pictures:
    """Sizes of images.

    Attributes:
        height: Median, in pixels.
        width: Median, in pixels.
        same: Whether all that were opened have one size.
        channels: 3 where one has colours, else 1.
    """

    height: int
    width: int
    same: bool
    channels: int

    @property
    def target(self) -> tuple[int, int]:
        """Height and width for the network: the images' own where they are of one small size, else a square."""
        if self.same and max(self.height, self.width) <= LARGEST:
            return self.height, self.width
        side = 32 if min(self.height, self.width) < 48 else LARGEST
        return side, side


def of(images: Iterable[bytes | str]) -> Pictures:
    """Look at some images.

    Args:
        images: Encoded images, or paths of files; those that are no images are passed over.
    """
    sizes, colours = [], False
    for image in list(images)[:LOOKED_AT]:
        try:
            with Image.open(image if isinstance(image, str) else io.BytesIO(image)) as opened:
                sizes.append((opened.height, opened.width))
                colours = colours or opened.mode not in ("1", "L", "LA", "I", "I;16", "F")
        except (UnidentifiedImageError, OSError):
            continue
    height, width = np.median(np.array(sizes or [(LARGEST, LARGEST)]), axis=0)
    return Pictures(int(height), int(width), len(set(sizes)) <= 1, 3 if colours else 1)


def names(folder: str) -> list[str]:
    """Paths of images below a folder of classes, CLASS/.../FILE."""
    found = [os.path.relpath(path, folder) for path in files.within(folder)]
    return [name for name in found if "/" in name and name.lower().endswith(SUFFIXES) and "/." not in f"/{name}"]


def some(found: Sequence[tuple[str, str]]) -> list[str]:
    """Paths of some images, taken evenly out of all."""
    step = max(1, len(found) // LOOKED_AT)
    return [os.path.join(folder, name) for folder, name in found[::step]]


def column(rows: int) -> Column:
    """Facts of the column `image`."""
    return Column("image", "BYTES", rows, 0, rows, (), picture=True)


def entry(found: Pictures) -> Entry:
    """The role of the column `image`."""
    height, width = found.target
    sizes = f"{'all' if found.same else 'about'} {found.height} x {found.width} pixels"
    size = "kept as they are" if (found.height, found.width) == found.target and found.same else "resized"
    colours = "in colours" if found.channels == 3 else "grey"
    values = {"column": "image", "height": height, "width": width, "channels": found.channels}
    return Entry("image", values, f"{sizes}, {colours}; {size}")
