"""Finds out what kind of data is there, and reads it for the proposal."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from components.ingestion import files, sources
from curation import dialect, pictures
from curation.choices import Line
from curation.pictures import Pictures
from errors import UserError
from pipeline.data import Data

MOST_ROWS = 2_000_000
"""Rows that are looked at; what follows them is not read."""
MOST_IMAGES = 20_000
"""Images in files of many that are looked at."""
READY_MADE = {
    "train": ("train", "training"),
    "eval": ("eval", "val", "valid", "validation", "dev"),
    "test": ("test", "testing", "t10k"),
}
"""Split -> words in the names of files or folders that say so."""


@dataclass(frozen=True)
class Found:
    """Data that was read.

    Attributes:
        table: Its cells; columns of a CSV are texts, an image is an empty cell.
        lines: Keys of [data] but for `split`.
        whole: Whether all rows were read.
        what: The format.
        pictures: What the images are like; None for a table.
    """

    table: pa.Table
    lines: tuple[Line, ...]
    whole: bool
    what: str
    pictures: Pictures | None = None

    @property
    def values(self) -> dict[str, Any]:
        """The keys' values."""
        return {line.key: line.value for line in self.lines}

    @property
    def where(self) -> str:
        """The data's path, in a message."""
        path = self.values["path"]
        return os.path.dirname(path["train"]) if isinstance(path, Mapping) else str(path)

    @property
    def ready_made(self) -> bool:
        """Whether the files are those of splits."""
        return isinstance(self.values["path"], Mapping)


def read(path: str, root: str) -> Found:
    """Read data that no config knows.

    Args:
        path: A file, a pattern of files or a folder, relative to the working directory.
        root: The repository: a path inside it is written relative to it.

    Raises:
        UserError: nothing is there, or it cannot be read.
    """
    paths, why = _paths(os.path.abspath(path), root)
    lines = [Line("path", paths, why)]
    first = _first(os.path.abspath(path), paths, root)
    what = files.format_of(first)
    if what in ("csv", None) and os.path.isfile(first):
        lines += dialect.lines(first)
        if what is None:
            lines.append(Line("format", "csv", "a text whose name does not tell"))
    what = {line.key: line.value for line in lines}.get("format", what)
    if what == "images":
        return _folder(lines, root)
    table, whole = cells(root, {line.key: line.value for line in lines}, MOST_ROWS if what == "csv" else None)
    if what == "csv" and (tokens := dialect.odd_tokens(table)):
        blank = [*Data(path="").blank, *tokens]
        lines.append(Line("blank", blank, f"{', '.join(map(repr, tokens))} among numbers means a missing value here"))
        table, whole = cells(root, {line.key: line.value for line in lines})
    if what in ("idx", "pixels"):
        return Found(table.drop(["image"]), tuple(lines), whole, what, pictures.of(table["image"].to_pylist()))
    return Found(table, tuple(lines), whole, str(what))


def cells(root: str, data: Mapping[str, Any], most: int | None = None) -> tuple[pa.Table, bool]:
    """Read the data of a config's section [data].

    Args:
        root: Folder that its paths are relative to.
        data: The section.
        most: Rows that are enough; None for what the format bears.

    Returns:
        The cells, texts where the format has no types of its own, and whether all rows were read.

    Raises:
        UserError: it cannot be read.
    """
    settings = Data.model_validate({**data, "path": files.under(root, data["path"])}).model_dump(mode="json")
    paths = [file.path for file in files.resolve(settings["path"], settings)]
    what = settings["format"] or files.format_of(paths[0])
    most = most or (MOST_ROWS if what in ("csv", "parquet", "tfrecord") else MOST_IMAGES)
    # As texts: which cells make a column a text, and which stand for a missing value, is not known yet.
    columns = dict.fromkeys(sources.look(paths[0], settings), "BYTES") if what == "csv" else {}
    batches, rows = [], 0
    for batch in sources.batches(paths, settings, columns):
        batches.append(batch)
        rows += len(batch)
        if rows >= most:
            break
    if not rows:
        raise UserError(f"{data['path']} holds no rows")
    return pa.Table.from_batches(batches), rows < most


def _folder(lines: Sequence[Line], root: str) -> Found:
    """A folder of images: their sizes from a few, their classes from the names."""
    [line] = [line for line in lines if line.key == "path"]
    folders = [path for _, path in files.flat(files.under(root, line.value))]
    names = [(folder, name) for folder in folders for name in pictures.names(folder)]
    if not names:
        raise UserError(f"{folders[0]} holds no images: put a folder for each class into it, and images into these")
    table = pa.table({"label": [name.split("/")[0] for _, name in names], "file": [name for _, name in names]})
    return Found(table, tuple(lines), True, "images", pictures.of(pictures.some(names)))


def _paths(whole: str, root: str) -> tuple[str | dict[str, str], str]:
    """The paths as the config has them, and a word on them."""
    inside = os.path.relpath(whole, root)
    shown, reasons = (whole, ["outside the repository: copy it to data/ before you compile for a cloud"])
    if not inside.startswith(os.pardir):
        shown, reasons = inside, []
    splits = ready_made(whole)
    if splits:
        names = {split: os.path.join(shown, name) for split, name in splits.items()}
        return names, "; ".join([*reasons, "the names tell the splits"])
    return shown, "; ".join(reasons)


def ready_made(folder: str) -> dict[str, str]:
    """Names in a folder that are the data of splits; empty where there are none for train and test.

    Args:
        folder: A path; a file has none.
    """
    found: dict[str, str] = {}
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        split = split_of(name)
        if split is None or "labels" in name:
            continue
        if split in found:
            return {}
        found[split] = name
    return found if {"train", "test"} <= set(found) else {}


def split_of(name: str) -> str | None:
    """The split that a file's or folder's name tells."""
    words = set(re.split(r"[^a-z0-9]+", name.lower()))
    return next((split for split, known in READY_MADE.items() if words & set(known)), None)


def _first(whole: str, paths: str | dict[str, str], root: str) -> str:
    """One file of the data, or one folder of images."""
    pattern = files.under(root, paths["train"]) if isinstance(paths, dict) else whole
    return files.resolve(pattern, {"format": None})[0].path
