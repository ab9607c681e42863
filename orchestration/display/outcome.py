"""Outcome of a run for the terminal: metrics with intervals, the worst slices, and the failed rules."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

from printing import visible

HIDDEN = ("example_count", "mse")
"""Metrics that the table omits: rmse has the same information in the unit of the label."""
UNKNOWN = "unknown"
"""Interval of a metric that has none, such as an AUC of 1, whose jackknife has no variance."""


def table(outcome: Mapping[str, Any], *, narrow: bool = False) -> Table:
    """Return a table of metrics: of the model, with 95 % intervals, of the baseline and of the plain models.

    All of them are measured on the same rows.

    Args:
        outcome: The evaluator's verdict.
        narrow: Whether the head of the first column is on two lines.
    """
    metrics, intervals, baseline = outcome["metrics"], outcome["intervals"], outcome["baseline"]
    other_models = {**({"baseline": baseline} if baseline else {}), **outcome.get("plain", {})}
    result = Table(box=None, pad_edge=False)
    rows = f"{int(metrics['example_count']):,} rows"
    result.add_column(f"{visible(outcome['split'])} split,{chr(10) if narrow else ' '}{rows}")
    result.add_column("model", justify="right")
    if intervals:
        result.add_column("95 % interval", justify="right")
    for name in other_models:
        result.add_column(name.removeprefix("boosted_"), justify="right")
    for name, value in metrics.items():
        if name in HIDDEN or "[" in name or (value is None and not (baseline and baseline[name] is not None)):
            continue
        cells = [number(value)]
        if intervals:
            cells.append(" to ".join(map(number, intervals[name])) if name in intervals else UNKNOWN)
        cells += [number(other_metrics.get(name)) for other_metrics in other_models.values()]
        result.add_row(visible(name), *cells)
    return result


def notes(outcome: Mapping[str, Any]) -> Iterator[str]:
    """Yield lines below the table: plain models, slices that are worst or not measured, a warning, failed rules."""
    yield from (f"Plain models: {note}" for note in outcome.get("plain_notes", ()))
    if outcome["worst_slices"]:
        min_count = outcome.get("worst_count")
        rule = f", of those with {min_count} rows or more" if min_count else ""
        yield f"Worst slices by {outcome['worst_slices'][0]['metric']}{rule}:"
        for entry in outcome["worst_slices"]:
            interval = f" ({' to '.join(map(number, entry['interval']))})" if entry["interval"] else ""
            slice_text = ", ".join(f"{name} = {value}" for name, value in entry["slice"].items())
            yield f"  {slice_text}: {number(entry['value'])}{interval}, {entry['count']:,.0f} rows"
    for entry in outcome["slices_left_out"]:
        slice_text = " x ".join(entry["slicing"])
        yield (
            f"Of {entry['slices']:,} slices by {slice_text} the {entry['kept']:,} most frequent are measured; "
            f"{entry['rows_left']:,} rows are in none of them"
        )
    if outcome.get("too_good"):
        yield f"Check: {outcome['too_good']}"
    for rule in outcome["rules"]:
        if not rule["ok"]:
            accepts = f"to accept it: {rule['edit']}" if rule["edit"] else "no limit of the config should accept it"
            yield f"Failed: {rule['text']}; {accepts}"


def number(value: float | None) -> str:
    """Format a number with five digits, or without decimals from 1000; "none" if there is no value."""
    if value is None:
        return "none"
    return f"{value:,.5g}" if abs(value) < 1000 else f"{value:,.0f}"
