"""Which tests run which lines, measured once; lines of a file that is edited later are followed to where they are."""

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
        "digest": tree.digest(file),
        "sources": {path: _keep(path, folder) for path in sorted(touched)},
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
    """Say whether a file of tests has to be measured, for the first time or because it was edited."""
    path = folder / f"{_stem(file)}.json"
    return not path.exists() or json.loads(path.read_text())["digest"] != tree.digest(file)


def _keep(path: str, folder: Path) -> str:
    """Keep the text of a file as it was measured, and return its digest."""
    kept = folder / "sources" / tree.digest(path)
    kept.parent.mkdir(exist_ok=True)
    kept.write_bytes((tree.REPOSITORY / path).read_bytes())
    return kept.name


def moved(before: Sequence[str], now: Sequence[str]) -> dict[int, list[int]]:
    """Where the lines of a text are in an edited one, each from 1.

    A line that is new there counts as run by what runs the line before it.
    """
    found: dict[int, list[int]] = {}
    matcher = difflib.SequenceMatcher(None, before, now, autojunk=False)
    for kind, start, end, new_start, new_end in matcher.get_opcodes():
        if kind == "equal":
            for place in range(end - start):
                found.setdefault(start + place + 1, []).append(new_start + place + 1)
        elif new_start < new_end:
            for place in range(start, end):
                found[place + 1] = list(range(new_start + 1, new_end + 1))
            found.setdefault(max(start, 1), []).extend(range(new_start + 1, new_end + 1))
    return found


class Contexts:
    """The measurements.

    Args:
        folder: Where they are kept.
        files: Files of tests.
        wanted: Files whose lines are asked for.
    """

    def __init__(self, folder: Path, files: list[str], wanted: set[str]) -> None:
        self._kept = {file: json.loads((folder / f"{_stem(file)}.json").read_text()) for file in files}
        self._by_line: dict[tuple[str, int | str], set[tuple[str, str]]] = {}
        for file, kept in self._kept.items():
            for name, paths in kept["lines"].items():
                for path in wanted & paths.keys():
                    follow = self._followed(folder, path, kept["sources"][path])
                    for place in paths[path]:
                        for there in [place] if isinstance(place, str) or follow is None else follow.get(place, ()):
                            self._by_line.setdefault((path, there), set()).add((file, name))
        self.seconds = {
            test: max(facts["seconds"], 0.0) for kept in self._kept.values() for test, facts in kept["tests"].items()
        }

    @staticmethod
    @functools.cache
    def _followed(folder: Path, path: str, digest: str) -> dict[int, list[int]] | None:
        """Where lines are now; None where the file is as it was."""
        if digest == tree.digest(path):
            return None
        there = tree.REPOSITORY / path
        now = there.read_text().splitlines() if there.is_file() else []
        return moved((folder / "sources" / digest).read_text().splitlines(), now)

    def tests(self, mutant: Mutant) -> list[str]:
        """Tests that run what is edited, those first that are likely to notice at little cost.

        What runs while a file of tests is imported concerns all of them. So does an edit outside of functions, which
        runs where the edited file is imported.
        """
        places: list[int | str] = [*range(mutant.line, mutant.end_line + 1), mutant.within.rpartition(".")[2]]
        found = {pair for place in places for pair in self._by_line.get((mutant.file, place), ())}
        tests: dict[str, float] = {}
        for file in sorted({file for file, _ in found}):
            kept, names = self._kept[file], {name for each, name in found if each == file}
            whole = not mutant.called or COLLECT in names
            for test, facts in kept["tests"].items():
                if whole or test in names or names.intersection(facts["fixtures"]):
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


def _stem(file: str) -> str:
    return file.removesuffix(".py").replace("/", ".")
