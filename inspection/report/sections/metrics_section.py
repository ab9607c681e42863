"""Metrics of all rows and by slice, with 95 % intervals, the baseline and plain models."""

from collections.abc import Sequence
from typing import Any

from inspection.read.evaluations import Cell, Evaluation
from inspection.read.metric_direction import NEAREST_IS_BEST, lower_is_better
from inspection.report.charts import intervals
from inspection.report.markup import Html, figure, joined, shown, table, tag
from inspection.report.report_facts import Facts

_DRAWN, _LISTED = 40, 200
"""Number of slices in the chart and in the table."""


def section(facts: Facts, *, listed: int = _LISTED) -> Html | None:
    """Return tables and charts of the metrics."""
    if facts.evaluation is None:
        return None
    overall, *slices = facts.evaluation.cells
    parts: list[Html | None] = [_overall(facts.evaluation, overall)]
    parts += [tag("p", f"Plain models: {note}.") for note in facts.evaluation.plain_notes]
    method = facts.evaluation.interval_method
    parts.append(tag("p", f"Intervals: {method}.", class_="small") if method else None)
    metric = next(iter(overall.metrics), None)
    if slices and metric is not None:
        parts += [_by_slice(overall, slices, metric, facts.evaluation.min_slice_rows), _table(overall, slices, listed)]
        parts += [tag("p", note, class_="note") for note in _unmeasured(facts.evaluation)]
    return joined(parts)


def slice_name(cell: Cell) -> str:
    """Return the name of a slice."""
    return ", ".join(f"{column} = {value}" for column, value in cell.slice.items()) or "all rows"


def _overall(evaluation: Evaluation, overall: Cell) -> Html:
    header = ["metric", "model", "95 % from", "to", *overall.others, "better"]
    rows = []
    for name, value in overall.metrics.items():
        if "[" in name:
            continue  # of a class: in the table of classes
        interval = overall.intervals.get(name) or ("unknown" if value is not None and overall.intervals else None, None)
        of_others = [metrics.get(name) for metrics in overall.others.values()]
        row: list[Any] = [name, value, interval[0], interval[1], *of_others]
        best = NEAREST_IS_BEST.get(name)
        direction = f"closer to {best:g}" if best is not None else "lower" if lower_is_better(name) else "higher"
        rows.append([*row, direction])
    count = f", {overall.count:,.0f} rows" if overall.count is not None else ""
    rows_text = f"split {evaluation.split}" if evaluation.split else "all rows"
    return joined([table(header, rows, caption=f"Metrics, {rows_text}{count}"), _by_class(overall)])


def _by_class(overall: Cell) -> Html | None:
    """Return a table of metrics such as precision[CLASS], with a row for each class."""
    classes: dict[str, dict[str, str]] = {}
    for name, value in overall.metrics.items():
        stem, bracket, class_name = name.partition("[")
        if bracket:
            interval = overall.intervals.get(name)
            interval_text = f" ({shown(interval[0])} to {shown(interval[1])})" if interval else ""
            classes.setdefault(class_name.removesuffix("]"), {})[stem] = f"{shown(value)}{interval_text}"
    if not classes:
        return None
    stems = list(dict.fromkeys(stem for values in classes.values() for stem in values))
    rows = [[name, *(values.get(stem) for stem in stems)] for name, values in classes.items()]
    return table(["class", *stems], rows, caption="Metrics by class, with 95 % intervals")


def worst_first(slices: Sequence[Cell], metric: str, min_rows: int) -> list[Cell]:
    """Sort slices that have a metric: worst first; slices with few rows, whose metric is mostly noise, last."""
    sign = -1 if lower_is_better(metric) else 1
    measured = [cell for cell in slices if cell.metrics.get(metric) is not None]

    def sort_key(cell: Cell) -> tuple[bool, float]:
        return cell.count is not None and cell.count < min_rows, sign * (cell.metrics[metric] or 0.0)

    return sorted(measured, key=sort_key)


def _by_slice(overall: Cell, slices: list[Cell], metric: str, min_rows: int) -> Html:
    """Return a chart of a metric by slice: all rows, then the worst slices first."""
    ordered = worst_first(slices, metric, min_rows)
    rows = [
        (slice_name(cell), cell.metrics.get(metric), cell.intervals.get(metric), (cell.baseline or {}).get(metric))
        for cell in [overall, *ordered[:_DRAWN]]
    ]
    plain = [[metrics.get(metric) for metrics in cell.plain.values()] for cell in [overall, *ordered[:_DRAWN]]]
    data = table(
        ["slice", metric, "95 % from", "to", "baseline", *(name.replace("_", " ") for name in overall.plain)],
        [
            [name, value, *(interval or (None, None)), baseline, *of_plain]
            for (name, value, interval, baseline), of_plain in zip(rows, plain, strict=True)
        ],
        caption=f"{metric} by slice",
    )
    caption = f"{metric} by slice, worst first, with 95 % intervals"
    if any(cell.count is not None and cell.count < min_rows for cell in ordered):
        caption += f"; slices with fewer than {min_rows} rows last, as their metrics are mostly noise"
    caption += "; rings are the baseline" if overall.baseline else ""
    return figure(intervals(rows, label=caption), caption, data)


def _table(overall: Cell, slices: list[Cell], listed: int) -> Html:
    names = list(overall.metrics)
    rows = [[slice_name(cell), cell.count, *(cell.metrics.get(name) for name in names)] for cell in slices[:listed]]
    more = f" (the first {listed} of {len(slices)})" if len(slices) > listed else ""
    inner = table(["slice", "rows", *names], rows, caption=f"All metrics by slice{more}")
    return tag("details", tag("summary", f"All metrics of {len(slices)} slices"), inner)


def _unmeasured(evaluation: Evaluation) -> list[str]:
    return [
        f"The {cut.kept:,} most frequent of {cut.slices:,} slices by {' x '.join(cut.slicing)} are evaluated; "
        f"{cut.rows_left:,} rows are in none of them."
        for cut in evaluation.unmeasured
    ]
