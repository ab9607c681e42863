"""Reader of folders of images: one folder of image files per class."""

import contextlib
import hashlib
import math
import os
import struct
from collections.abc import Iterator, Mapping

import pyarrow as pa

from components.ingestion.discovery import image_folders, opening
from components.ingestion.omissions import Omissions
from components.ingestion.parsing import casting
from components.ingestion.readers import Format
from components.ingestion.write import image_encoding
from errors import UserError
from spec.data import Data
from spec.rows import data_paths

FORMAT = Format(keys=("image",), is_table=False, is_folder=True, added_columns=("file",))
BATCH_IMAGES = 256
"""Maximum number of images in a batch."""
BATCH_BYTES = 64 << 20
"""Size in bytes at which a batch is full: sixteen photos of 4 MB."""
MAX_LISTED = 20
"""Maximum number of unreadable files that a message names."""
TAIL_BYTES = 64
"""Bytes at the end of a file that are searched for the end marker; a file with more data after it is decoded."""
ENDS = {"PNG": b"IEND", "JPEG": b"\xff\xd9"}
"""Format -> end marker of a file."""
KEPT = ("PNG", "JPEG")
PNG_SIZE_OFFSET = 16
"""Position of width and height in a PNG file (w3.org/TR/png-3, section 11.2.1)."""
LARGE_BYTES = 2 << 20
"""Size in bytes from which `look` opens a file of another format to read its size in pixels."""
DECODED = 3
"""Images per class that `look` decodes although they look complete."""
COLUMNS = {"image": "BYTES", "label": "BYTES", "file": "BYTES"}


def batches(
    path: str, data: Data, columns: Mapping[str, str], omissions: Omissions | None = None
) -> Iterator[pa.RecordBatch]:
    """Read the images of all classes in a shuffled order, so that the first rows cover many classes.

    Args:
        path: The data folder.
        data: [data]: `image`, with the target size and the allowed share of broken files.
        columns: Type of `label`, if it is not BYTES.
        omissions: Records skipped, dropped and converted parts.

    Yields:
        Batches of `image` (PNG or JPEG), `label` (name of the class folder) and `file` (path relative to `path`).

    Raises:
        UserError: too many files are not images, or a class has no images; the message names them.
    """
    omitted = Omissions() if omissions is None else omissions
    classes = image_folders.survey(path, omitted)
    names = [name for images in classes.values() for name in images]
    names.sort(key=lambda name: hashlib.sha256(os.fsencode(name)).digest())
    kind, broken, size = columns.get("label", "BYTES"), dict[str, str](), 0
    contents: dict[str, bytes] = {}
    for name in names:
        try:
            contents[name] = _read(path, name, data, omitted)
            size += len(contents[name])
        except ValueError as error:
            broken[name] = str(error)
        if len(contents) == BATCH_IMAGES or size >= BATCH_BYTES:
            yield _batch(path, contents, kind)
            contents, size = {}, 0
    if contents:
        yield _batch(path, contents, kind)
    check_broken(path, classes, broken, data)
    leave_out(broken, omitted)


def types(path: str, data: Data, columns: Mapping[str, str], omissions: Omissions | None = None) -> dict[str, str]:
    """Return the types of the columns: `image` and `file` BYTES, `label` the given type, else BYTES."""
    return {**COLUMNS, "label": columns.get("label", "BYTES")}


def look(path: str, data: Data, omissions: Omissions | None = None) -> list[str]:
    """Check that each class has images, and that their sizes, first and last bytes are valid.

    Returns:
        `image`, `label` and `file`.

    Raises:
        UserError: there are no images, or too many cannot be decoded; all findings, one per line.
    """
    omitted = Omissions() if omissions is None else omissions
    classes, broken = examine(path, data, omitted)
    check_broken(path, classes, broken, data)
    leave_out(broken, omitted)
    return list(COLUMNS)


