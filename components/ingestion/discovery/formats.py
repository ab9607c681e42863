"""Formats: their readers, and detection of format and split by the names of files and folders."""

import contextlib
import functools
import importlib
import itertools
import os
import pkgutil
import re
from collections.abc import Mapping
from typing import Any, cast

from components.ingestion import readers
from components.ingestion.discovery import compression, folder_walk, stray_files
from components.ingestion.discovery.hive_partitions import is_part
from components.ingestion.readers import Format, Reader
from errors import UserError
from spec.rows.data_paths import READY_MADE, is_remote

PEEKED = 50
"""Number of files by whose names a folder is recognized as one of images."""
IMAGES = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".webp", ".avif", ".bmp", ".dib", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm"),
)
"""Extensions of image files that are read."""
FOLDER_OF_IMAGES = "images"
"""Format of a folder with one folder of images per class."""


@functools.cache
def names() -> tuple[str, ...]:
    """Return the formats of the project: the modules of components/ingestion/readers."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(readers.__path__)))


def module(name: str) -> str:
    """Return the dotted path of a format's reader: that of the project, else a module of the user's."""
    return f"{readers.__name__}.{name}" if name in names() else name


def modules(name: str | None) -> list[str]:
    """Return the dotted paths of all readers that data may need, as part of a cache key.

    Args:
        name: data.format; with None the names of files decide, which may differ.
    """
    return list(dict.fromkeys([*map(module, names()), *([module(name)] if name else [])]))


def reader(name: str) -> Reader:
    """Import the reader of a format.

    Args:
        name: A format of the project, or the dotted path of a module of the user's.
    """
    imported: Any = importlib.import_module(module(name))
    return cast(Reader, imported)


@functools.cache
def known() -> Mapping[str, Format]:
    """Return the formats of the project by name."""
    return {name: reader(name).FORMAT for name in names()}


def of(path: str, name: str | None) -> Format | None:
    """Return the format of a path.

    Args:
        path: A file or folder.
        name: data.format; with None the path's name decides.

    Returns:
        The format; None if it is unknown.
    """
    name = name or format_of(path)
    return None if name is None else reader(name).FORMAT


def format_of(path: str) -> str | None:
    """Return the format of a path by its name; None if the name does not identify one.

    A folder is of format `images` if it holds folders and no data files, or two folders of images whatever else it
    holds. Folders named KEY=VALUE are parts of a table, unless they hold images.
    """
    if not is_remote(path) and os.path.isdir(path):
        entries = [entry for entry in scanned(path) if stray_files.reason(entry.name, folder=entry.is_dir()) is None]
        folders = [entry for entry in entries if entry.is_dir()]
        if any(is_part(entry.name) and not _holds_images(entry.path) for entry in folders):
            return None
        if folders and not any(map(_is_data, entries)):
            return FOLDER_OF_IMAGES
        return FOLDER_OF_IMAGES if sum(_holds_images(entry.path) for entry in folders) > 1 else None
    file = os.path.basename(compression.bare(path))
    for name, form in known().items():
        if any(infix in file for infix in form.infixes):
            return name
    match = next((name for name, form in known().items() if form.extensions and file.endswith(form.extensions)), None)
    return _archived(path) if match is None and path.lower().endswith(".zip") else match


def _archived(path: str) -> str | None:
    """Return the format of the file in a zip archive; None unless it is an archive of one file with a known name."""
    if is_remote(path) or not os.path.isfile(path):
        return None
    with contextlib.suppress(UserError, OSError), open(path, "rb") as file:
        member = compression.member(path, file)
        return None if member.lower().endswith(".zip") else format_of(os.path.basename(member))
    return None


def _is_data(entry: "os.DirEntry[str]") -> bool:
    return entry.is_file() and format_of(entry.path) is not None


def _holds_images(folder: str) -> bool:
    files = itertools.islice(folder_walk.walk(folder), PEEKED)
    return any(name.lower().endswith(IMAGES) for name in files)


def scanned(folder: str) -> list["os.DirEntry[str]"]:
    """Return the entries of a folder, sorted by name.

    Raises:
        UserError: the folder cannot be opened.
    """
    try:
        return sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise UserError(f"{folder} cannot be opened: {error.strerror or error}") from error


def split_of(name: str) -> str | None:
    """Return the split of a file or folder by its name; None if the name does not identify one."""
    parts = set(re.split(r"[^a-z0-9]+", name.lower()))
    return next((split for split, words in READY_MADE.items() if parts & set(words)), None)
