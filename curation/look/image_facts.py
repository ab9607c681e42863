"""Size and color of images."""

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
from components.ingestion.readers import images
from components.ingestion.write import image_encoding
from curation.facts.column_facts import Column
from curation.propose.choices import Entry
from spec.data import Data

LOOKED_AT = 300
"""Number of images that are opened."""
LARGEST = 64
"""Maximum proposed side in pixels: enough to classify photos, and fast enough on a CPU."""
_ORIENTATION = 0x0112
"""EXIF tag of the camera's orientation."""


@dataclass(frozen=True)
class Pictures:
    """Sizes of images.

    Attributes:
        height: Median height in pixels.
        width: Median width in pixels.
        same: Whether all opened images have the same size.
        channels: 3 if an image has colors, else 1.
    """

    height: int
    width: int
    same: bool
    channels: int

    @property
    def target(self) -> tuple[int, int]:
        """Height and width for the network: the size of the images if they share one small size, else a square."""
        if self.same and max(self.height, self.width) <= LARGEST:
            return self.height, self.width
        side = 32 if min(self.height, self.width) < 48 else LARGEST
        return side, side


def of(images: Iterable[bytes | str]) -> Pictures:
    """Read the sizes and colors of images.

    Args:
        images: Encoded images, or paths of files; unreadable ones are skipped, since the checks report them.
    """
    sizes, colours = [], False
    for image in list(images)[:LOOKED_AT]:
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


def table(folders: Sequence[str], omissions: Omissions, data: Data | None = None) -> tuple[pa.Table, list[str]]:
    """Return the columns that ingestion creates from folders of classes, without the content of the images.

    Args:
        folders: The data folder, or one folder per ready-made split.
        omissions: Records the skipped files, and with `data` also those that are converted or broken.
        data: [data], to leave out broken files; None if there is no config yet.

    Returns:
        Table of `image` (each cell has only the first bytes of a PNG), `label` and `file`; and the paths of the images.

    Raises:
        UserError: a folder or a class has no images.
    """
    paths, names = list[str](), list[str]()
    for folder in folders:
        if data is None:
            classes, broken = image_folders.survey(folder, omissions), dict[str, str]()
        else:
            classes, broken = images.examine(folder, data, omissions)
            images.leave_out(broken, omissions)
        image_names = [name for class_names in classes.values() for name in class_names if name not in broken]
        names += image_names
        paths += [f"{folder.rstrip('/')}/{name}" for name in image_names]
    printable_names = [name.encode("utf-8", "backslashreplace").decode() for name in names]
    columns = {
        "image": pa.array([b"\x89PNG"] * len(names), pa.binary()),
        "label": pa.array([name.split("/")[0] for name in printable_names], pa.string()),
        "file": pa.array(printable_names, pa.string()),
    }
    return pa.table(columns), paths


def contradictions(paths: Sequence[str], labels: Sequence[str]) -> str:
    """Return the message for identical files in the folders of different classes; "" if there are none.

    Args:
        paths: Paths of n images.
        labels: Their n classes.
    """
    by_size: dict[int, list[int]] = {}
    for number, path in enumerate(paths):
        with contextlib.suppress(OSError):
            by_size.setdefault(os.path.getsize(path), []).append(number)
    equal: dict[str, list[int]] = {}
    for of_one_size in by_size.values():
        # Files of different sizes differ; identical files of one class do not contradict each other.
        for number in of_one_size if len({labels[position] for position in of_one_size}) > 1 else ():
            with contextlib.suppress(OSError):
                equal.setdefault(code_digest.file(paths[number]), []).append(number)
    contradicting = [group for group in equal.values() if len({labels[position] for position in group}) > 1]
    if not contradicting:
        return ""
    example = " and ".join("/".join(paths[position].split("/")[-2:]) for position in contradicting[0][:2])
    return (
        f"{sum(map(len, contradicting)):,} images are identical to an image of another class, such as {example}: at "
        "least one label of each is wrong"
    )


def some(paths: Sequence[str]) -> list[str]:
    """Sample about LOOKED_AT images at even intervals."""
    return list(paths[:: max(1, len(paths) // LOOKED_AT)])


def column(rows: int) -> Column:
    """Return the statistics of the column `image`."""
    return Column("image", "BYTES", rows, 0, rows, (), picture=True)


def entry(pictures: Pictures) -> Entry:
    """Propose the role of the column `image`."""
    height, width = pictures.target
    sizes = f"{'all' if pictures.same else 'about'} {pictures.height} x {pictures.width} pixels"
    size = "original size" if (pictures.height, pictures.width) == pictures.target and pictures.same else "resized"
    colours = "color" if pictures.channels == 3 else "grayscale"
    values = {"column": "image", "height": height, "width": width, "channels": pictures.channels}
    return Entry("image", values, f"{sizes}, {colours}; {size}")
