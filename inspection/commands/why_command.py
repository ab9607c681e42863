"""`inspect why MODEL`: why a model is blessed or not: metrics, slices, limits, baseline."""

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from inspection.read.evaluations import Cell, Rule
from inspection.read.verdicts import Verdict, judge
from inspection.store.artifact_lookup import find_model
from inspection.store.metadata_store import Store
from inspection.text_output import drawn, number, table

_VERDICTS = {None: "not evaluated", True: "blessed", False: "not blessed"}


def answer(store: Store, args: argparse.Namespace) -> tuple[Verdict, Callable[[], str]]:
    """Return the verdict, and a function that formats it."""
    verdict = judge(store, find_model(store, args.model, pipeline=args.pipeline))
    return verdict, lambda: _text(verdict)


def _text(verdict: Verdict) -> str:
    model = verdict.model
    producer = " of ".join(filter(None, (model.producer_node, model.producer_run)))
    baseline = f"Model {verdict.baseline}" if verdict.baseline is not None else verdict.baseline_note
    facts = {
        "model": f"{model.id}, {producer}" if producer else str(model.id),
        "verdict": _VERDICTS[verdict.blessed],
        "reason": verdict.reason,
        "evaluated by": verdict.judged_by,
        "baseline": baseline,
        "pushed to": ", ".join(verdict.pushed) or "nowhere",
        "note": "; ".join(verdict.notes),
    }
    return drawn(
        table(None, [[name, value] for name, value in facts.items() if value]),
        table(
            ["OUTCOME", "METRIC", "SLICE", "VALUE", "LIMIT", "KIND", "ROWS", "TO ACCEPT IT"],
            [_rule(rule) for rule in verdict.rules],
        ),
        _metrics(verdict.overall) if verdict.overall else None,
    )


def _rule(rule: Rule) -> list[object]:
    outcome = "not checked" if rule.kind == "skipped" else "holds" if rule.ok else "fails"
    limit = rule.limit if isinstance(rule.limit, str) else number(rule.limit, 6)
    cells = [
        rule.metric,
        slice_name(rule.slice),
        number(rule.value, 6),
        limit,
        rule.kind,
        number(rule.count),
        rule.edit,
    ]
    return [outcome, *cells]


def _metrics(cell: Cell) -> Any:
    has_baseline = cell.baseline is not None
    header = ["METRIC", "MODEL", *(["95 %"] if cell.intervals else []), *(["BASELINE"] if has_baseline else [])]
    rows = []
    for name, value in cell.metrics.items():
        interval = [number(end) for end in cell.intervals.get(name, ())]
        row: list[object] = [name, number(value)]
        row += [" to ".join(map(str, interval)) or (None if value is None else "unknown")] if cell.intervals else []
        row += [number((cell.baseline or {}).get(name))] if has_baseline else []
        rows.append(row)
    return table(header, rows)


def slice_name(slice_: Mapping[str, Any]) -> str:
    """Return the name of a slice: `column = value`."""
    return ", ".join(f"{column} = {value}" for column, value in slice_.items()) or "all rows"
