"""The evaluation as plain values: verdict.json, and the line that sums it up."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from components.evaluator.blessing import Rule
from components.evaluator.intervals import Interval
from components.evaluator.metrics.catalog import CLASS_NAMES, LOWER_IS_BETTER, NUMBER
from components.evaluator.slicing import SliceKey, plain

METHOD = (
    "95 %: Wilson's score interval for shares of rows, a jackknife over 20 folds with a t-distribution for all else"
)
GROUPED = "; rows with equal {} are in one fold, and count as alike"
WORST = 3
"""Slices in the terminal."""
WORST_COUNT = 30
"""Rows below which a slice is not named as one of the worst: its metric is mostly chance."""
SUMMARY = 3
"""Metrics in the line that sums up."""


def make(config: Mapping[str, Any], found: Any, rules: Sequence[Rule], note: str) -> dict[str, Any]:
    """The verdict.

    Args:
        config: The node's settings.
        found: The evaluation.
        rules: Every outcome.
        note: What is to be said of the baseline.

    Returns:
        JSON-able values; None stands for what is no number.
    """
    failed = [rule for rule in rules if not rule.ok]
    # A model whose answers are no numbers is refused also where rules only advise.
    blocking = [rule for rule in failed if not config["advisory"] or _answers_nothing(config["task"], rule)]
    overall = found.values(0)
    blessed = not blocking
    reason = "; ".join([*map(str, failed or rules), note])
    if failed and blessed:
        reason = f"advisory only: {reason}"
    if not overall["example_count"]:
        reason = f"the split {config['split']} holds no row; {reason}"
    told = {
        "blessed": blessed,
        "advisory": config["advisory"],
        "reason": reason,
        "split": config["split"],
        "task": config["task"],
        "classes": found.classes,
        "metrics": overall,
        "intervals": _ends(found.intervals(0)),
        "interval_method": METHOD + (GROUPED.format(config["group"]) if config["group"] else ""),
        "baseline": found.values(0, found.baseline) if found.baseline else None,
        "baseline_note": note,
        "rules": [{**vars(rule), "slice": _slice(rule.slice), "text": str(rule)} for rule in rules],
        "slices": [
            {
                "slice": _slice(key),
                "count": found.values(cell)["example_count"],
                "metrics": found.values(cell),
                "intervals": _ends(found.intervals(cell)),
                "baseline": found.values(cell, found.baseline) if found.baseline else None,
            }
            for key, cell in found.cells.items()
            if key
        ],
        "slices_left_out": found.left,
        "worst_count": WORST_COUNT,
        "worst_slices": _worst_slices(config["task"], found),
        "details": found.measure.details(found.candidate.sums(0)),
        "worst": found.worst,
    }
    cleaned: dict[str, Any] = _numbers(told)
    return cleaned


def line(told: Mapping[str, Any]) -> str:
    """The verdict and the first metrics."""
    shown = [(name, value) for name, value in told["metrics"].items() if name != "example_count"][:SUMMARY]
    figures = ", ".join(f"{name} {math.nan if value is None else value:.6g}" for name, value in shown)
    return f"{'blessed' if told['blessed'] else 'not blessed'}: {figures}"


def _worst_slices(task: str, found: Any) -> list[dict[str, Any]]:
    """The slices whose first metric is worst, of those with enough rows."""
    metric = next(iter(CLASS_NAMES[task]))
    known = []
    for key, cell in found.cells.items():
        values = found.values(cell)
        if key and values["example_count"] >= WORST_COUNT and math.isfinite(values[metric]):
            interval = found.intervals(cell).get(metric)
            known.append(
                {
                    "metric": metric,
                    "slice": _slice(key),
                    "value": float(values[metric]),
                    "interval": [interval.low, interval.high] if interval else None,
                    "count": values["example_count"],
                }
            )
    known.sort(key=lambda entry: entry["value"], reverse=metric in LOWER_IS_BETTER)
    return known[:WORST]


def _answers_nothing(task: str, rule: Rule) -> bool:
    return rule.metric == NUMBER[task] and not rule.slice and not math.isfinite(rule.value)


def _ends(intervals: Mapping[str, Interval]) -> dict[str, list[float]]:
    return {name: [interval.low, interval.high] for name, interval in intervals.items()}


def _slice(key: SliceKey) -> dict[str, Any]:
    return {name: plain(value) for name, value in key}


def _numbers(value: Any) -> Any:
    """The same with None for each number that JSON has no word for."""
    if isinstance(value, Mapping):
        return {key: _numbers(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_numbers(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
