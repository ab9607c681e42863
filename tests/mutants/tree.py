"""A copy of the repository, in which files are edited and tests run."""

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
"""What is mutated."""
LEFT_OUT = ("tests/e2e/", "tests/properties/", "tests/browser/", "tests/scores/", "tests/mutants/")
"""Tests that are not asked: whole runs and a browser take too long, the others are of no package that is mutated."""
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
    """Paths of the repository's files: those that git knows or would take."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    return sorted(name for name in listed.split("\0") if name and (REPOSITORY / name).is_file())


def sources() -> dict[str, str]:
    """Text of each file that may be mutated, by its path."""
    named = (name for name in files() if name.endswith(".py") and name.startswith(tuple(f"{p}/" for p in PACKAGES)))
    return {name: (REPOSITORY / name).read_text() for name in named}


def tests() -> list[str]:
    """Paths of the files of tests that are asked."""
    return [
        name
        for name in files()
        if name.startswith("tests/") and Path(name).match("test_*.py") and not name.startswith(LEFT_OUT)
    ]


@functools.cache
def digest(path: str) -> str:
    """Digest of a file of the repository as it was when it was first asked for; empty where it is gone."""
    whole = REPOSITORY / path
    return hashlib.sha256(whole.read_bytes()).hexdigest()[:16] if whole.is_file() else ""


class Tree:
    """The copy.

    Args:
        folder: Where it is made anew.
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
        # Processes that get a search path of their own have the tree in it.
        for place in (folder, folder / ".site"):
            place.mkdir(exist_ok=True)
            (place / "sitecustomize.py").write_text(start)

    @contextlib.contextmanager
    def edited(self, path: str, text: str) -> Iterator[None]:
        """Hold another text in a file for a while."""
        target = self.folder / path
        target.write_text(text)
        # No compiled file of another text has this time.
        moment = next(_times)
        os.utime(target, (moment, moment))
        try:
            yield
        finally:
            shutil.copy2(REPOSITORY / path, target)
