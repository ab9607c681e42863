"""File permissions: which one is missing, and how files get the permissions of the umask."""

import contextlib
import grp
import os
import pwd
import re
import stat
from collections.abc import Iterator


def refusal(path: str, right: str | None = None) -> str:
    """Return the message for a path that cannot be used: missing permission, owner, and who can grant it.

    Args:
        path: The path, whether it exists or not.
        right: `read` or `write to`; None for the first that is missing.
    """
    blocked, missing = _missing_right(os.path.abspath(path), right)
    try:
        status = os.stat(blocked)
    except OSError:
        return f"{path}: permission denied: {_user(os.geteuid())} may not {missing} it"
    owner, group, mode = _user(status.st_uid), _group(status.st_gid), stat.S_IMODE(status.st_mode)
    blocked_path = "it" if blocked == os.path.abspath(path) else blocked
    return (
        f"{path}: permission denied: {_user(os.geteuid())} may not {missing} {blocked_path}, which belongs to {owner} "
        f"and group {group} with mode {mode:04o}. Ask {owner} for the permission, or run this as {owner}"
    )


def hidden(path: str) -> bool:
    """Return whether a folder above a path may not be entered, so that the path may exist unseen."""
    return any(not _may(folder, os.X_OK) for folder in _above(os.path.abspath(path)) if os.path.isdir(folder))


def readable(path: str) -> bool:
    """Return whether an existing file or folder may be read."""
    return _may(path, os.R_OK | (os.X_OK if os.path.isdir(path) else 0))


def writable(path: str) -> bool:
    """Return whether an existing file may be written."""
    return _may(path, os.W_OK)


def unwritable(path: str) -> str | None:
    """Return the message for a file that may not be created or replaced; None if permissions allow it."""
    folder = os.path.dirname(os.path.abspath(path))
    while not os.path.exists(folder) and not hidden(folder):
        folder = os.path.dirname(folder)
    if hidden(path):
        return refusal(path)
    return next(
        (refusal(item, "write to") for item in (folder, path) if os.path.exists(item) and not writable(item)), None
    )


def follow_umask(path: str, *, recursive: bool = True) -> None:
    """Give a file or folder the permissions of the umask if a library created it with fewer.

    Changes only files of this user, and only if the umask lets the group write.

    Args:
        path: The file or folder.
        recursive: Whether to include everything below the folder.
    """
    mask = _umask()
    if mask & stat.S_IWGRP:
        return
    with contextlib.suppress(OSError):
        for item in _below(path) if recursive else [path]:
            status = os.lstat(item)
            if status.st_uid == os.geteuid() and not stat.S_ISLNK(status.st_mode):
                mode = status.st_mode | ((0o777 if stat.S_ISDIR(status.st_mode) else 0o666) & ~mask)
                if mode != status.st_mode:
                    os.chmod(item, stat.S_IMODE(mode))


def follow_umask_above(path: str, levels: int) -> str:
    """Give the folders directly above a path the permissions of the umask, as `follow_umask` does.

    Args:
        path: The file or folder.
        levels: Number of folders.

    Returns:
        The path.
    """
    folder = path
    for _ in range(levels):
        folder = os.path.dirname(folder)
        follow_umask(folder, recursive=False)
    return path


def _below(path: str) -> Iterator[str]:
    yield path
    for folder, folders, names in os.walk(path):
        for name in (*folders, *names):
            yield os.path.join(folder, name)


def _umask() -> int:
    """Return the process's umask without setting it, since other threads create files."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            match = re.search(r"^Umask:\s*([0-7]+)", file.read(), flags=re.MULTILINE)
    except OSError:
        match = None
    return int(match[1], 8) if match else 0o022


def _missing_right(path: str, right: str | None) -> tuple[str, str]:
    for folder in _above(path):
        if os.path.isdir(folder) and not _may(folder, os.X_OK):
            return folder, "enter"
    rights = [(os.R_OK, "read"), (os.W_OK, "write to")]
    if not os.path.exists(path):
        return next((folder for folder in reversed(_above(path)) if os.path.isdir(folder)), "/"), "write to"
    missing = [name for mode, name in rights if not _may(path, mode)]
    return path, right or next(iter(missing), "change")


def _above(path: str) -> list[str]:
    """Return the folders above a path, outermost first."""
    parts = path.split(os.sep)
    return [os.sep.join(parts[:depth]) or os.sep for depth in range(1, len(parts))]


def _may(path: str, flags: int) -> bool:
    return os.access(path, flags, effective_ids=os.access in os.supports_effective_ids)


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
