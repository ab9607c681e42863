"""Copies of the repository that a test may edit, and commands that run in them."""

import gzip
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.workloads import copy_code

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Result:
    """Exit code and output of a command."""

    code: int
    out: str
    err: str

    @property
    def nodes(self) -> dict[str, str]:
        """Return stage -> its final state."""
        words = {"done", "cached", "kept", "taken", "failed"}
        lines = [line.split() for line in self.out.splitlines()]
        return {line[0]: line[1] for line in lines if len(line) > 1 and line[1] in words}


def runner(*arguments: object, tree: Path, timeout: float = 400, **environment: str) -> Result:
    """Run `python runner.py ARGUMENTS` in a tree."""
    completed = subprocess.run(
        [sys.executable, str(tree / "runner.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, "NO_COLOR": "1", **environment},
    )
    return Result(completed.returncode, completed.stdout, completed.stderr)


def copy_tree(target: Path, *, rows: int) -> Path:
    """Copy the repository with the first rows of the houses."""
    copy_code(target)
    with gzip.open(REPOSITORY / "data" / "houses.csv.gz") as file:
        table = b"".join(file.readline() for _ in range(rows + 1))
    (target / "data" / "houses.csv.gz").write_bytes(packed(table))
    return target


def packed(table: bytes) -> bytes:
    """Gzip without compressing, so that equal lengths give equal sizes."""
    return gzip.compress(table, compresslevel=0, mtime=0)
