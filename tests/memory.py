"""Fixture: a test's folder in memory, for files of tests whose stores commit often: a commit waits for the disk."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = "/dev/shm"
NEEDED_GB = 1
"""Free memory below which the folder is on the disk; a container may give as little as 64 MB."""


def place() -> str | None:
    """Return the folder of files in memory; None if this machine has none, or too little room in it."""
    if not os.access(FOLDER, os.W_OK):
        return None
    facts = os.statvfs(FOLDER)
    return FOLDER if facts.f_bavail * facts.f_frsize >= NEEDED_GB * 1e9 else None


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[Path]:
    """Return the folder of a test, in memory if possible; what the test makes beside it is removed too."""
    if place() is None:
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix="test-") as folder:
        path = Path(folder, "test")
        path.mkdir()
        yield path
