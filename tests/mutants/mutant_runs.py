"""Runs mutants: each in a tree of its own edit, by the tests that run what is edited."""

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
"""Tests of a mutant are asked up to so many seconds together, as they were measured."""
LEAST_SECONDS, TIMES = 20.0, 5.0
"""A mutant's process may use so many seconds of a processor, and so many times what its tests were measured to use."""
WAITING = 6.0
"""And take so many times as long, on a machine that does other things and for tests that wait."""


class Warm:
    """A warm process with its tree.

    Args:
        folder: Where tree, logs and what tests write are.
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
        """Have an order done."""
        assert self._process.stdin is not None
        places = {"tree": self.tree.folder, "temporary": self._folder / "temporary", "log": self._folder / "tests.log"}
        self._process.stdin.write(json.dumps({**order, **{key: str(path) for key, path in places.items()}}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the warm process is gone: {(self._folder / 'warm.log').read_text()[-2000:]}")
        return dict(json.loads(line))

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@contextlib.contextmanager
def warm(folder: Path, jobs: int) -> Iterator[list[Warm]]:
    """Start warm processes."""
    made: list[Warm] = []
    try:
        for number in range(jobs):
            made.append(Warm(folder / str(number)))
        yield made
    finally:
        for each in made:
            each.close()


@dataclass
class Result:
    """What became of a mutant.

    Attributes:
        state: "killed", "survived", "timeout" or, where no test runs the edit, "untested".
        by: The test that failed.
        tests: How many ran what is edited.
        asked: How many of them the budget allowed.
        seconds: How long it took.
        digests: Of the file and the test's, for which this holds.
    """

    state: str
    by: str | None
    tests: int
    asked: int
    seconds: float
    digests: dict[str, str]

    def holds(self, tests: str) -> bool:
        """Say whether it need not be tried again.

        Args:
            tests: Digest of all tests as they are.
        """
        return all((tests if path == "tests" else tree.digest(path)) == was for path, was in self.digests.items())


def run(mutant: Mutant, text: str, contexts: Contexts, worker: Warm, all_tests: str) -> Result:
    """Try one mutant.

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
    seconds = LEAST_SECONDS + TIMES * min(cost, BUDGET_SECONDS)
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
