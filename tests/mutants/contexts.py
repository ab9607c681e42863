"""Which tests run which lines, measured once and kept until a file that matters has changed."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from . import tracing, tree
from .mutant import Mutant

MEASURE_SECONDS = 1800.0
"""A file of tests that takes longer than this under the tracer is left out."""
MOST_SECONDS = 30.0
"""A test that takes longer, with the fixtures that it shares, is not asked."""
QUICK_SECONDS = 1.0
"""Tests up to here are asked first, whatever file they are in."""

Ask = Callable[[dict[str, Any]], dict[str, Any]]
"""Hands an order to a warm process."""


def measure(file: str, folder: Path, ask: Ask) -> dict[str, Any]:
    """Measure one file of tests.

    Args:
        file: Its path below the repository.
        folder: Where measurements are kept.
        ask: Hands out the order; it adds the tree.

    Returns:
        What is kept.
    """
    lines = folder / "lines" / _stem(file)
    shutil.rmtree(lines, ignore_errors=True)
    lines.mkdir(parents=True)
    answer = ask(
        {"kind": "measure", "file": file, "folder": str(lines), "packages": tree.PACKAGES, "seconds": MEASURE_SECONDS}
    )
    contexts = {name: tracing.read(str(lines / number)) for name, number in answer.get("contexts", {}).items()}
    touched = {path for context in contexts.values() for path in context}
    kept = {
        "digests": {path: tree.digest(path) for path in sorted({file, *_helpers(file), *touched})},
        "tests": answer.get("tests", {}),
        "fixtures": answer.get("fixtures", {}),
        "lines": {
            name: {path: sorted(found, key=str) for path, found in each.items()} for name, each in contexts.items()
        },
        "seconds": answer["seconds"],
        "failed": [*answer.get("left_out", ()), *(word for word in ("timeout", "died") if word in answer)],
    }
    shutil.rmtree(lines)
    target = folder / f"{_stem(file)}.json"
    target.with_suffix(".partial").write_text(json.dumps(kept))
    target.with_suffix(".partial").rename(target)
    return kept


def stale(file: str, folder: Path) -> bool:
    """Say whether a file of tests has to be measured, for the first time or again."""
    path = folder / f"{_stem(file)}.json"
    return not path.exists() or any(
        tree.digest(name) != was for name, was in json.loads(path.read_text())["digests"].items()
    )


class Contexts:
    """The measurements.

    Args:
        folder: Where they are kept.
        files: Files of tests.
    """

    def __init__(self, folder: Path, files: list[str]) -> None:
        self._kept = {file: json.loads((folder / f"{_stem(file)}.json").read_text()) for file in files}
        self._by_line: dict[tuple[str, int | str], set[tuple[str, str]]] = {}
        for file, kept in self._kept.items():
            for name, paths in kept["lines"].items():
                for path, places in paths.items():
                    for place in places:
                        self._by_line.setdefault((path, place), set()).add((file, name))
        self.seconds = {
            test: max(facts["seconds"], 0.0) for kept in self._kept.values() for test, facts in kept["tests"].items()
        }

    def tests(self, mutant: Mutant) -> list[str]:
        """Tests that run what is edited, those first that are likely to notice at little cost.

        An edit outside of functions runs where a file is imported, which concerns every test of a file that imports it.
        """
        places: list[int | str] = [*range(mutant.line, mutant.end_line + 1), mutant.within.rpartition(".")[2]]
        found = {pair for place in places for pair in self._by_line.get((mutant.file, place), ())}
        tests: dict[str, float] = {}
        for file in sorted({file for file, _ in found}):
            kept, names = self._kept[file], {name for each, name in found if each == file}
            for test, facts in kept["tests"].items():
                if not mutant.called or test in names or names.intersection(facts["fixtures"]):
                    shared = sum(kept["fixtures"].get(name, 0.0) for name in set(facts["fixtures"]))
                    if self.seconds[test] + shared <= MOST_SECONDS:
                        tests[test] = self.seconds[test] + shared
        return _ordered(tests, mutant.file)


def _ordered(tests: Mapping[str, float], path: str) -> list[str]:
    """Quick tests first, those of the same name before others; tests of one file together, as they share fixtures."""
    words = {word for part in Path(path).with_suffix("").parts for word in part.split("_")} - {"component", "executor"}

    def score(test: str) -> float:
        file, _, _ = test.partition("::")
        named = words.intersection(Path(file).stem.split("_")[1:]), words.intersection(Path(file).parts)
        return tests[test] / (1 + 4 * len(named[0]) + len(named[1]))

    order: list[str] = []
    for quick in (True, False):
        chosen = [test for test in tests if (tests[test] <= QUICK_SECONDS) == quick]
        best: dict[str, float] = {}
        for test in chosen:
            file = test.partition("::")[0]
            best[file] = min(best.get(file, score(test)), score(test))
        order += sorted(chosen, key=lambda test: (best[test.partition("::")[0]], test.partition("::")[0], score(test)))
    return order


def _helpers(file: str) -> list[str]:
    """Files that tests share: every conftest above this one, and what stands beside the topmost."""
    folders = [str(folder) for folder in Path(file).parents if str(folder) != "."]
    beside = [name for name in tree.files() if str(Path(name).parent) == "tests" and name.endswith(".py")]
    above = [f"{folder}/conftest.py" for folder in folders]
    return [name for name in {*beside, *above} if (tree.REPOSITORY / name).is_file() and "test_" not in name]


def _stem(file: str) -> str:
    return file.removesuffix(".py").replace("/", ".")
