"""Files below a folder: links are followed, except to a folder that contains them."""

import os
from collections.abc import Iterator

from components.ingestion.discovery import stray_files
from components.ingestion.omissions import Omissions
from errors import UserError


def walk(folder: str, omissions: Omissions | None = None) -> Iterator[str]:
    """Find the files below a folder.

    Args:
        folder: Path of the folder.
        omissions: Records skipped entries: files that by their names are not data, links to a parent folder,
            devices and pipes.

    Yields:
        Paths relative to the folder, in order: files, links to files, and broken links.

    Raises:
        UserError: a folder cannot be opened.
    """
    omitted = Omissions() if omissions is None else omissions
    yield from _within(folder, "", (_identity(folder),), omitted)


def _within(folder: str, below: str, above: tuple[tuple[int, int], ...], omissions: Omissions) -> Iterator[str]:
    try:
        entries = sorted(os.scandir(os.path.join(folder, below)), key=lambda entry: entry.name)
    except OSError as error:
        raise UserError(f"{os.path.join(folder, below)} cannot be opened: {error.strerror or error}") from error
    for entry in entries:
        name = f"{below}{entry.name}"
        is_folder = entry.is_dir()
        reason = stray_files.reason(entry.name, folder=is_folder)
        if reason is not None:
            omissions.add("folder" if is_folder else "file", reason, name)
        elif not is_folder:
            if entry.is_file() or (entry.is_symlink() and not os.path.exists(entry.path)):
                yield name
            else:
                omissions.add("file", "a device, a pipe or a socket", name)
        elif _identity(entry.path) in above:
            omissions.add("folder", "a link to a folder above it", name)
        else:
            yield from _within(folder, f"{name}/", (*above, _identity(entry.path)), omissions)


def _identity(path: str) -> tuple[int, int]:
    try:
        stat = os.stat(path)
    except OSError as error:
        raise UserError(f"{path} cannot be opened: {error.strerror or error}") from error
    return stat.st_dev, stat.st_ino
