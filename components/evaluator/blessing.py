"""Whether a model is blessed: no worse than the floors, the baseline and the gaps that the config allows."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.evaluator.metrics.catalog import LOWER_IS_BETTER, NEAREST_IS_BEST, NUMBER, stem
from components.evaluator.slicing import SliceKey, told

SHOWN = 5
"""Slices that are named in place of one that has no row."""
DIGITS = 4
"""Significant digits of a limit that an edit proposes."""
GUESSED = {"r2": (0.0, "always answering the mean"), "auc": (0.5, "guessing"), "adjusted_rand": (0.0, "guessing")}
"""Metric -> what an answer without any learning reaches, and that answer: below it no limit is proposed."""


@dataclass(frozen=True)
class Figures:
    """What one slice's rows gave.

    Attributes:
        count: Number of rows.
        values: Metric -> value.
        baseline: Metric -> the baseline's value on the same rows; None without a baseline.
    """

    count: float
    values: Mapping[str, float]
    baseline: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Rule:
    """One comparison.

    Attributes:
        metric: Name of the metric.
        value: What the model reached; NaN where there was nothing to compare.
        limit: What it had to reach; NaN where there is no limit.
        ok: Whether it did; also where it was not judged.
        kind: `floor`, `baseline`, `gap`, `number` where the value is none and nothing else was demanded of it, or
            `skipped` where too few rows were there to judge.
        slice: The slice; empty for all rows. Of a gap the worse one.
        count: Rows that it was judged on; None where nothing was counted.
        note: What else must be said, such as the other slice of a gap.
        edit: The edit of the config that would accept it; empty where it holds.
    """

    metric: str
    value: float
    limit: float
    ok: bool
    kind: str
    slice: SliceKey = ()
    count: float | None = None
    note: str = ""
    edit: str = ""

    def __str__(self) -> str:
        where = f" for {told(self.slice)}" if self.slice else ""
        where += f" ({self.count:,.0f} rows)" if self.slice and self.count is not None else ""
        if self.kind in ("skipped", "absent"):
            return f"{self.metric}{where}: {self.note}"
        if self.kind == "number":
            return f"{self.metric} {self.value} is no number{where}"
        told_limit = {"floor": "the floor", "gap": "the most allowed"}.get(self.kind, "the baseline and its tolerance")
        what = _shown(self.metric) if self.kind != "gap" else f"gap of {self.metric}"
        sign = "<=" if self.kind == "gap" or self.metric in NEAREST_IS_BEST or _falls(self.metric) else ">="
        word = "holds" if self.ok else "fails"
        note = f"; {self.note}" if self.note else ""
        return f"{what} {self.value:.6g} {sign} {self.limit:.6g} ({told_limit}) {word}{where}{note}"


@dataclass(frozen=True)
class Demands:
    """What the config demands.

    Attributes:
        floor: Metric -> worst acceptable value, of all rows.
        baseline: Comparisons of all rows with the baseline: `metric` and `tolerance`, the share of its value by which
            a model may be worse.
        rules: Further ones, of any slice: `metric`, `keys` (the slices: None for all rows), `floor`, `tolerance`,
            `min_count`; `named` where the config names one slice by its values.
        gaps: `metric`, `keys`, `most` and `min_count`: the largest difference between two slices.
    """

    floor: Mapping[str, float] = field(default_factory=dict)
    baseline: Sequence[Mapping[str, Any]] = ()
    rules: Sequence[Mapping[str, Any]] = ()
    gaps: Sequence[Mapping[str, Any]] = ()


def judge(task: str, figures: Mapping[SliceKey, Figures], demands: Demands) -> list[Rule]:
    """Compare a model's metrics with its limits; a value that is no number fails every rule.

    A model whose error is no number is refused also where no limit is given.

    Args:
        task: The label's.
        figures: By slice; the empty key holds all rows.
        demands: What the config says.

    Returns:
        One rule a comparison, and one for an error that is no number.
    """
    overall = figures[()]
    rules = [_floor(name, (), overall, limit, f"evaluation.floor.{name}") for name, limit in demands.floor.items()]
    for number, entry in enumerate(demands.baseline):
        key = f"evaluation.baseline.{number}.tolerance"
        rules += _baseline(entry["metric"], (), overall, entry["tolerance"], key, entry.get("used", 0.0))
    for number, entry in enumerate(demands.rules):
        rules += _rule(figures, entry, f"evaluation.rules.{number}")
    for number, entry in enumerate(demands.gaps):
        rules.append(_gap(figures, entry, f"evaluation.gaps.{number}"))
    # R² may be none where all labels are equal; an error never is, unless the model's answers are.
    compared = [entry["metric"] for entry in demands.baseline]
    for name in dict.fromkeys((NUMBER[task], *compared)):
        value = overall.values.get(name, math.nan)
        if not math.isfinite(value) and all(rule.metric != name or rule.slice or rule.ok for rule in rules):
            rules.append(_no_number(name, value, (), None))
    return rules


def _rule(figures: Mapping[SliceKey, Figures], entry: Mapping[str, Any], key: str) -> Iterable[Rule]:
    """Outcomes of one entry of evaluation.rules."""
    metric, least = entry["metric"], entry["min_count"]
    for slice_ in [()] if entry["keys"] is None else entry["keys"]:
        found = figures.get(slice_)
        count = found.count if found else 0.0
        if least is not None and count < least:
            note = f"not judged, fewer rows than {key}.min_count = {least}"
            yield Rule(metric, math.nan, math.nan, True, "skipped", slice_, count, note)
        elif found is None:
            edit = f"give {key}.min_count, so that the rule waits for such rows, or name another slice"
            alike = [told(key) for key in figures if key and _names(key) == _names(slice_)][:SHOWN]
            note = f"there is no such row{'; there is: ' + '; '.join(alike) if alike else ''}"
            yield Rule(metric, math.nan, math.nan, False, "absent", slice_, count, note, edit)
        else:
            if entry["floor"] is not None:
                yield _floor(metric, slice_, found, entry["floor"], f"{key}.floor")
            if entry["tolerance"] is not None:
                yield from _baseline(metric, slice_, found, entry["tolerance"], f"{key}.tolerance")


def _gap(figures: Mapping[SliceKey, Figures], entry: Mapping[str, Any], key: str) -> Rule:
    """Outcome of one entry of evaluation.gaps: the two slices that lie furthest apart."""
    metric, least, most = entry["metric"], entry["min_count"], entry["max_difference"]
    judged = [(slice_, figures[slice_]) for slice_ in entry["keys"] if figures[slice_].count >= least]
    left = len(entry["keys"]) - len(judged)
    note = f"{left} slices with fewer than {least} rows left out" if left else ""
    known = [(found.values.get(metric, math.nan), slice_, found.count) for slice_, found in judged]
    broken = [entry_ for entry_ in known if not math.isfinite(entry_[0])]
    if broken:
        value, slice_, count = broken[0]
        return _no_number(metric, value, slice_, count)
    if len(known) < 2:
        note = "; ".join(["not judged, fewer than two slices to compare", *([note] if note else [])])
        return Rule(metric, math.nan, most, True, "skipped", (), None, note)
    low, high = min(known, key=lambda entry_: entry_[0]), max(known, key=lambda entry_: entry_[0])
    gap = high[0] - low[0]
    worse, better = (high, low) if _falls(metric) else (low, high)
    told_ends = f"{metric} {worse[0]:.6g} against {better[0]:.6g} for {told(better[1])} ({better[2]:,.0f} rows)"
    ok = gap <= most
    edit = "" if ok else f"{key}.max_difference = {_rounded(gap, up=True)} or more"
    return Rule(metric, gap, most, ok, "gap", worse[1], worse[2], "; ".join(filter(None, (told_ends, note))), edit)


def _floor(metric: str, slice_: SliceKey, found: Figures, limit: float, key: str) -> Rule:
    raw = found.values.get(metric, math.nan)
    value = _distance(metric, raw)
    if not math.isfinite(raw):
        edit = f"take {key} out, if these rows cannot tell it" if _undefined_is_usual(metric) else ""
        note = "" if metric in found.values else "it is not measured here"
        return Rule(metric, value, limit, False, "floor", slice_, found.count, note, edit)
    falls = metric in NEAREST_IS_BEST or _falls(metric)
    ok = value <= limit if falls else value >= limit
    note = "" if ok else _guessed(metric, slice_, found)
    edit = "" if ok or note else f"{key} = {_rounded(value, up=falls)} or {'more' if falls else 'less'}"
    return Rule(metric, value, limit, ok, "floor", slice_, found.count, note, edit)


def _baseline(
    metric: str, slice_: SliceKey, found: Figures, tolerance: float, key: str, used: float = 0.0
) -> Iterable[Rule]:
    """One rule, or none where there is no baseline or its value is no number.

    What the baseline itself was worse than the best before it is taken off the tolerance: else many small steps down
    would each be accepted.
    """
    if found.baseline is None or not math.isfinite(found.baseline.get(metric, math.nan)):
        return
    raw = found.values.get(metric, math.nan)
    value, before = _distance(metric, raw), _distance(metric, found.baseline[metric])
    falls = metric in NEAREST_IS_BEST or _falls(metric)
    limit = before + abs(before) * max(tolerance - used, 0.0) * (1 if falls else -1)
    ok = math.isfinite(raw) and (value <= limit if falls else value >= limit)
    worse = decline(value, before, falls=falls)
    guessed = "" if ok else _guessed(metric, slice_, found)
    edit = ""
    if not ok and math.isfinite(raw) and before and not guessed:
        edit = f"{key} = {_rounded(abs(value - before) / abs(before) + used, up=True)} or more"
    notes = [f"worse by {worse:.2%}, tolerated"] if ok and worse > 0 else []
    notes += [f"of the tolerance of {tolerance:.2%} earlier models used {min(used, tolerance):.2%}"] if used else []
    note = "; ".join([*notes, *([guessed] if guessed else [])])
    yield Rule(metric, value, limit, ok, "baseline", slice_, found.count, note, edit)


def _guessed(metric: str, slice_: SliceKey, found: Figures) -> str:
    """Why no looser limit is proposed: an answer without any learning is better; empty where it is not.

    Of a slice, whose labels may be nearly equal, another metric than the judged one tells nothing.
    """
    for name, (limit, answer) in GUESSED.items():
        if (name == metric or not slice_) and found.values.get(name, math.nan) < limit:
            return f"the model is worse than {answer} ({name} {found.values[name]:.4g}): mend data or features instead"
    return ""


def decline(value: float, before: float, *, falls: bool) -> float:
    """By which share of the value before a value is worse; negative where it is better, 0 where there is no share."""
    if not before or not math.isfinite(value):
        return 0.0
    return (value - before) / abs(before) * (1 if falls else -1)


def declines(
    used: Mapping[str, float],
    rules: Iterable[Rule],
    values: Mapping[str, float],
    before: Mapping[str, float] | None,
) -> dict[str, float]:
    """How far each compared metric is below the best so far, as a share: what the next model's tolerance is less by.

    Args:
        used: Those of the baseline.
        rules: The comparisons.
        values: Metrics of all rows.
        before: The baseline's; None where it was compared with none.
    """
    found = {}
    for metric in {rule.metric for rule in rules if rule.kind == "baseline" and not rule.slice and before}:
        falls = metric in NEAREST_IS_BEST or _falls(metric)
        one, other = _distance(metric, values[metric]), _distance(metric, (before or {})[metric])
        share = used.get(metric, 0.0) + decline(one, other, falls=falls)
        if math.isfinite(share) and share > 0:
            found[metric] = round(share, 6)
    return found


def _no_number(metric: str, value: float, slice_: SliceKey, count: float | None) -> Rule:
    return Rule(metric, value, math.nan, False, "number", slice_, count)


def _undefined_is_usual(metric: str) -> bool:
    """Whether rows alone, such as those of one class, can leave a metric without a value."""
    return metric not in NUMBER.values() and metric != "accuracy"


def _names(slice_: SliceKey) -> list[str]:
    return [name for name, _ in slice_]


def _falls(metric: str) -> bool:
    return stem(metric) in LOWER_IS_BETTER


def _distance(metric: str, value: float) -> float:
    """What is compared: the value, or how far it is from its best."""
    return abs(value - NEAREST_IS_BEST[metric]) if metric in NEAREST_IS_BEST else value


def _shown(metric: str) -> str:
    best = NEAREST_IS_BEST.get(metric)
    return metric if best is None else f"|{metric}|" if best == 0 else f"|{metric} - {best:g}|"


def _rounded(value: float, *, up: bool) -> str:
    """A few digits that still accept the value."""
    if not value:
        return "0"
    scale = 10.0 ** (DIGITS - 1 - math.floor(math.log10(abs(value))))
    return f"{(math.ceil if up else math.floor)(value * scale) / scale:.{DIGITS}g}"
