"""Copy of the repository in which files are edited and tests run."""

import contextlib
import functools
import hashlib
import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = ("components", "models", "pipeline", "orchestration", "inspection", "spec", "serving")
"""Packages that are mutated."""
EXCLUDED = ("tests/e2e/", "tests/properties/", "tests/browser/", "tests/scores/", "tests/mutants/")
"""Tests that do not run on mutants: complete runs and browser tests are slow, the others test no mutated package."""
_START = """import importlib.util, os

if "MUTANTS_TRACE" in os.environ:
    spec = importlib.util.spec_from_file_location("mutants_tracing", {tracing!r})
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.start()
"""
_times = itertools.count(1_000_000_000)


@functools.cache
def files() -> list[str]:
    """Return the paths of all files that are tracked, or untracked but not ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    return sorted(name for name in listed.split("\0") if name and (REPOSITORY / name).is_file())


def sources() -> dict[str, str]:
    """Return path -> text of all files that may be mutated."""
    named = (name for name in files() if name.endswith(".py") and name.startswith(tuple(f"{p}/" for p in PACKAGES)))
    return {name: (REPOSITORY / name).read_text() for name in named}


def tests() -> list[str]:
    """Return the paths of the test files that run on mutants."""
    return [
        name
        for name in files()
        if name.startswith("tests/") and Path(name).match("test_*.py") and not name.startswith(EXCLUDED)
    ]


@functools.cache
def digest(path: str) -> str:
    """Return the digest of a file at the time of the first call; empty if it does not exist."""
    file = REPOSITORY / path
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16] if file.is_file() else ""


class Tree:
    """A copy of the repository.

    Args:
        folder: Its folder, which is recreated.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        for name in files():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, target, follow_symlinks=False)
        (folder / ".venv").symlink_to((REPOSITORY / ".venv").resolve())
        start = _START.format(tracing=str(Path(__file__).with_name("tracing.py")))
        # Processes with another search path include the tree or .site in it.
        for place in (folder, folder / ".site"):
            place.mkdir(exist_ok=True)
            (place / "sitecustomize.py").write_text(start)

    @contextlib.contextmanager
    def edited(self, path: str, text: str) -> Iterator[None]:
        """Replace the text of a file within the context."""
        target = self.folder / path
        target.write_text(text)
        # A unique time, so that no stale compiled file is used.
        moment = next(_times)
        os.utime(target, (moment, moment))
        try:
            yield
        finally:
            shutil.copy2(REPOSITORY / path, target)
