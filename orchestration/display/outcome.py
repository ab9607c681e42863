"""A run's outcome as a person reads it: metrics with their intervals, the worst slices, and why a model was refused."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

from printing import visible

HIDDEN = ("example_count", "mse")
"""Metrics that the table leaves out: rmse says the same in the label's own unit."""
UNKNOWN = "unknown"
"""The interval of a metric that has none, as of an AUC of 1, whose jackknife has no spread."""


def table(outcome: Mapping[str, Any]) -> Table:
    """Metrics of all rows: the model's, where they are with 95 % confidence, and the baseline's on the same rows.

    Args:
        outcome: The evaluator's verdict.
    """
    metrics, intervals, baseline = outcome["metrics"], outcome["intervals"], outcome["baseline"]
    made = Table(box=None, pad_edge=False)
    made.add_column(f"{visible(outcome['split'])} split, {int(metrics['example_count']):,} rows")
    made.add_column("model", justify="right")
    if intervals:
        made.add_column("95 % interval", justify="right")
    if baseline:
        made.add_column("baseline", justify="right")
    for name, value in metrics.items():
        if name in HIDDEN or "[" in name or (value is None and not (baseline and baseline[name] is not None)):
            continue
        cells = [number(value)]
        if intervals:
            cells.append(" to ".join(map(number, intervals[name])) if name in intervals else UNKNOWN)
        if baseline:
            cells.append(number(baseline[name]))
        made.add_row(visible(name), *cells)
    return made


def notes(outcome: Mapping[str, Any]) -> Iterator[str]:
    """Lines below the table: the worst slices, what was left out, and the edit that would accept each failed rule."""
    if outcome["worst_slices"]:
        least = outcome.get("worst_count")
        rule = f", of those with {least} rows or more" if least else ""
        yield f"Worst slices by {outcome['worst_slices'][0]['metric']}{rule}:"
        for entry in outcome["worst_slices"]:
            ends = f" ({' to '.join(map(number, entry['interval']))})" if entry["interval"] else ""
            named = ", ".join(f"{name} = {value}" for name, value in entry["slice"].items())
            yield f"  {named}: {number(entry['value'])}{ends}, {entry['count']:,.0f} rows"
    for entry in outcome["slices_left_out"]:
        named = " x ".join(entry["slicing"])
        yield (
            f"Of {entry['slices']:,} slices by {named} the {entry['kept']:,} most frequent are measured; "
            f"{entry['rows_left']:,} rows are in none of them"
        )
    for rule in outcome["rules"]:
        if not rule["ok"]:
            accepts = f"to accept it: {rule['edit']}" if rule["edit"] else "no limit of the config should accept it"
            yield f"Failed: {rule['text']}; {accepts}"


def number(value: float | None) -> str:
    """Five digits, or whole thousands; none where there is no such number."""
    if value is None:
        return "none"
    return f"{value:,.5g}" if abs(value) < 1000 else f"{value:,.0f}"
