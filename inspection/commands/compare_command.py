"""`inspect compare A B`: what differs between two runs, the worst first."""

import argparse
import json
from collections.abc import Callable
from typing import Any

from inspection.commands.runs_command import took
from inspection.run_comparison import Comparison, Difference, Section, compare
from inspection.store.artifact_lookup import find_run_of
from inspection.store.metadata_store import Store
from inspection.text_output import drawn, moment, number, table

_LONGEST = 60
_HEADERS = {
    "config": ["KEY", "A", "B"],
    "data": ["WHAT", "A", "B"],
    "schema": ["COLUMN", "WHAT", "A", "B"],
    "statistics": ["COLUMN", "SPLIT", "APART", "WHAT", "A", "B"],
    "metrics": ["METRIC", "SLICE", "A", "B", "CHANGE", "", ""],
}


def answer(store: Store, args: argparse.Namespace) -> tuple[Comparison, Callable[[], str]]:
    """Returns the comparison, and a function that draws it."""
    runs = [find_run_of(store, wanted, pipeline=args.pipeline) for wanted in (args.a, args.b)]
    found = compare(store, runs[0], runs[1])
    return found, lambda: _text(found, args.limit)


def _text(found: Comparison, most: int) -> str:
    facts = [
        [each.run_id, each.pipeline, each.state, moment(each.started), took(each), each.reason]
        for each in (found.a, found.b)
    ]
    names = ["run", "pipeline", "state", "started", "took", "reason"]
    rows = [[name, a, b] for name, a, b in zip(names, *facts, strict=True)]
    parts: list[Any] = [table(["", "A", "B"], rows)]
    for section in found.sections:
        parts += _section(section, most)
    return drawn(*parts)


def _section(section: Section, most: int) -> list[Any]:
    count = len(section.differences)
    if not count:
        return [f"{section.name}: {section.note or 'the same'}"]
    shown = section.differences[:most]
    head = f"{section.name}: {count} differ{'s' if count == 1 else ''}"
    head += f", the first {most}; --limit N shows more" if count > most else ""
    head += f"; {section.note}" if section.note else ""
    rows, headers = [_row(section.name, each) for each in shown], _HEADERS[section.name]
    if section.name == "metrics" and not any(row[-1] for row in rows):
        rows, headers = [row[:-1] for row in rows], headers[:-1]
    return [head, table(headers, rows)]


def _row(section: str, each: Difference) -> list[object]:
    a, b = _cell(each.a), _cell(each.b)
    if section == "schema":
        return [each.subject, each.aspect, a, b]
    if section == "statistics":
        return [each.subject, each.where, number(each.size, 3), each.aspect, a, b]
    if section == "metrics":
        change = None if each.size is None else f"{each.size:.2%}"
        word = "" if each.worse is None else "worse" if each.worse else "better"
        return [each.subject, each.where or "all rows", a, b, change, word, each.aspect]
    return [each.subject, a, b]


def _cell(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        text = value
    elif isinstance(value, float):
        text = number(value)
    else:
        text = json.dumps(value, ensure_ascii=False, default=str)
    return text if text is None or len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
