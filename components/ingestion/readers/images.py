"""Reader of folders of images: one folder of image files per class."""

import contextlib
import hashlib
import math
import os
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
"""Images held at once."""
BATCH_BYTES = 64 << 20
"""Bytes of images after which a batch is full: sixteen photos of 4 MB."""
TOLD = 20
"""Files that cannot be read and are named."""
TAIL_BYTES = 64
"""End of a file in which its mark of the end is looked for; one with more behind it is decoded."""
ENDS = {"PNG": b"IEND", "JPEG": b"\xff\xd9"}
"""Format -> what stands at the end of a file."""
KEPT = ("PNG", "JPEG")
DECODED = 3
"""Images of each class that a look decodes, whole as they seem."""
COLUMNS = {"image": "BYTES", "label": "BYTES", "file": "BYTES"}


def batches(
    path: str, data: Data, columns: Mapping[str, str], omissions: Omissions | None = None
) -> Iterator[pa.RecordBatch]:
    """Read the images of all classes, in an order without meaning, so that the first rows are of many classes.

    Args:
        path: The folder.
        data: [data]: `image`, the size that they are resized to, and the share that may be broken.
        columns: Type of `label`, where it is not BYTES.
        omissions: Takes what is not read as it is there.

    Yields:
        Batches of `image`, PNG or JPEG, `label`, the class's folder, and `file`, its path below `path`.

    Raises:
        UserError: more files than allowed are no images, or a class has none; names them.
    """
    told = Omissions() if omissions is None else omissions
    classes = image_folders.survey(path, told)
    names = [name for found in classes.values() for name in found]
    names.sort(key=lambda name: hashlib.sha256(os.fsencode(name)).digest())
    kind, broken, size = columns.get("label", "BYTES"), dict[str, str](), 0
    held: dict[str, bytes] = {}
    for name in names:
        try:
            held[name] = _read(path, name, data, told)
            size += len(held[name])
        except ValueError as error:
            broken[name] = str(error)
        if len(held) == BATCH_IMAGES or size >= BATCH_BYTES:
            yield _batch(path, held, kind)
            held, size = {}, 0
    if held:
        yield _batch(path, held, kind)
    check_broken(path, classes, broken, data)
    for name, why in broken.items():
        told.add("file", why, name, action="left out")


def types(path: str, data: Data, columns: Mapping[str, str], omissions: Omissions | None = None) -> dict[str, str]:
    """`image` and `file`, both BYTES, and `label` with the type that is given, else BYTES: folders' names are texts."""
    return {**COLUMNS, "label": columns.get("label", "BYTES")}


def look(path: str, data: Data, omissions: Omissions | None = None) -> list[str]:
    """See that each class has images, and that none looks broken by its size, first and last bytes.

    Returns:
        `image`, `label` and `file`.

    Raises:
        UserError: there are none, or more than allowed cannot be decoded; all findings, one a line.
    """
    told = Omissions() if omissions is None else omissions
    classes = image_folders.survey(path, told)
    broken: dict[str, str] = {}
    for names in classes.values():
        for number, name in enumerate(names):
            kind, whole = (None, True) if data_paths.is_remote(path) else _seen(os.path.join(path, name))
            if kind in image_folders.READ and kind not in KEPT:
                told.add("file", _conversion(kind), name, action="converted")
            if number < DECODED or not whole:
                try:
                    _read(path, name, data, Omissions())
                except ValueError as error:
                    broken[name] = str(error)
    check_broken(path, classes, broken, data)
    for name, why in broken.items():
        told.add("file", why, name, action="left out")
    return list(COLUMNS)


def check_broken(path: str, classes: Mapping[str, list[str]], broken: Mapping[str, str], data: Data) -> None:
    """See that not too many files are broken, and that each class keeps some.

    Args:
        path: The folder.
        classes: Class -> its files.
        broken: File -> why it cannot be read.
        data: [data]: `image.max_broken`.

    Raises:
        UserError: too many are, or a class keeps none; names the files.
    """
    every, most = sum(map(len, classes.values())), data.image.max_broken
    findings = []
    if len(broken) > most * every:
        findings = [f"{path}/{name} cannot be read as an image: {why}" for name, why in list(broken.items())[:TOLD]]
        if len(broken) > TOLD:
            findings.append(f"{path}: and {len(broken) - TOLD:,} more files cannot be read as images")
        share = math.ceil(1000 * len(broken) / every) / 1000
        findings.append(
            f"{path}: {len(broken):,} of {every:,} images cannot be read, more than data.image.max_broken = {most:g}: "
            f"replace them or take them out, or write data.image.max_broken = {share:g} to leave them out"
        )
    for name, found in classes.items():
        if all(file in broken for file in found):
            findings.append(image_folders.emptied(path, name, f"all {len(found):,} of its images are broken"))
    if findings:
        raise UserError("\n".join(findings))


def _batch(path: str, held: Mapping[str, bytes], kind: str) -> pa.RecordBatch:
    names = list(held)
    try:
        labels = casting.convert(pa.array([name.split("/")[0] for name in names], pa.string()), kind)
        paths = pa.array(names, pa.string())
    except casting.BadCellError as error:
        raise UserError(misfit(path, error.value, kind)) from error
    return pa.RecordBatch.from_arrays([pa.array(list(held.values()), pa.binary()), labels, paths], list(COLUMNS))


def misfit(path: str, name: str, kind: str) -> str:
    """A sentence on a class whose folder's name is not of the schema's type."""
    return (
        f"{path}: the schema says that label is {kind}, and the folder of a class is named {name!r}: write "
        "type: BYTES for label in the schema"
    )


def _read(path: str, name: str, data: Data, omissions: Omissions) -> bytes:
    """An image as it is kept.

    Raises:
        ValueError: it cannot be read; says why.
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
    made = image_encoding.normalize(content, data.image)
    if made.converted:
        omissions.add("file", _conversion(made.source), name, action="converted")
    if made.frames > 1:
        omissions.add("file", "several pictures in one, of which the first is read", name, action="cut")
    return made.content


def _conversion(kind: str) -> str:
    return f"{kind} to PNG; a model is served PNG or JPEG, so convert such files there too"


def _seen(path: str) -> tuple[str | None, bool]:
    """A file's format, and whether it begins and ends as an image of a format that is read."""
    try:
        with open(path, "rb") as file:
            head = file.read(image_folders.HEAD_BYTES)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL_BYTES))
            kind = image_folders.format_of(head, size)
            mark = ENDS.get(kind or "")
            return kind, kind in image_folders.READ and (mark is None or mark in file.read())
    except OSError:
        return None, False
