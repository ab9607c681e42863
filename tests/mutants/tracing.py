"""Tracer of executed lines that writes each line immediately, so that the lines of killed processes are recorded.

Every Python process of a measurement loads this file, by the `sitecustomize.py` that tree.py writes: it imports nothing
of this repository.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

FOLDER, CONTEXT, ROOT, PACKAGES = (f"MUTANTS_{name}" for name in ("TRACE", "CONTEXT", "ROOT", "PACKAGES"))
"""Environment variables: folder for the lines, current context (the file's name), tree, and its packages."""
_CONVERTED = "__autograph_generated_file"

Tracer = Callable[[FrameType, str, Any], Any]


class Lines:
    """Tracer of this process, its threads and forked processes.

    Args:
        root: The tree.
        packages: Folders of the tree whose lines are recorded.
        folder: Folder with a file per context.
    """

    def __init__(self, root: str, packages: list[str], folder: str) -> None:
        self._root, self._folder = f"{root}/", folder
        self._packages = tuple(f"{root}/{package}/" for package in packages)
        self._seen: set[tuple[str, int | str]] = set()
        self._file = -1

    def start(self) -> None:
        """Start tracing in the context named by the environment."""
        self.enter(os.environ.get(CONTEXT, "none"))
        threading.settrace(self._call)
        sys.settrace(self._call)

    def enter(self, context: str) -> None:
        """Record the following lines under a name, also in processes that are started."""
        os.environ[CONTEXT] = context
        if self._file >= 0:
            os.close(self._file)
        self._file = os.open(f"{self._folder}/{context}", os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._seen = set()

    def _call(self, frame: FrameType, event: str, argument: Any) -> Tracer | None:
        path = frame.f_code.co_filename
        if path.startswith(self._packages):
            return self._line
        if _CONVERTED in path:
            # TensorFlow runs a copy of the function, with the globals of the original.
            path = str(frame.f_globals.get("__file__", ""))
            if path.startswith(self._packages):
                self._note(path, frame.f_code.co_name.removeprefix("tf__"))
        return None

    def _line(self, frame: FrameType, event: str, argument: Any) -> Tracer:
        if event == "line":
            self._note(frame.f_code.co_filename, frame.f_lineno)
        return self._line

    def _note(self, path: str, place: int | str) -> None:
        if (path, place) not in self._seen:
            self._seen.add((path, place))
            with contextlib.suppress(OSError):
                os.write(self._file, f"{path[len(self._root) :]}\t{place}\n".encode())


def start() -> None:
    """Trace a process that a test has started during a measurement."""
    if FOLDER in os.environ:
        Lines(os.environ[ROOT], os.environ[PACKAGES].split(), os.environ[FOLDER]).start()


def read(path: str) -> dict[str, set[int | str]]:
    """Return the lines of a context by file; a name represents a function that AutoGraph converted."""
    lines: dict[str, set[int | str]] = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8", errors="replace") as file:
            for row in file:
                name, tab, line = row.rstrip("\n").partition("\t")
                if tab and line:
                    lines.setdefault(name, set()).add(int(line) if line.isdecimal() else line)
    return lines
