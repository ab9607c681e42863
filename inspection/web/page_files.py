"""Files that pages may show: those of an artifact, and a run's logs and report, never one that a link leads out to."""

import os
import stat
from collections.abc import Iterator
from typing import BinaryIO

from errors import UserError
from inspection.store import artifact_files

MOST = 200
"""Files of an artifact that are listed."""


def within(root: str, *names: str) -> str:
    """Returns the true path of a file below a folder.

    Args:
      root: The folder, as ML Metadata names it; it may be a link itself.
      *names: Folders and the file's name.

    Raises:
      UserError: A name is no name, there is no such file, or it is not below the folder once all links are followed.
    """
    parts = [part for name in names for part in name.split("/")]
    if any(part in ("", ".", "..") or "\0" in part or "\\" in part for part in parts):
        raise UserError("no such file")
    base = os.path.realpath(root)
    try:
        path = os.path.realpath(os.path.join(base, *parts), strict=True)
    except (OSError, ValueError) as error:
        raise UserError("no such file") from error
    if os.path.commonpath([base, path]) != base or not os.path.isfile(path):
        raise UserError("no such file")
    return path


def opened(root: str, *names: str) -> BinaryIO:
    """Opens a file below a folder; what stands there now is what was looked at.

    Raises:
      UserError: As `within`.
    """
    path = within(root, *names)
    try:
        # A link that takes the file's place after the look is not followed.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise UserError("no such file") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UserError("no such file")
    return open(descriptor, "rb")


def contained(uri: str) -> bool:
    """Says whether no link in an artifact's folder leads out of it, so that its files may be shown as what they say."""
    root = os.path.realpath(uri.removeprefix("file://"))
    for folder, inner, names in os.walk(root):
        for name in (*inner, *names):
            path = os.path.join(folder, name)
            if os.path.islink(path) and os.path.commonpath([root, os.path.realpath(path)]) != root:
                return False
    return True


def listed(uri: str, what: str) -> Iterator[tuple[str, int]]:
    """Yields files of an artifact with their sizes, by path; links are not followed.

    Raises:
      UserError: It is in a bucket.
      ResourceError: It is gone.
    """
    root = artifact_files.folder(uri, what)
    if not os.path.isdir(root):
        yield os.path.basename(root), os.path.getsize(root)
        return
    count = 0
    for folder, inner, names in os.walk(root):
        inner.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            if os.path.islink(path) or not os.path.isfile(path):
                continue
            yield os.path.relpath(path, root), os.path.getsize(path)
            count += 1
            if count == MOST:
                return
