"""Reads a folder of images: a folder in it for each class, PNG or JPEG files in these."""

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from components.ingestion import files, images
from errors import UserError

BATCH_IMAGES = 256
"""Images held at once; a photo of 4 megapixels takes about 2 MB."""
FIRST = 3
"""Images of each class that a look decodes."""
SUFFIXES = (".png", ".jpg", ".jpeg")
COLUMNS = {"image": "BYTES", "label": "BYTES", "file": "BYTES"}


def batches(path: str, settings: Mapping[str, Any], columns: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
    """Read the images of all classes, in an order without meaning, so that the first rows are of many classes.

    Args:
        path: The folder.
        settings: [data]: `image`, the size that they are resized to.
        columns: Not asked: all are BYTES.

    Yields:
        Batches of `image`, PNG or JPEG, `label`, the class's folder, and `file`, its path below `path`.

    Raises:
        UserError: a file is no image; names it.
    """
    found = sorted(_found(path), key=lambda name: hashlib.sha256(name.encode()).digest())
    for start in range(0, len(found), BATCH_IMAGES):
        names = found[start : start + BATCH_IMAGES]
        encoded = [_image(path, name, settings) for name in names]
        labels = [name.split("/")[0] for name in names]
        yield pa.RecordBatch.from_arrays(
            [pa.array(encoded, pa.binary()), pa.array(labels), pa.array(names)], list(COLUMNS)
        )


def types(path: str, settings: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, str]:
    """`image`, `label` and `file`, all BYTES."""
    return dict(COLUMNS)


def look(path: str, settings: Mapping[str, Any]) -> list[str]:
    """See that there are classes, and that the first images of each can be decoded.

    Returns:
        `image`, `label` and `file`.

    Raises:
        UserError: there are none, or an image cannot be decoded; all findings, one a line.
    """
    classes: dict[str, list[str]] = {}
    for name in _found(path):
        classes.setdefault(name.split("/")[0], []).append(name)
    if not classes:
        raise UserError(
            f"{path} holds no images: put a folder for each class into it, and PNG or JPEG files into these"
        )
    findings = []
    for names in classes.values():
        for name in names[:FIRST]:
            try:
                _image(path, name, settings)
            except UserError as error:
                findings.append(str(error))
    if findings:
        raise UserError("\n".join(findings))
    return list(COLUMNS)


def _found(path: str) -> list[str]:
    """Paths below the folder, CLASS/.../FILE; files beside the classes and of other kinds are passed over."""
    names = [os.path.relpath(name, path) for name in files.within(path)] if not files.is_remote(path) else []
    if files.is_remote(path):
        names = [name[len(path.rstrip("/")) + 1 :] for name in files.matching(f"{path.rstrip('/')}/*/*")]
    return [
        name
        for name in names
        if "/" in name and name.lower().endswith(SUFFIXES) and not any(part.startswith(".") for part in name.split("/"))
    ]


def _image(path: str, name: str, settings: Mapping[str, Any]) -> bytes:
    whole = f"{path.rstrip('/')}/{name}"
    try:
        with contextlib.closing(files.open_binary(whole)) as file:
            return images.normalize(file.read(), settings["image"])
    except (OSError, ValueError) as error:
        raise UserError(f"{whole} cannot be read as an image: {error}. Mend it, or take it out") from error
