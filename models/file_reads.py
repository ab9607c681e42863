"""Records the files that code opens while it runs, so that a change of one invalidates the cached result.

Python reports every `open` to audit hooks, whichever library calls it, but not files that TensorFlow or Arrow open in
C++. These are found by their names in the source code or in the config; see components/fingerprints/code_digest.py.
"""

import contextlib
import hashlib
import importlib.util
import os
import sys
import sysconfig
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import project

SYSTEM = ("/dev/", "/etc/", "/proc/", "/run/", "/sys/", "/var/")
"""Folders of the operating system, whose files are ignored."""
BLOCK_BYTES = 1 << 20
_LIBRARIES = ("stdlib", "platstdlib", "purelib", "platlib")

_state = threading.local()
_current: "_Watch | None" = None
_hooked = False


class ChangedError(RuntimeError):
    """Raised if a file changed between two times that it was opened."""


class _Watch:
    """Record of opened files.

    Args:
        ignored: Folders whose files are ignored.

    Attributes:
        ignored: These folders.
        found: Path -> digest of the content when the file was first opened.
        changed: Paths of files that had changed when they were opened again.
    """

    def __init__(self, ignored: Iterable[str]) -> None:
        libraries = {sysconfig.get_paths()[name] for name in _LIBRARIES}
        if sys.prefix != sys.base_prefix:
            libraries.add(sys.prefix)
        self.ignored = tuple(ignored)
        folders = [*self.ignored, *libraries, *map(os.path.realpath, libraries)]
        self._ignored_prefixes = tuple(os.path.abspath(folder) + os.sep for folder in folders) + SYSTEM
        self._written: set[str] = set()
        self._identities: dict[str, tuple[int, ...]] = {}
        self.found: dict[str, str] = {}
        self.changed: list[str] = []

    def opened(self, path: Any, mode: str | None, flags: int) -> None:
        """Record a call of `open`; the arguments are those of the audit event."""
        if not isinstance(path, str | bytes | os.PathLike):
            return
        full = os.path.abspath(os.fsdecode(path))
        if full.startswith(self._ignored_prefixes) or _is_hidden(full):
            return
        if full.endswith(".pyc"):
            with contextlib.suppress(ValueError):
                full = importlib.util.source_from_cache(full)
        if set(mode or "") & set("wax+") or flags & os.O_ACCMODE != os.O_RDONLY:
            self._written.add(full)
        elif full not in self._written and os.path.isfile(full):
            self._read(full)

    def _read(self, path: str) -> None:
        stat = os.stat(path)
        identity = (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
        if self._identities.get(path) == identity:
            return
        content = digest(path)
        self._identities[path] = identity
        if self.found.setdefault(path, content) != content:
            self.changed.append(path)


def digest(path: str) -> str:
    """Return the digest of a file's content, 16 hex digits."""
    sha256 = hashlib.sha256()
    with open(path, "rb", buffering=0) as stream:
        while block := stream.read(BLOCK_BYTES):
            sha256.update(block)
    return sha256.hexdigest()[:16]


@contextlib.contextmanager
def watched(ignored: Iterable[str] = ()) -> Iterator[dict[str, str]]:
    """Collect the files that any thread of this process opens for reading, except those of libraries and the system.

    Args:
        ignored: Further folders whose files are ignored.

    Yields:
        Path -> digest of the content when the file was first opened; a dict that is filled during the context.

    Raises:
        ChangedError: At the end of the context, if a file had changed when it was opened again.
    """
    global _current, _hooked
    if not _hooked:
        # Audit hooks cannot be removed, so it is added once.
        sys.addaudithook(_hook)
        _hooked = True
    outer, watch = _current, _Watch(ignored)
    _current = watch
    try:
        yield watch.found
    finally:
        _current = outer
    if watch.changed:
        raise ChangedError(f"{watch.changed[0]} was changed between two times that it was read")


def add(digests: Mapping[str, str]) -> None:
    """Add files that another process opened on behalf of this one."""
    if _current is not None:
        for path, content in digests.items():
            if _current.found.setdefault(path, content) != content:
                _current.changed.append(path)


def ignored_folders() -> list[str]:
    """Return the folders whose files are currently ignored."""
    return list(_current.ignored) if _current is not None else []


def changed(digests: Mapping[str, str]) -> list[str]:
    """Return the paths of files that are missing or no longer match their digest."""
    return [path for path, content in digests.items() if not os.path.isfile(path) or digest(path) != content]


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" or _current is None or getattr(_state, "busy", False):
        return
    _state.busy = True
    try:
        _current.opened(*arguments)
    except OSError:
        # The `open` that is being reported fails with the same error.
        pass
    finally:
        _state.busy = False


def _is_hidden(path: str) -> bool:
    """Whether a path below the project, the repository or the home has a hidden part, as caches have."""
    for base in (project.folder(), project.REPOSITORY, os.path.expanduser("~")):
        if path.startswith(base + os.sep):
            return f"{os.sep}." in path[len(base) :]
    return False
