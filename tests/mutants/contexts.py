"""Which tests run which lines; line numbers are translated when a file has been edited since the measurement."""

import difflib
import functools
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import tracing, tree
from .mutant import Mutant
from .plugins import COLLECT

MEASURE_SECONDS = 1800.0
"""A test file that takes longer under the tracer is skipped."""
MAX_SECONDS = 30.0
"""A test that takes longer, including shared fixtures, is not run on mutants."""
QUICK_SECONDS = 1.0
"""Faster tests run first, whatever their file."""

Ask = Callable[[dict[str, Any]], dict[str, Any]]
"""Sends an order to a warm process, and returns its answer."""


def measure(file: str, folder: Path, ask: Ask) -> dict[str, Any]:
    """Measure a test file.

    Args:
        file: Path relative to the repository.
        folder: Folder of the measurements.
        ask: Sends the order; it adds the tree.

    Returns:
        The measurement, as stored.
    """
    lines = folder / "lines" / _stem(file)
    shutil.rmtree(lines, ignore_errors=True)
    lines.mkdir(parents=True)
    answer = ask(
        {"kind": "measure", "file": file, "folder": str(lines), "packages": tree.PACKAGES, "seconds": MEASURE_SECONDS}
    )
    contexts = {name: tracing.read(str(lines / number)) for name, number in answer.get("contexts", {}).items()}
    touched = {path for context in contexts.values() for path in context}
    measurement = {
        "digest": tree.digest(file),
        "sources": {path: _keep(path, folder) for path in sorted(touched)},
        "tests": answer.get("tests", {}),
        "fixtures": answer.get("fixtures", {}),
        "lines": {
            name: {path: sorted(numbers, key=str) for path, numbers in paths.items()}
            for name, paths in contexts.items()
        },
        "seconds": answer["seconds"],
        "failed": [*answer.get("left_out", ()), *(problem for problem in ("timeout", "died") if problem in answer)],
    }
    shutil.rmtree(lines)
    target = folder / f"{_stem(file)}.json"
    target.with_suffix(".partial").write_text(json.dumps(measurement))
    target.with_suffix(".partial").rename(target)
    return measurement


def stale(file: str, folder: Path) -> bool:
    """Return whether a test file was not measured yet, or has changed since."""
    path = folder / f"{_stem(file)}.json"
    return not path.exists() or json.loads(path.read_text())["digest"] != tree.digest(file)


def _keep(path: str, folder: Path) -> str:
    """Store the text of a measured file, and return its digest."""
    copy = folder / "sources" / tree.digest(path)
    copy.parent.mkdir(exist_ok=True)
    copy.write_bytes((tree.REPOSITORY / path).read_bytes())
    return copy.name


def moved(old_lines: Sequence[str], new_lines: Sequence[str]) -> dict[int, list[int]]:
    """Map line numbers of a text to those in an edited version, counted from 1.

    A new line counts as run by the tests that run the line before it.
    """
    mapping: dict[int, list[int]] = {}
    matcher = difflib.SequenceMatcher(None, old_lines, new_lines, autojunk=False)
    for kind, start, end, new_start, new_end in matcher.get_opcodes():
        if kind == "equal":
            for offset in range(end - start):
                mapping.setdefault(start + offset + 1, []).append(new_start + offset + 1)
        elif new_start < new_end:
            for offset in range(start, end):
                mapping[offset + 1] = list(range(new_start + 1, new_end + 1))
            mapping.setdefault(max(start, 1), []).extend(range(new_start + 1, new_end + 1))
    return mapping


class Contexts:
    """All measurements.

    Args:
        folder: Folder of the measurements.
        files: Test files.
        wanted: Files whose lines are needed.
    """

    def __init__(self, folder: Path, files: list[str], paths_of_mutants: set[str]) -> None:
        self._measurements = {file: json.loads((folder / f"{_stem(file)}.json").read_text()) for file in files}
        self._by_line: dict[tuple[str, int | str], set[tuple[str, str]]] = {}
        for file, measurement in self._measurements.items():
            for name, paths in measurement["lines"].items():
                for path in paths_of_mutants & paths.keys():
                    mapping = self._followed(folder, path, measurement["sources"][path])
                    for line in paths[path]:
                        for new_line in [line] if isinstance(line, str) or mapping is None else mapping.get(line, ()):
                            self._by_line.setdefault((path, new_line), set()).add((file, name))
        self.seconds = {
            test: max(facts["seconds"], 0.0)
            for measurement in self._measurements.values()
            for test, facts in measurement["tests"].items()
        }

    @staticmethod
    @functools.cache
    def _followed(folder: Path, path: str, digest: str) -> dict[int, list[int]] | None:
        """Return the current numbers of lines; None if the file is unchanged."""
        if digest == tree.digest(path):
            return None
        current = tree.REPOSITORY / path
        lines = current.read_text().splitlines() if current.is_file() else []
        return moved((folder / "sources" / digest).read_text().splitlines(), lines)

    def tests(self, mutant: Mutant) -> list[str]:
        """Return tests that run the edited lines, those first that are fast and likely to fail.

        Lines that run while a test file is imported belong to all of its tests; so do edits outside of functions, which
        run on import.
        """
        lines: list[int | str] = [*range(mutant.line, mutant.end_line + 1), mutant.within.rpartition(".")[2]]
        contexts = {context for line in lines for context in self._by_line.get((mutant.file, line), ())}
        tests: dict[str, float] = {}
        for file in sorted({file for file, _ in contexts}):
            measurement, names = self._measurements[file], {name for test_file, name in contexts if test_file == file}
            all_tests = not mutant.called or COLLECT in names
            for test, facts in measurement["tests"].items():
                if all_tests or test in names or names.intersection(facts["fixtures"]):
                    shared = sum(measurement["fixtures"].get(name, 0.0) for name in set(facts["fixtures"]))
                    if self.seconds[test] + shared <= MAX_SECONDS:
                        tests[test] = self.seconds[test] + shared
        return _ordered(tests, mutant.file)


def _ordered(tests: Mapping[str, float], path: str) -> list[str]:
    """Order fast tests first, tests with the name of the file before others, and tests of a file together."""
    terms = {term for part in Path(path).with_suffix("").parts for term in part.split("_")} - {"component", "executor"}

    def score(test: str) -> float:
        file, _, _ = test.partition("::")
        matches = terms.intersection(Path(file).stem.split("_")[1:]), terms.intersection(Path(file).parts)
        return tests[test] / (1 + 4 * len(matches[0]) + len(matches[1]))

    order: list[str] = []
    for quick in (True, False):
        chosen = [test for test in tests if (tests[test] <= QUICK_SECONDS) == quick]
        best: dict[str, float] = {}
        for test in chosen:
            file = test.partition("::")[0]
            best[file] = min(best.get(file, score(test)), score(test))
        order += sorted(chosen, key=lambda test: (best[test.partition("::")[0]], test.partition("::")[0], score(test)))
    return order


def _stem(file: str) -> str:
    return file.removesuffix(".py").replace("/", ".")
