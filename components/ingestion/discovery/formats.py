"""What the names of files and folders tell: their format, and the split that they make."""

import contextlib
import itertools
import os
import re

from components.ingestion.discovery import compression, folder_walk, stray_files
from components.ingestion.discovery.hive_partitions import is_part
from errors import UserError
from spec.rows.data_paths import READY_MADE, is_remote

PEEKED = 50
"""Files of a folder whose names tell whether it holds images."""
IMAGES = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".webp", ".avif", ".bmp", ".dib", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm"),
)
"""How names of images end that are read."""
_ENDINGS = {
    "csv": (".csv", ".tsv", ".txt", ".data"),
    "jsonl": (".jsonl", ".ndjson", ".json"),
    "xlsx": (".xlsx", ".xlsm"),
    "parquet": (".parquet", ".pq"),
    "tfrecord": (".tfrec",),
    "idx": ("-ubyte", ".idx"),
}
"""Format -> how names of its files end, how it is packed aside; a name that holds `tfrecord` is one of these anyway."""


class NoRowsError(UserError):
    """A file holds no rows."""


def format_of(path: str) -> str | None:
    """The format that a path's name tells; None where it tells nothing.

    That of a folder is images where it holds folders and no data files, or two folders of images whatever lies beside
    them; folders that are named KEY=VALUE hold parts of a table, unless these are images.
    """
    if not is_remote(path) and os.path.isdir(path):
        inside = [entry for entry in scanned(path) if stray_files.reason(entry.name, folder=entry.is_dir()) is None]
        within_it = [entry for entry in inside if entry.is_dir()]
        if any(is_part(entry.name) and not _holds_images(entry.path) for entry in within_it):
            return None
        if within_it and not any(map(_is_data, inside)):
            return "images"
        return "images" if sum(_holds_images(entry.path) for entry in within_it) > 1 else None
    name = os.path.basename(compression.bare(path))
    if "tfrecord" in name:
        return "tfrecord"
    known = next((kind for kind, endings in _ENDINGS.items() if name.endswith(endings)), None)
    return _archived(path) if known is None and path.lower().endswith(".zip") else known


def _archived(path: str) -> str | None:
    """The format that the name of an archive's file tells; None where it is no archive of one file."""
    if is_remote(path) or not os.path.isfile(path):
        return None
    with contextlib.suppress(UserError, OSError), open(path, "rb") as file:
        inside = compression.member(path, file)
        return None if inside.lower().endswith(".zip") else format_of(os.path.basename(inside))
    return None


def _is_data(entry: "os.DirEntry[str]") -> bool:
    return entry.is_file() and format_of(entry.path) is not None


def _holds_images(folder: str) -> bool:
    names = itertools.islice(folder_walk.walk(folder), PEEKED)
    return any(name.lower().endswith(IMAGES) for name in names)


def scanned(folder: str) -> list["os.DirEntry[str]"]:
    """The entries of a folder in order of their names; UserError where it cannot be opened."""
    try:
        return sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise UserError(f"{folder} cannot be opened: {error.strerror or error}") from error


def split_of(name: str) -> str | None:
    """The split that a file's or folder's name tells."""
    words = set(re.split(r"[^a-z0-9]+", name.lower()))
    return next((split for split, known in READY_MADE.items() if words & set(known)), None)
