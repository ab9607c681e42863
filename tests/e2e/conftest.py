"""Whole runs in processes of their own, as a user starts them."""

import dataclasses
import functools
import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.workloads import copy_code

REPOSITORY = Path(__file__).parents[2]
QUICK = ["--set", "training.epochs=2", "--set", "evaluation.floor={r2 = -100.0}"]
"""Overrides for runs that are about the pipeline and not about the model."""


@dataclasses.dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def nodes(self) -> dict[str, str]:
        """Node -> word of its line (done, cached, failed)."""
        words = {"done", "cached", "kept", "taken", "failed"}
        lines = [line.split() for line in self.out.splitlines()]
        return {line[0]: line[1] for line in lines if len(line) > 1 and line[1] in words}

    def line(self, start: str) -> str:
        """What follows `start` on the line that begins with it."""
        return next(line[len(start) :].strip() for line in self.out.splitlines() if line.startswith(start))


def runner(*arguments: object, tree: Path = REPOSITORY, timeout: float = 400, **environment: str) -> Result:
    """Run `python runner.py ARGUMENTS` in a tree."""
    done = subprocess.run(
        [sys.executable, str(tree / "runner.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200", **environment},
    )
    return Result(done.returncode, done.stdout, done.stderr)


def copy_tree(target: Path, *, rows: int) -> Path:
    """Copy the repository, with the first rows of its data and the same environment."""
    copy_code(target)
    data = target / "data" / "houses.csv.gz"
    data.write_bytes(packed(b"".join(_first_rows(REPOSITORY / "data" / "houses.csv.gz", rows))))
    return target


def packed(table: bytes) -> bytes:
    """Gzip without compressing, so that equal lengths give equal sizes."""
    return gzip.compress(table, compresslevel=0, mtime=0)


@functools.cache
def _first_rows(path: Path, rows: int) -> list[bytes]:
    with gzip.open(path) as file:
        return [file.readline() for _ in range(rows + 1)]


@pytest.fixture(scope="session")
def houses(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """One whole run of the default pipeline: its root folder and how it ended."""
    root = tmp_path_factory.mktemp("houses")
    return root, runner("--local", "--root", root)


@pytest.fixture
def small_tree(tmp_path: Path) -> Path:
    """A copy of the repository with 1,500 rows."""
    return copy_tree(tmp_path / "tree", rows=1500)


def run_folder(result: Result) -> Path:
    """The folder that the run named."""
    return Path(result.line("Run:"))


def run_json(result: Result) -> dict:
    """The run's facts."""
    return json.loads((run_folder(result) / "run.json").read_text())
