"""Files on which the imports of this process depend: modules of the repository and libraries, and shared objects."""

import os
import sys
import time
from collections.abc import Iterable, Iterator

import project

_SETTINGS = ("~/.keras/keras.json",)
"""Files besides code that libraries read when they are imported."""


class LoadedFiles:
    """Files that this process has imported; create it before the imports.

    Files are compared by size, inode and modification time, and files of the repository and the project also by
    `ctime`, which every write changes and no program can set. Library files are not, because installers change their
    `ctime` when they link them into another environment.
    """

    def __init__(self) -> None:
        self._began = _began()
        # Libraries add folders to it.
        self._path = list(sys.path)
        self._names = _names(self._path)
        self._identities: dict[str, tuple[int, ...] | None] = {}

    def settle(self) -> None:
        """Record the identities of the files, after the imports."""
        self._identities = {path: _identity(path) for path in _paths()}

    def changed(self) -> str:
        """Return the path of a file or folder that changed since the process began; empty if none did."""
        names = _names(self._path)
        for folder in sorted({*names, *self._names}):
            if names.get(folder) != self._names.get(folder):
                return folder
        for path, identity in self._identities.items():
            # A file that changed during the imports may have been read before or after the change.
            if _identity(path) != identity or (identity is not None and max(identity[2:]) >= self._began):
                return path
        return ""


def _began() -> int:
    """Return when this process began, in nanoseconds since 1970, not later than it did."""
    with open("/proc/self/stat", encoding="utf-8", errors="replace") as file:
        ticks = int(file.read().rpartition(")")[2].split()[19])
    tick_ns = 10**9 // os.sysconf("SC_CLK_TCK")
    # A pause between the two clocks makes the time earlier, never later; the latest of several is the most exact.
    return max(time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME) for _ in range(3)) + (ticks - 1) * tick_ns


def _paths() -> Iterator[str]:
    for module in list(sys.modules.values()):
        # Asking a deferred package for an attribute would import it.
        path = vars(module).get("__file__") if hasattr(module, "__dict__") else None
        if isinstance(path, str):
            yield path
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            fields = line.rstrip("\n").split(maxsplit=5)
            if len(fields) == 6 and "x" in fields[1] and fields[5].startswith("/"):
                yield fields[5]
    yield from map(os.path.expanduser, _SETTINGS)


def _identity(path: str) -> tuple[int, ...] | None:
    try:
        facts = os.stat(path)
    except OSError:
        return None
    is_library = path.startswith(sys.prefix + os.sep) or project.base_of(path) is None
    return facts.st_ino, facts.st_size, facts.st_mtime_ns, 0 if is_library else facts.st_ctime_ns


def _names(path: Iterable[str]) -> dict[str, list[str]]:
    """Map the folders of libraries on a path to the names in them, and those of this repository to their modules.

    An added file can be imported in place of another, or be found by a search for roles, networks and tasks.
    """
    names = {}
    for folder in path:
        if folder not in project.folders() and os.path.isdir(folder):
            names[folder] = sorted(set(os.listdir(folder)) - {"__pycache__"})
    for entry in os.scandir(project.REPOSITORY):
        if os.path.isfile(os.path.join(entry.path, "__init__.py")):
            for folder, below, files in os.walk(entry.path):
                below[:] = [name for name in below if name != "__pycache__"]
                names[folder] = sorted(name for name in files if name.endswith(".py"))
    return names
