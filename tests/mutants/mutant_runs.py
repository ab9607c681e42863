"""Runs of mutants: each in a tree with its edit, with the tests that run the edited lines."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import tree
from .contexts import Contexts
from .mutant import Mutant

BUDGET_SECONDS = 150.0
"""Maximum sum of the measured times of a mutant's tests."""
MIN_SECONDS, FACTOR = 20.0, 5.0
"""CPU limit of a mutant's process: MIN_SECONDS, plus FACTOR times the measured time of its tests."""
WAITING = 6.0
"""Wall time limit as a multiple of the CPU limit, for busy machines and tests that wait."""


class Warm:
    """A warm process with its tree.

    Args:
        folder: Folder for the tree, logs and temporary files.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.tree = tree.Tree(folder / "tree")
        command = [sys.executable, str(Path(__file__).with_name("mutant_process.py"))]
        with open(folder / "warm.log", "w") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )
        self._answer()

    def ask(self, order: dict[str, Any]) -> dict[str, Any]:
        """Send an order, and return the answer."""
        assert self._process.stdin is not None
        places = {"tree": self.tree.folder, "temporary": self._folder / "temporary", "log": self._folder / "tests.log"}
        self._process.stdin.write(json.dumps({**order, **{key: str(path) for key, path in places.items()}}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the warm process has ended: {(self._folder / 'warm.log').read_text()[-2000:]}")
        return dict(json.loads(line))

    def close(self) -> None:
        """Stop the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@contextlib.contextmanager
def warm(folder: Path, jobs: int) -> Iterator[list[Warm]]:
    """Start warm processes, and stop them at the end."""
    processes: list[Warm] = []
    try:
        for number in range(jobs):
            processes.append(Warm(folder / str(number)))
        yield processes
    finally:
        for process in processes:
            process.close()


@dataclass
class Result:
    """Result of a mutant.

    Attributes:
        state: "killed", "survived", "timeout" or, if no test runs the edit, "untested".
        by: The test that failed.
        tests: Number of tests that run the edited lines.
        asked: Number of them within the budget.
        seconds: Duration.
        digests: Digests of the files for which the result is valid.
    """

    state: str
    by: str | None
    tests: int
    asked: int
    seconds: float
    digests: dict[str, str]

    def holds(self, tests: str) -> bool:
        """Return whether the result is still valid.

        Args:
            tests: Digest of all current tests.
        """
        return all((tests if path == "tests" else tree.digest(path)) == was for path, was in self.digests.items())


def run(mutant: Mutant, text: str, contexts: Contexts, worker: Warm, all_tests: str) -> Result:
    """Run the tests on a mutant.

    Args:
        mutant: The edit.
        text: The file's text.
        contexts: Which tests run which lines.
        worker: Runs them.
        all_tests: Digest of all tests.
    """
    tests = contexts.tests(mutant)
    chosen: list[str] = []
    cost = 0.0
    for test in tests:
        cost += contexts.seconds[test]
        if chosen and cost > BUDGET_SECONDS:
            break
        chosen.append(test)
    digests = {mutant.file: tree.digest(mutant.file), "tests": all_tests}
    if not chosen:
        return Result("untested", None, 0, 0, 0.0, digests)
    seconds = MIN_SECONDS + FACTOR * min(cost, BUDGET_SECONDS)
    order = {"kind": "run", "tests": chosen, "processor": int(seconds), "seconds": WAITING * seconds}
    with worker.tree.edited(mutant.file, mutant.apply(text)):
        answer = worker.ask(order)
    state = "timeout" if "timeout" in answer else "survived" if answer.get("code") == 0 else "killed"
    if answer.get("code") == 5:
        raise RuntimeError(f"none of the tests of {mutant.file} was found: {chosen[:3]}")
    by = answer.get("failed")
    if state != "survived":
        digests = {mutant.file: digests[mutant.file]}
        if by:
            file = by.partition("::")[0]
            digests[file] = tree.digest(file)
    return Result(state, by, len(tests), len(chosen), round(answer["seconds"], 1), digests)
