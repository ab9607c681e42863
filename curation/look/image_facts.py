"""Facts about images: size and color."""

import contextlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from PIL import Image

from components.fingerprints import code_digest
from components.ingestion.discovery import image_folders
from components.ingestion.omissions import Omissions
from components.ingestion.write import image_encoding
from curation.facts.column_facts import Column
from curation.propose.choices import Entry

LOOKED_AT = 300
"""Number of images that are opened."""
LARGEST = 64
"""Longest proposed side in pixels: enough to classify photos, and fast enough on a CPU."""
_ORIENTATION = 0x0112
"""EXIF's tag for how a camera was held."""


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


def of(found: Iterable[bytes | str]) -> Pictures:
    """Look at some images.

    Args:
        found: Encoded images, or paths of files; those that cannot be read are for the checks to name.
    """
    sizes, colours = [], False
    for image in list(found)[:LOOKED_AT]:
        try:
            with image_encoding.opened(image) as opened:
                turned = opened.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
                size = (opened.height, opened.width)
                sizes.append(size[::-1] if turned else size)
                colours = colours or _has_colours(opened)
        except image_encoding.BadImageError:
            continue
    height, width = np.median(np.array(sizes or [(LARGEST, LARGEST)]), axis=0)
    return Pictures(int(height), int(width), len(set(sizes)) <= 1, 3 if colours else 1)


def _has_colours(image: Image.Image) -> bool:
    if image.mode == "P":
        palette = np.array(image.getpalette("RGB") or [0, 0, 0]).reshape(-1, 3)
        return bool((palette != palette[:, :1]).any())
    return image.mode not in image_encoding.GREY and not image.mode.startswith("I") and image.mode != "F"


def table(folders: Sequence[str], omissions: Omissions) -> tuple[pa.Table, list[str]]:
    """The columns that ingestion makes of folders of classes, without the images themselves.

    Args:
        folders: The data's, or one for each ready-made split.
        omissions: Takes what is passed over.

    Returns:
        `image` (the first bytes of a PNG in each cell), `label` and `file`; and the images' paths.

    Raises:
        UserError: a folder, or a class, has no image.
    """
    paths, names = list[str](), list[str]()
    for folder in folders:
        found = [name for own in image_folders.survey(folder, omissions).values() for name in own]
        names += found
        paths += [f"{folder.rstrip('/')}/{name}" for name in found]
    shown = [name.encode("utf-8", "backslashreplace").decode() for name in names]
    columns = {
        "image": pa.array([b"\x89PNG"] * len(names), pa.binary()),
        "label": pa.array([name.split("/")[0] for name in shown], pa.string()),
        "file": pa.array(shown, pa.string()),
    }
    return pa.table(columns), paths


def contradictions(paths: Sequence[str], labels: Sequence[str]) -> str:
    """A sentence on equal files in the folders of several classes; empty where there are none.

    Args:
        paths: The images.
        labels: The class of each.
    """
    by_size: dict[int, list[int]] = {}
    for number, path in enumerate(paths):
        with contextlib.suppress(OSError):
            by_size.setdefault(os.path.getsize(path), []).append(number)
    equal: dict[str, list[int]] = {}
    for alike in by_size.values():
        # Files of other sizes differ, and those of one class agree.
        for number in alike if len({labels[one] for one in alike}) > 1 else ():
            with contextlib.suppress(OSError):
                equal.setdefault(code_digest.file(paths[number]), []).append(number)
    several = [group for group in equal.values() if len({labels[one] for one in group}) > 1]
    if not several:
        return ""
    shown = " and ".join("/".join(paths[one].split("/")[-2:]) for one in several[0][:2])
    return (
        f"{sum(map(len, several)):,} images are identical to an image of another class, such as {shown}: at least one "
        "label of each is wrong"
    )


def some(paths: Sequence[str]) -> list[str]:
    """Some images, taken evenly out of all."""
    return list(paths[:: max(1, len(paths) // LOOKED_AT)])


def column(rows: int) -> Column:
    """Facts of the column `image`."""
    return Column("image", "BYTES", rows, 0, rows, (), picture=True)


def entry(found: Pictures) -> Entry:
    """The role of the column `image`."""
    height, width = found.target
    sizes = f"{'all' if found.same else 'about'} {found.height} x {found.width} pixels"
    size = "original size" if (found.height, found.width) == found.target and found.same else "resized"
    colours = "color" if found.channels == 3 else "grayscale"
    values = {"column": "image", "height": height, "width": width, "channels": found.channels}
    return Entry("image", values, f"{sizes}, {colours}; {size}")
