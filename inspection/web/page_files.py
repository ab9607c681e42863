"""Files that pages may show: those of an artifact, a run's logs and report; never a file outside of their folder."""

import os
import stat
from collections.abc import Iterator
from typing import BinaryIO

from errors import UserError
from inspection.store import artifact_files

MAX_FILES = 200
"""Maximum number of listed files of an artifact."""


def within(root: str, *names: str) -> str:
    """Return the real path of a file below a folder.

    Args:
      root: The folder in ML Metadata; it may be a link.
      *names: Folders and the file's name.

    Raises:
      UserError: A name is invalid, the file does not exist, or it is outside of the folder after resolving links.
    """
    parts = [part for name in names for part in name.split("/")]
    if any(part in ("", ".", "..") or "\0" in part or "\\" in part for part in parts):
        raise UserError("file not found")
    base = os.path.realpath(root)
    try:
        path = os.path.realpath(os.path.join(base, *parts), strict=True)
    except (OSError, ValueError) as error:
        raise UserError("file not found") from error
    if os.path.commonpath([base, path]) != base or not os.path.isfile(path):
        raise UserError("file not found")
    return path


def opened(root: str, *names: str) -> BinaryIO:
    """Open a file below a folder, without a race between check and open.

    Raises:
      UserError: See `within`.
    """
    path = within(root, *names)
    try:
        # A link that replaces the file after the check is not followed.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise UserError("file not found") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UserError("file not found")
    return open(descriptor, "rb")


def contained(uri: str) -> bool:
    """Return whether all links in an artifact's folder stay within it, so that its content may be shown."""
    root = os.path.realpath(uri.removeprefix("file://"))
    for folder, inner, names in os.walk(root):
        for name in (*inner, *names):
            path = os.path.join(folder, name)
            if os.path.islink(path) and os.path.commonpath([root, os.path.realpath(path)]) != root:
                return False
    return True


def listed(uri: str, artifact_name: str) -> Iterator[tuple[str, int]]:
    """Yield the first files of an artifact with their sizes, by path; links are skipped.

    Raises:
      UserError: The artifact is in a bucket.
      ResourceError: The folder does not exist.
    """
    root = artifact_files.folder(uri, artifact_name)
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
            if count == MAX_FILES:
                return
