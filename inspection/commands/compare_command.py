"""`inspect compare A B`: differences between two runs, largest first."""

import argparse
import json
from collections.abc import Callable
from typing import Any

from inspection.commands.runs_command import took
from inspection.run_comparison import Comparison, Difference, Section, compare
from inspection.store.artifact_lookup import find_run_of
from inspection.store.metadata_store import Store
from inspection.text_output import drawn, moment, number, table

_MAX_CHARS = 60
_HEADERS = {
    "config": ["KEY", "A", "B", ""],
    "data": ["WHAT", "A", "B"],
    "schema": ["COLUMN", "WHAT", "A", "B"],
    "statistics": ["COLUMN", "SPLIT", "DISTANCE", "WHAT", "A", "B"],
    "metrics": ["METRIC", "SLICE", "A", "B", "CHANGE", "", ""],
}


def answer(store: Store, args: argparse.Namespace) -> tuple[Comparison, Callable[[], str]]:
    """Return the comparison, and a function that formats it."""
    runs = [find_run_of(store, name, pipeline=args.pipeline) for name in (args.a, args.b)]
    comparison = compare(store, runs[0], runs[1])
    return comparison, lambda: _text(comparison, args.limit)


def _text(comparison: Comparison, limit: int) -> str:
    facts = [
        [run.run_id, run.pipeline, run.state, moment(run.started), took(run), run.reason]
        for run in (comparison.a, comparison.b)
    ]
    names = ["run", "pipeline", "state", "started", "took", "reason"]
    rows = [[name, a, b] for name, a, b in zip(names, *facts, strict=True)]
    parts: list[Any] = [table(["", "A", "B"], rows)]
    for section in comparison.sections:
        parts += _section(section, limit)
    return drawn(*parts)


def _section(section: Section, limit: int) -> list[Any]:
    count = len(section.differences)
    if not count:
        return [f"{section.name}: {section.note or 'equal'}"]
    differences = section.differences[:limit]
    title = f"{section.name}: {count} differ{'s' if count == 1 else ''}"
    title += f", the first {limit}; --limit N shows more" if count > limit else ""
    title += f"; {section.note}" if section.note else ""
    rows, headers = [_row(section.name, difference) for difference in differences], _HEADERS[section.name]
    if section.name in ("metrics", "config") and not any(row[-1] for row in rows):
        rows, headers = [row[:-1] for row in rows], headers[:-1]
    return [title, table(headers, rows)]


def _row(section: str, difference: Difference) -> list[object]:
    a, b = _cell(difference.a), _cell(difference.b)
    if section == "schema":
        return [difference.subject, difference.aspect, a, b]
    if section == "statistics":
        return [difference.subject, difference.where, number(difference.size, 3), difference.aspect, a, b]
    if section == "metrics":
        change = None if difference.size is None else f"{difference.size:.2%}"
        direction = "" if difference.worse is None else "worse" if difference.worse else "better"
        return [difference.subject, difference.where or "all rows", a, b, change, direction, difference.aspect]
    return [difference.subject, a, b, *([difference.aspect] if section == "config" else [])]


def _cell(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        text = value
    elif isinstance(value, float):
        text = number(value)
    else:
        text = json.dumps(value, ensure_ascii=False, default=str)
    return text if text is None or len(text) <= _MAX_CHARS else f"{text[: _MAX_CHARS - 3]}..."
