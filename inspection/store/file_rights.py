"""Rights to files: what a refusal says, and how files come to have the rights that the umask gives."""

import contextlib
import grp
import os
import pwd
import re
import stat
from collections.abc import Iterator


def refusal(path: str, right: str | None = None) -> str:
    """Say why a path cannot be used: which right is missing where, who owns it, and who can give it.

    Args:
        path: The path that could not be used, whether it is there or not.
        right: `read` or `write to`; None for the first that is missing.
    """
    place, missing = _lacking(os.path.abspath(path), right)
    try:
        told = os.stat(place)
    except OSError:
        return f"{path}: permission denied: {_user(os.geteuid())} may not {missing} it"
    owner, group, mode = _user(told.st_uid), _group(told.st_gid), stat.S_IMODE(told.st_mode)
    which = "it" if place == os.path.abspath(path) else place
    return (
        f"{path}: permission denied: {_user(os.geteuid())} may not {missing} {which}, which belongs to {owner} and "
        f"group {group} with mode {mode:04o}. Ask {owner} for the right, or run this as {owner}"
    )


def hidden(path: str) -> bool:
    """Say whether a path may be there and cannot be seen, as a folder above it may not be entered."""
    return any(not _may(folder, os.X_OK) for folder in _above(os.path.abspath(path)) if os.path.isdir(folder))


def readable(path: str) -> bool:
    """Say whether a file or folder that is there may be read."""
    return _may(path, os.R_OK | (os.X_OK if os.path.isdir(path) else 0))


def writable(path: str) -> bool:
    """Say whether a file that is there may be written."""
    return _may(path, os.W_OK)


def follow_umask(path: str, *, whole: bool = True) -> None:
    """Give a file or folder the rights that the umask leaves, where a library made it with fewer.

    Only what this user owns is touched, and only where the umask lets the group write.

    Args:
        path: The file or folder.
        whole: Whether all below a folder is meant too.
    """
    mask = _umask()
    if mask & stat.S_IWGRP:
        return
    with contextlib.suppress(OSError):
        for place in _below(path) if whole else [path]:
            told = os.lstat(place)
            if told.st_uid == os.geteuid() and not stat.S_ISLNK(told.st_mode):
                wanted = told.st_mode | ((0o777 if stat.S_ISDIR(told.st_mode) else 0o666) & ~mask)
                if wanted != told.st_mode:
                    os.chmod(place, stat.S_IMODE(wanted))


def _below(path: str) -> Iterator[str]:
    yield path
    for folder, folders, names in os.walk(path):
        for name in (*folders, *names):
            yield os.path.join(folder, name)


def _umask() -> int:
    """The process's umask, without setting it: other threads make files."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            found = re.search(r"^Umask:\s*([0-7]+)", file.read(), flags=re.MULTILINE)
    except OSError:
        found = None
    return int(found[1], 8) if found else 0o022


def _lacking(path: str, right: str | None) -> tuple[str, str]:
    for folder in _above(path):
        if os.path.isdir(folder) and not _may(folder, os.X_OK):
            return folder, "enter"
    wanted = [(os.R_OK, "read"), (os.W_OK, "write to")]
    if not os.path.exists(path):
        return next((folder for folder in reversed(_above(path)) if os.path.isdir(folder)), "/"), "write to"
    missing = [word for flag, word in wanted if not _may(path, flag)]
    return path, right or next(iter(missing), "change")


def _above(path: str) -> list[str]:
    """The folders above a path, the outermost first."""
    parts = path.split(os.sep)
    return [os.sep.join(parts[:place]) or os.sep for place in range(1, len(parts))]


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
