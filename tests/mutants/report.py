"""Results of mutants and the survivors, as text and in docs/explanation/testing.md."""

import collections
import re
from collections.abc import Sequence

from . import tree
from .mutant import Mutant
from .mutant_runs import Result

DOCUMENT = tree.REPOSITORY / "docs" / "explanation" / "testing.md"
STATES = ("killed", "timeout", "survived", "untested")
LONG = 100
"""Maximum length of a shown edit."""
_MARK = re.compile(r"(<!-- survivors of seed (\d+) -->\n).*?(<!-- end -->\n)", re.S)

Tried = Sequence[tuple[Mutant, Result]]


def edit(mutant: Mutant) -> str:
    """Return an edit as one line."""
    old_text, new_text = (" ".join(text.split()) for text in (mutant.old, mutant.new))
    if len(old_text) + len(new_text) > LONG:
        # Show the part that differs, with some context.
        start = next(
            (
                place
                for place, (old_sign, new_sign) in enumerate(zip(old_text, new_text, strict=False))
                if old_sign != new_sign
            ),
            0,
        )
        start = max(start - 20, 0)
        old_text, new_text = (
            f"{'…' if start else ''}{text[start : start + LONG // 2]}" for text in (old_text, new_text)
        )
    return f"{old_text} → {new_text or 'nothing'}"


def line(mutant: Mutant, result: Result) -> str:
    """Return the result of a mutant as one line."""
    details = f"by {result.by}" if result.by else f"{result.asked} of {result.tests} tests"
    location = f"{mutant.file}:{mutant.line} {mutant.operator}"
    return f"{result.state:8} {location}: {edit(mutant)} ({details}, {result.seconds:.0f} s)"


def summary(tried: Tried) -> tuple[str, float]:
    """Return survivors and results by package as text, and the share of killed mutants; a timeout counts as killed."""
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
    """Return the document with the survivors of a seed; existing reasons of edits are kept."""
    for match in _MARK.finditer(text):
        if int(match[2]) == seed:
            reasons = {row[:2]: row[2] for row in _rows(match[0])}
            _, share = summary(tried)
            states = collections.Counter(result.state for _, result in tried)
            counts = ", ".join(f"{states[state]} {state}" for state in STATES)
            head = f"{len(tried)} mutants of seed {seed}: {share:.1%} noticed ({counts}).\n\n"
            rows = ["| where | edit | reason |", "| --- | --- | --- |"]
            for mutant, result in tried:
                if result.state in ("survived", "untested"):
                    cells = f"{mutant.file} {mutant.within}".strip(), f"`{edit(mutant)}`".replace("|", "\\|")
                    rows.append(f"| {cells[0]} | {cells[1]} | {reasons.get(cells, '')} |")
            section = match[1] + head + "\n".join(rows) + "\n" + match[3]
            return text[: match.start()] + section + text[match.end() :]
    raise ValueError(
        f"{DOCUMENT} has no section for seed {seed}: add <!-- survivors of seed {seed} --> and <!-- end -->"
    )


def write(seed: int, tried: Tried) -> None:
    """Write the survivors to docs/explanation/testing.md."""
    DOCUMENT.write_text(document(DOCUMENT.read_text(), seed, tried))


def _rows(table: str) -> list[tuple[str, ...]]:
    cells = (re.split(r"(?<!\\)\|", row) for row in table.splitlines() if row.startswith("| "))
    return [tuple(cell.strip() for cell in row[1:4]) for row in cells]
