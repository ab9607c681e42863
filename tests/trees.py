"""Copies of the repository that a test may edit, and commands that run in them in new processes."""

import functools
import gzip
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks import workloads
from components.fingerprints import parsed_sources

from .warm import REPOSITORY, Result

READS_ALL = ("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search")
"""Options of setpriv for a user who can read everything, as the interpreter may be in a closed folder."""
OTHER_USER = ("setpriv", "--reuid=1000660000", "--regid=1000660000", "--clear-groups", *READS_ALL)
"""Start of a command that root runs as a user without a name, as OpenShift does: this user can read everything, but
writes only what anyone may write."""


def cold_runner(*arguments: object, tree: Path = REPOSITORY, timeout: float = 400, **environment: str) -> Result:
    """Run `python runner.py ARGUMENTS` in a tree, in new processes."""
    completed = subprocess.run(
        [sys.executable, str(tree / "runner.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200", **environment},
    )
    return Result(completed.returncode, completed.stdout, completed.stderr)


def copy_code(tree: Path) -> None:
    """Copy the repository with its bytecode and parsed sources, so that commands need not compile and parse them."""
    workloads.copy_code(tree)
    for path in tree.rglob("*.py"):
        source = REPOSITORY / path.relative_to(tree)
        # Bytecode is valid for the modification time of its source.
        shutil.copystat(source, path)
        compiled = Path(importlib.util.cache_from_source(str(source)))
        if compiled.exists():
            (path.parent / compiled.parent.name).mkdir(exist_ok=True)
            shutil.copy2(compiled, path.parent / compiled.parent.name)
    parsed = Path(parsed_sources.FOLDER, parsed_sources.FILE)
    if (REPOSITORY / parsed).exists():
        (tree / parsed.parent).mkdir(exist_ok=True)
        shutil.copy(REPOSITORY / parsed, tree / parsed)


def copy_tree(target: Path, *, rows: int) -> Path:
    """Copy the repository with the first rows of the houses."""
    copy_code(target)
    (target / "data" / "houses.csv.gz").write_bytes(packed(_first_rows(rows)))
    return target


def packed(table: bytes) -> bytes:
    """Gzip without compressing, so that equal lengths give equal sizes."""
    return gzip.compress(table, compresslevel=0, mtime=0)


@functools.cache
def _first_rows(rows: int) -> bytes:
    with gzip.open(REPOSITORY / "data" / "houses.csv.gz") as file:
        return b"".join(file.readline() for _ in range(rows + 1))