def examine(path: str, data: Data, omitted: Omissions) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Find the images by their first and last bytes, of which a few per class are decoded.

    Args:
        path: The data folder.
        data: [data]: `image`.
        omitted: Records the files that are skipped or converted.

    Returns:
        Class -> its files; and file -> why it cannot be read.

    Raises:
        UserError: the folder or a class has no images.
    """
    classes = image_folders.survey(path, omitted)
    broken: dict[str, str] = {}
    for names in classes.values():
        for number, name in enumerate(names):
            kind, is_complete = (None, True) if data_paths.is_remote(path) else _detect(os.path.join(path, name))
            if kind in image_folders.READ and kind not in KEPT:
                omitted.add("file", _conversion(kind), name, action="converted")
            if number < DECODED or not is_complete:
                try:
                    _read(path, name, data, Omissions())
                except ValueError as error:
                    broken[name] = str(error)
    return classes, broken


def leave_out(broken: Mapping[str, str], omitted: Omissions) -> None:
    """Record broken files.

    Args:
        broken: File -> why it cannot be read.
        omitted: Records them.
    """
    for name, reason in broken.items():
        omitted.add("file", reason, name, action="left out")


def check_broken(path: str, classes: Mapping[str, list[str]], broken: Mapping[str, str], data: Data) -> None:
    """Check that not too many files are broken, and that each class has readable files.

    Args:
        path: The data folder.
        classes: Class -> its files.
        broken: File -> why it cannot be read.
        data: [data]: `image.max_broken`.

    Raises:
        UserError: too many are broken, or a class has no readable file; the message names the files.
    """
    every, most = sum(map(len, classes.values())), data.image.max_broken
    findings = []
    if len(broken) > most * every:
        findings = [
            f"{path}/{name} cannot be read as an image: {reason}" for name, reason in list(broken.items())[:MAX_LISTED]
        ]
        if len(broken) > MAX_LISTED:
            findings.append(f"{path}: and {len(broken) - MAX_LISTED:,} more files cannot be read as images")
        share = math.ceil(1000 * len(broken) / every) / 1000
        findings.append(
            f"{path}: {len(broken):,} of {every:,} images cannot be read, more than data.image.max_broken = {most:g}: "
            f"replace them or take them out, or write data.image.max_broken = {share:g} to leave them out"
        )
    for name, images in classes.items():
        if all(file in broken for file in images):
            findings.append(image_folders.emptied(path, name, f"all {len(images):,} of its images are broken"))
    if findings:
        raise UserError("\n".join(findings))


def _batch(path: str, contents: Mapping[str, bytes], kind: str) -> pa.RecordBatch:
    names = list(contents)
    try:
        labels = casting.convert(pa.array([name.split("/")[0] for name in names], pa.string()), kind)
        paths = pa.array(names, pa.string())
    except casting.BadCellError as error:
        raise UserError(misfit(path, error.value, kind)) from error
    return pa.RecordBatch.from_arrays([pa.array(list(contents.values()), pa.binary()), labels, paths], list(COLUMNS))


def misfit(path: str, name: str, kind: str) -> str:
    """Return the message for a class folder whose name is not of the schema's label type."""
    return (
        f"{path}: the schema says that label is {kind}, and the folder of a class is named {name!r}: write "
        "type: BYTES for label in the schema"
    )


def _read(path: str, name: str, data: Data, omissions: Omissions) -> bytes:
    """Read an image file as PNG or JPEG.

    Raises:
        ValueError: the file cannot be read; the message gives the reason.
    """
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise ValueError("its name is not UTF-8: rename it") from error
    try:
        with contextlib.closing(opening.open_binary(f"{path.rstrip('/')}/{name}")) as file:
            content = file.read()
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        raise ValueError("it is a broken link" if missing else str(error.strerror or error)) from error
    normalized = image_encoding.normalize(content, data.image)
    if normalized.converted:
        omissions.add("file", _conversion(normalized.source), name, action="converted")
    if normalized.frames > 1:
        omissions.add("file", "several images in one file, of which the first is read", name, action="cut")
    return normalized.content


def _conversion(kind: str) -> str:
    return f"{kind} to PNG; a model is served PNG or JPEG, so convert such files there too"


def _detect(path: str) -> tuple[str | None, bool]:
    """Return a file's format, and whether it starts and ends like an image of a supported format and size."""
    try:
        with open(path, "rb") as file:
            head = file.read(image_folders.HEAD_BYTES)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL_BYTES))
            kind = image_folders.format_of(head, size)
            mark = ENDS.get(kind or "")
            is_complete = kind in image_folders.READ and (mark is None or mark in file.read())
    except OSError:
        return None, False
    return kind, is_complete and not _is_oversized(path, head, size)


def _is_oversized(path: str, head: bytes, size: int) -> bool:
    """Return whether an image may have too many pixels: by a PNG header, or by opening a large file of another kind."""
    if head.startswith(b"\x89PNG"):
        if len(head) < PNG_SIZE_OFFSET + 8:
            return True
        width, height = struct.unpack_from(">II", head, PNG_SIZE_OFFSET)
        return bool(width * height > image_encoding.MAX_PIXELS)
    if size < LARGE_BYTES:
        return False
    try:
        with image_encoding.opened(path):
            return False
    except image_encoding.BadImageError:
        return True
