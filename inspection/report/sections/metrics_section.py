"""The metrics: of all rows, by slice, with 95 % intervals and the baseline's beside them."""

from collections.abc import Mapping, Sequence
from typing import Any

from inspection.read.evaluations import Cell, Evaluation
from inspection.read.metric_direction import NEAREST_IS_BEST, lower_is_better
from inspection.report.charts import intervals
from inspection.report.markup import Html, figure, joined, shown, table, tag
from inspection.report.report_facts import Facts

_DRAWN, _LISTED = 40, 200
"""Slices in the picture and in the table."""


def section(known: Facts, *, listed: int = _LISTED) -> Html | None:
    """Shows the metrics."""
    if known.evaluation is None:
        return None
    overall, *slices = known.evaluation.cells
    parts: list[Html | None] = [_overall(known.evaluation, overall)]
    method = known.verdict.get("interval_method")
    parts.append(tag("p", f"Intervals: {method}.", class_="small") if method else None)
    metric = next(iter(overall.metrics), None)
    if slices and metric is not None:
        parts += [_by_slice(overall, slices, metric, least_rows(known.verdict)), _table(overall, slices, listed)]
        parts += [tag("p", told, class_="note") for told in _left_out(known.verdict)]
    return joined(parts)


def named(cell: Cell) -> str:
    """Names a slice."""
    return ", ".join(f"{column} = {value}" for column, value in cell.slice.items()) or "all rows"


def _overall(evaluation: Evaluation, overall: Cell) -> Html:
    baseline = overall.baseline
    header = ["metric", "model", "95 % from", "to", *(["baseline"] if baseline else []), "better is"]
    rows = []
    for name, value in overall.metrics.items():
        if "[" in name:
            continue  # of one class, below
        ends = overall.intervals.get(name) or ("unknown" if value is not None and overall.intervals else None, None)
        row: list[Any] = [name, value, ends[0], ends[1], *([baseline.get(name)] if baseline else [])]
        best = NEAREST_IS_BEST.get(name)
        way = f"nearer to {best:g}" if best is not None else "less" if lower_is_better(name) else "more"
        rows.append([*row, way])
    count = f", {overall.count:,.0f} rows" if overall.count is not None else ""
    where = f"split {evaluation.split}" if evaluation.split else "all rows"
    return joined([table(header, rows, caption=f"Metrics, {where}{count}"), _by_class(overall)])


def _by_class(overall: Cell) -> Html | None:
    """Lists metrics like precision[CLASS] with a row for each class."""
    classes: dict[str, dict[str, str]] = {}
    for name, value in overall.metrics.items():
        stem, bracket, rest = name.partition("[")
        if bracket:
            ends = overall.intervals.get(name)
            reach = f" ({shown(ends[0])} to {shown(ends[1])})" if ends else ""
            classes.setdefault(rest.removesuffix("]"), {})[stem] = f"{shown(value)}{reach}"
    if not classes:
        return None
    stems = list(dict.fromkeys(stem for each in classes.values() for stem in each))
    rows = [[name, *(each.get(stem) for stem in stems)] for name, each in classes.items()]
    return table(["class", *stems], rows, caption="Metrics by class, with 95 % intervals")


def least_rows(verdict: Mapping[str, Any]) -> int:
    """Returns how many rows a slice needs to stand among the worst, as the evaluator had it; 0 where it told none."""
    return int(verdict.get("worst_count") or 0)


def worst_first(slices: Sequence[Cell], metric: str, least: int) -> list[Cell]:
    """Orders slices that have a metric: the worst first, those of fewer rows, whose metric is mostly chance, last."""
    sign = -1 if lower_is_better(metric) else 1
    known = [cell for cell in slices if cell.metrics.get(metric) is not None]

    def place(cell: Cell) -> tuple[bool, float]:
        return cell.count is not None and cell.count < least, sign * (cell.metrics[metric] or 0.0)

    return sorted(known, key=place)


def _by_slice(overall: Cell, slices: list[Cell], metric: str, least: int) -> Html:
    """Draws one metric by slice, the worst first, all rows above them."""
    known = worst_first(slices, metric, least)
    rows = [
        (named(cell), cell.metrics.get(metric), cell.intervals.get(metric), (cell.baseline or {}).get(metric))
        for cell in [overall, *known[:_DRAWN]]
    ]
    below = table(
        ["slice", metric, "95 % from", "to", "baseline"],
        [[name, value, *(ends or (None, None)), baseline] for name, value, ends, baseline in rows],
        caption=f"{metric} by slice",
    )
    told = f"{metric} by slice, the worst first, with 95 % intervals"
    if any(cell.count is not None and cell.count < least for cell in known):
        told += f"; slices of fewer than {least} rows last, as theirs is mostly chance"
    told += "; the ring is the baseline" if overall.baseline else ""
    return figure(intervals(rows, label=told), told, below)


def _table(overall: Cell, slices: list[Cell], listed: int) -> Html:
    names = list(overall.metrics)
    rows = [[named(cell), cell.count, *(cell.metrics.get(name) for name in names)] for cell in slices[:listed]]
    more = f" (the first {listed} of {len(slices)})" if len(slices) > listed else ""
    inner = table(["slice", "rows", *names], rows, caption=f"All metrics by slice{more}")
    return tag("details", tag("summary", f"All metrics of {len(slices)} slices"), inner)


def _left_out(verdict: Mapping[str, Any]) -> list[str]:
    return [
        f"Of {each['slices']:,} slices by {' x '.join(each['slicing'])} the {each['kept']:,} most frequent are measured"
        f"; {each['rows_left']:,} rows are in none of them."
        for each in verdict.get("slices_left_out", [])
    ]
