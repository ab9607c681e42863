"""Removes old versions and the remains of killed pushes from a serving folder on this machine, where they are ours."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator

from serving import ownership

Say = Callable[[str], object]


def hidden(folder: str, number: int, word: str) -> str:
    """Name of a version while it is written (`partial`) or removed (`old`)."""
    return os.path.join(folder, f".{number}.{word}")


def tidy(folder: str, versions: list[int], say: Say) -> None:
    """Remove what killed pushes to a folder left; the caller holds its lock, so that none is going on.

    Args:
        folder: The serving folder.
        versions: The versions in it.
        say: Is told what is removed, and what could not be.
    """
    if not os.path.isdir(os.path.join(folder, ownership.LEDGER)):
        ownership.adopt(folder, versions)
    for number in ownership.listed(folder):
        for path in (hidden(folder, number, "partial"), hidden(folder, number, "old")):
            if os.path.isdir(path) and (_is_empty(path) or ownership.is_ours(folder, number, path)):
                with _or_say(path, say):
                    _remove(folder, number, path)
                    say(f"{path} is removed: a killed push left it")
        names = (str(number), f".{number}.partial", f".{number}.old")
        if not any(os.path.lexists(os.path.join(folder, name)) for name in names):
            ownership.forget(folder, number)


def prune(folder: str, keep: int, say: Say) -> None:
    """Remove all but the last so many versions that this pipeline pushed; the caller holds the folder's lock.

    Args:
        folder: The serving folder.
        keep: How many stay, 1 or more: the highest, which serves, is never removed.
        say: Is told what is removed, and what could not be.
    """
    paths = {number: os.path.join(folder, str(number)) for number in ownership.listed(folder)}
    ours = [number for number, path in paths.items() if ownership.is_ours(folder, number, path)]
    for number in ours[:-keep]:
        with _or_say(paths[number], say):
            os.rename(paths[number], hidden(folder, number, "old"))
            _remove(folder, number, hidden(folder, number, "old"))
            say(f"{paths[number]} is removed: the last {keep} versions that this pipeline pushed stay")


def _is_empty(path: str) -> bool:
    """Say whether a folder holds no byte and no link: a push was killed before it wrote its record, or removed it."""
    if os.path.islink(path):
        return False
    inside = [os.path.join(inner, name) for inner, folders, names in os.walk(path) for name in (*folders, *names)]
    return not any(os.path.islink(each) or (not os.path.isdir(each) and os.path.getsize(each)) for each in inside)


def _remove(folder: str, number: int, path: str) -> None:
    """Remove a hidden folder, its record last: if this is killed, the next push still recognizes what is left."""
    for inner, _, names in os.walk(path):
        for each in (os.path.join(inner, name) for name in names):
            if each != os.path.join(path, ownership.RECORD):
                os.remove(each)
    shutil.rmtree(path)
    ownership.forget(folder, number)


@contextlib.contextmanager
def _or_say(path: str, say: Say) -> Iterator[None]:
    """Go on where something old cannot be removed: that is no reason to refuse a new version."""
    try:
        yield
    except OSError as error:
        say(f"{path} could not be removed: {error.strerror or error}")
