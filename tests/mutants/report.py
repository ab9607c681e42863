"""Figures of mutants, and what tests do not notice, as text and in docs/explanation/testing.md."""

import collections
import re
from collections.abc import Sequence

from . import tree
from .mutant import Mutant
from .mutant_runs import Result

DOCUMENT = tree.REPOSITORY / "docs" / "explanation" / "testing.md"
STATES = ("killed", "timeout", "survived", "untested")
LONG = 100
"""Characters of an edit that are shown."""
_MARK = re.compile(r"(<!-- survivors of seed (\d+) -->\n).*?(<!-- end -->\n)", re.S)

Tried = Sequence[tuple[Mutant, Result]]


def edit(mutant: Mutant) -> str:
    """An edit in one line."""
    old, new = (" ".join(text.split()) for text in (mutant.old, mutant.new))
    if len(old) + len(new) > LONG:
        # The part that differs, with a little around it.
        start = next((place for place, (one, two) in enumerate(zip(old, new, strict=False)) if one != two), 0)
        start = max(start - 20, 0)
        old, new = (f"{'…' if start else ''}{text[start : start + LONG // 2]}" for text in (old, new))
    return f"{old} → {new or 'nothing'}"


def line(mutant: Mutant, result: Result) -> str:
    """What became of a mutant, in one line."""
    told = f"by {result.by}" if result.by else f"{result.asked} of {result.tests} tests"
    where = f"{mutant.file}:{mutant.line} {mutant.operator}"
    return f"{result.state:8} {where}: {edit(mutant)} ({told}, {result.seconds:.0f} s)"


def summary(tried: Tried) -> tuple[str, float]:
    """Figures by package and the survivors, and the share that tests noticed; a test that never ends is noticed."""
    counts: dict[str, collections.Counter[str]] = {}
    for mutant, result in tried:
        for name in (mutant.file.partition("/")[0], "all"):
            counts.setdefault(name, collections.Counter())[result.state] += 1
    rows = [f"{'':15}" + "".join(f"{state:>10}" for state in STATES) + "    share"]
    for name, count in sorted(counts.items()):
        rows.append(f"{name:15}" + "".join(f"{count[state]:10}" for state in STATES) + f"{_share(count):9.1%}")
    survivors = [line(mutant, result) for mutant, result in tried if result.state in ("survived", "untested")]
    return "\n".join([*survivors, "", *rows]), _share(counts["all"])


def _share(count: "collections.Counter[str]") -> float:
    return (count["killed"] + count["timeout"]) / max(count.total(), 1)


def document(text: str, seed: int, tried: Tried) -> str:
    """Put the survivors of a seed into the document; the reason that stands beside an edit stays."""
    for match in _MARK.finditer(text):
        if int(match[2]) == seed:
            reasons = {row[:2]: row[2] for row in _rows(match[0])}
            _, share = summary(tried)
            states = collections.Counter(result.state for _, result in tried)
            told = ", ".join(f"{states[state]} {state}" for state in STATES)
            head = f"{len(tried)} mutants of seed {seed}: {share:.1%} noticed ({told}).\n\n"
            rows = ["| where | edit | reason |", "| --- | --- | --- |"]
            for mutant, result in tried:
                if result.state in ("survived", "untested"):
                    cells = f"{mutant.file} {mutant.within}".strip(), f"`{edit(mutant)}`".replace("|", "\\|")
                    rows.append(f"| {cells[0]} | {cells[1]} | {reasons.get(cells, '')} |")
            made = match[1] + head + "\n".join(rows) + "\n" + match[3]
            return text[: match.start()] + made + text[match.end() :]
    raise ValueError(f"{DOCUMENT} has no place for seed {seed}: <!-- survivors of seed {seed} --> and <!-- end -->")


def write(seed: int, tried: Tried) -> None:
    """Write the survivors into docs/explanation/testing.md."""
    DOCUMENT.write_text(document(DOCUMENT.read_text(), seed, tried))


def _rows(table: str) -> list[tuple[str, ...]]:
    cells = (re.split(r"(?<!\\)\|", row) for row in table.splitlines() if row.startswith("| "))
    return [tuple(cell.strip() for cell in row[1:4]) for row in cells]
