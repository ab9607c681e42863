"""Reader of images and labels in IDX files, the format of MNIST (yann.lecun.com/exdb/mnist)."""

import contextlib
import math
import os
import struct
from collections.abc import Iterator, Mapping
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from components.ingestion.discovery import compression, opening
from components.ingestion.omissions import Omissions
from components.ingestion.parsing import casting
from components.ingestion.readers import Format
from components.ingestion.write import image_encoding
from errors import UserError
from spec.data import Data

BATCH_IMAGES, BATCH_BYTES = 1024, 64 << 20
"""Maximum number of images, and of bytes of their pixels, per batch."""
_BYTES = 0x08
"""IDX's code for unsigned bytes, the only supported type."""
COLUMNS = {"image": "BYTES", "label": "INT"}


def labels_of(path: str) -> str:
    """Return the label file of an image file: `images` and `idx3` in its name become `labels` and `idx1`."""
    folder, name = os.path.split(path)
    return os.path.join(folder, name.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1"))


def _is_labels(path: str) -> bool:
    name = os.path.basename(path)
    return "labels" in name and "images" not in name


FORMAT = Format(
    extensions=("-ubyte", ".idx"),
    keys=("image",),
    is_table=False,
    companion=labels_of,
    is_companion=_is_labels,
)


def batches(
    path: str, data: Data, columns: Mapping[str, str], omissions: Omissions | None = None
) -> Iterator[pa.RecordBatch]:
    """Read images and labels in batches.

    Args:
        path: The file of images, unsigned bytes of (n, height, width) or (n, height, width, channels).
        data: [data]: `image`, the size that they are resized to.
        columns: Type of `label`, if it is not INT.
        omissions: Records skipped, dropped and converted parts.

    Yields:
        Batches of `image`, PNG, and `label`.

    Raises:
        UserError: a file cannot be read, or the files have different numbers of images and labels.
    """
    with _opened(path) as (images, shape), _opened(labels_of(path)) as (label, labels):
        _check(path, shape, labels)
        step = min(BATCH_IMAGES, max(1, BATCH_BYTES // math.prod(shape[1:])))
        for start in range(0, shape[0], step):
            count = min(step, shape[0] - start)
            pixels = np.frombuffer(_exactly(images, count * math.prod(shape[1:]), path), np.uint8)
            classes = np.frombuffer(_exactly(label, count, labels_of(path)), np.uint8).astype(np.int64)
            encoded = [image_encoding.encode(image, data.image) for image in pixels.reshape(count, *shape[1:])]
            kind = columns.get("label", "INT")
            yield pa.RecordBatch.from_arrays(
                [pa.array(encoded, pa.binary()), casting.convert(pa.array(classes), kind)], list(COLUMNS)
            )


def types(path: str, data: Data, columns: Mapping[str, str], omissions: Omissions | None = None) -> dict[str, str]:
    """Return the types of `image` and `label`: the given types, else BYTES and INT."""
    return {name: columns.get(name, kind) for name, kind in COLUMNS.items()}


def look(path: str, data: Data, omissions: Omissions | None = None) -> list[str]:
    """Check that both files can be read and have the same number of images and labels.

    Returns:
        `image` and `label`.

    Raises:
        UserError: a file cannot be read, or the numbers differ.
    """
    with _opened(path) as (_, shape), _opened(labels_of(path)) as (_, labels):
        _check(path, shape, labels)
    return list(COLUMNS)


def _check(path: str, shape: tuple[int, ...], labels: tuple[int, ...]) -> None:
    if len(shape) not in (3, 4) or not all(shape[1:]) or (len(shape) == 4 and shape[3] not in (1, 3)):
        raise UserError(
            f"{path} holds bytes of shape {shape}: images are (number, height, width), or with 1 or 3 channels"
        )
    if shape[1] * shape[2] > image_encoding.MAX_PIXELS:
        raise UserError(
            f"{path} holds images of {shape[1]:,} x {shape[2]:,} pixels, more than the limit of "
            f"{image_encoding.MAX_PIXELS:,}: its header may be damaged"
        )
    if labels != shape[:1]:
        raise UserError(f"{path} holds {shape[0]:,} images, but {labels_of(path)} labels of shape {labels}")
    if not shape[0]:
        raise UserError(f"{path} holds no images")


@contextlib.contextmanager
def _opened(path: str) -> Iterator[tuple[BinaryIO, tuple[int, ...]]]:
    """Open a file, positioned after its header, and yield it with the shape of its array."""
    try:
        with contextlib.closing(opening.open_unpacked(path)) as file:
            zero, kind, dimensions = struct.unpack(">HBB", _exactly(file, 4, path))
            if zero or kind != _BYTES:
                raise UserError(f"{path} is not an IDX file of bytes: it starts with {zero:#06x}, {kind:#04x}")
            yield file, struct.unpack(f">{dimensions}I", _exactly(file, 4 * dimensions, path))
    except FileNotFoundError as error:
        raise UserError(
            f"there is no file {path}: the labels of images lie beside them, with `labels` and `idx1` in the name "
            "instead of `images` and `idx3`"
        ) from error
    except compression.FAULTS as error:
        raise UserError(f"{path} cannot be read: {error}") from error


def _exactly(file: BinaryIO, count: int, path: str) -> bytes:
    content = file.read(count)
    if len(content) < count:
        raise UserError(f"{path} is truncated, or is not an IDX file")
    return content
