"""Rules for the blessing of a model: floors, comparison with the baseline, and gaps between slices."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from components.evaluator import metric_catalog
from components.evaluator.metric import Metric, stem
from components.evaluator.rules import plain_rule
from components.evaluator.rules.rule_figures import Figures, rounded
from components.evaluator.rules.rule_outcome import Rule
from components.evaluator.slicing import SliceKey, text_of

COUNT = "example_count"
NAMED = 5
"""Slices that a message names instead of one without rows."""


@dataclass(frozen=True)
class Comparison:
    """Comparison of all rows with the baseline.

    Attributes:
        metric: Name of the metric.
        tolerance: Share of the baseline's value by which a model may be worse.
        used: The part of the tolerance that earlier models used.
    """

    metric: str
    tolerance: float
    used: float = 0.0


@dataclass(frozen=True)
class Condition:
    """An entry of evaluation.rules, with the slices that it applies to.

    Attributes:
        metric: Name of the metric.
        keys: The slices; None for all rows.
        floor: Worst accepted value, or None.
        tolerance: Accepted loss relative to the baseline, or with `better_than` to that model; or None.
        min_count: Slices with fewer rows are skipped; None: a slice without rows fails.
        better_than: Plain model that the model must not be worse than, or None.
    """

    metric: str
    keys: Sequence[SliceKey] | None = None
    floor: float | None = None
    tolerance: float | None = None
    min_count: int | None = None
    better_than: str | None = None


@dataclass(frozen=True)
class Difference:
    """An entry of evaluation.gaps, with the slices that it compares.

    Attributes:
        metric: Name of the metric.
        keys: The slices.
        max_difference: Largest accepted difference, in the unit of the metric.
        min_count: Slices with fewer rows are skipped.
    """

    metric: str
    keys: Sequence[SliceKey]
    max_difference: float
    min_count: int = 1


@dataclass(frozen=True)
class Demands:
    """Rules of a config, with the slices that they apply to.

    Attributes:
        floor: Metric -> worst accepted value on all rows.
        baseline: Comparisons of all rows with the baseline.
        rules: Conditions on all rows or on slices.
        gaps: Largest differences between slices.
    """

    floor: Mapping[str, float] = field(default_factory=dict)
    baseline: Sequence[Comparison] = ()
    rules: Sequence[Condition] = ()
    gaps: Sequence[Difference] = ()


def judge(
    kind: str, figures: Mapping[SliceKey, Figures], demands: Demands, metrics: Iterable[Metric] = ()
) -> list[Rule]:
    """Compare a model's metrics with its limits; a value that is not finite fails every rule.

    A model with a prediction that is not finite fails even without a limit.

    Args:
        kind: Kind of the label's task.
        figures: Metrics by slice; the empty key is all rows.
        demands: Rules of the config.
        metrics: The user-defined metrics.

    Returns:
        An outcome for each comparison, and one for an error that is not finite.
    """
    by_name = {metric.name: metric for metric in metrics}
    rules = _outcomes(kind, figures, demands, lambda name: by_name.get(stem(name)) or metric_catalog.find(name))
    return [replace(rule, definition=by_name.get(stem(rule.metric))) for rule in rules]


def _outcomes(
    kind: str, figures: Mapping[SliceKey, Figures], demands: Demands, find: Callable[[str], Metric]
) -> list[Rule]:
    overall = figures[()]
    rules = [
        _floor(find, name, (), overall, limit, f"evaluation.floor.{name}") for name, limit in demands.floor.items()
    ]
    for number, entry in enumerate(demands.baseline):
        key = f"evaluation.baseline.{number}.tolerance"
        rules += _baseline(find, entry.metric, (), overall, entry.tolerance, key, entry.used)
    for number, condition in enumerate(demands.rules):
        rules += _rule(find, figures, condition, f"evaluation.rules.{number}")
    for number, difference in enumerate(demands.gaps):
        rules.append(_gap(find, figures, difference, f"evaluation.gaps.{number}"))
    # R² is undefined if all labels are equal; an error is not, unless a prediction is not finite.
    compared = [entry.metric for entry in demands.baseline]
    for name in dict.fromkeys((metric_catalog.MEASURES[kind].check_metric, *compared)):
        value = overall.values.get(name, math.nan)
        if not math.isfinite(value) and all(rule.metric != name or rule.slice or rule.ok for rule in rules):
            rules.append(_not_finite(name, value, (), None))
    return rules


def _rule(
    find: Callable[[str], Metric], figures: Mapping[SliceKey, Figures], entry: Condition, key: str
) -> Iterable[Rule]:
    """Yield the outcomes of an entry of evaluation.rules."""
    metric, min_count = entry.metric, entry.min_count
    for slice_ in [()] if entry.keys is None else entry.keys:
        of_slice = figures.get(slice_)
        count = of_slice.count if of_slice else 0.0
        if min_count is not None and count < min_count:
            note = f"not judged, fewer rows than {key}.min_count = {min_count}"
            yield Rule(metric, math.nan, math.nan, True, "skipped", slice_, count, note)
        elif of_slice is None:
            edit = f"set {key}.min_count, so that the rule is skipped without such rows, or name another slice"
            slices = [text_of(key) for key in figures if key and _names(key) == _names(slice_)][:NAMED]
            note = f"no row is in this slice{'. Known slices: ' + '; '.join(slices) if slices else ''}"
            yield Rule(metric, math.nan, math.nan, False, "absent", slice_, count, note, edit)
        else:
            if entry.floor is not None:
                yield _floor(find, metric, slice_, of_slice, entry.floor, f"{key}.floor")
            if entry.better_than is not None:
                yield plain_rule.outcome(
                    find(metric), metric, slice_, of_slice, entry.better_than, entry.tolerance, f"{key}.tolerance"
                )
            elif entry.tolerance is not None:
                yield from _baseline(find, metric, slice_, of_slice, entry.tolerance, f"{key}.tolerance")


def _gap(find: Callable[[str], Metric], figures: Mapping[SliceKey, Figures], entry: Difference, key: str) -> Rule:
    """Return the outcome of an entry of evaluation.gaps: the two slices that differ most."""
    metric, min_count, limit = entry.metric, entry.min_count, entry.max_difference
    judged = [(slice_, figures[slice_]) for slice_ in entry.keys if figures[slice_].count >= min_count]
    skipped = len(entry.keys) - len(judged)
    note = f"{skipped} slices with fewer than {min_count} rows skipped" if skipped else ""
    values = [(of_slice.values.get(metric, math.nan), slice_, of_slice.count) for slice_, of_slice in judged]
    undefined = [of_slice for of_slice in values if not math.isfinite(of_slice[0])]
    if undefined:
        value, slice_, count = undefined[0]
        return _not_finite(metric, value, slice_, count)
    if len(values) < 2:
        note = "; ".join(["not judged, fewer than two slices to compare", *([note] if note else [])])
        return Rule(metric, math.nan, limit, True, "skipped", (), None, note)
    low, high = min(values, key=lambda of_slice: of_slice[0]), max(values, key=lambda of_slice: of_slice[0])
    gap = high[0] - low[0]
    worse, better = (high, low) if find(metric).better == "lower" else (low, high)
    ends = f"{metric} {worse[0]:.6g} against {better[0]:.6g} for {text_of(better[1])} ({better[2]:,.0f} rows)"
    ok = gap <= limit
    edit = "" if ok else f"{key}.max_difference = {rounded(gap, up=True)} or more"
    return Rule(metric, gap, limit, ok, "gap", worse[1], worse[2], "; ".join(filter(None, (ends, note))), edit)


def _floor(
    find: Callable[[str], Metric], metric: str, slice_: SliceKey, figures: Figures, limit: float, key: str
) -> Rule:
    raw, definition = figures.values.get(metric, math.nan), find(metric)
    value = definition.distance(raw)
    if not math.isfinite(raw):
        edit = "" if definition.always_defined else f"remove {key}, if the metric is undefined for these rows"
        note = "" if metric in figures.values else "it is not measured here"
        return Rule(metric, value, limit, False, "floor", slice_, figures.count, note, edit)
    is_upper = definition.lower_is_better
    ok = value <= limit if is_upper else value >= limit
    note = "" if ok else _chance(find, metric, slice_, figures)
    edit = "" if ok or note else f"{key} = {rounded(value, up=is_upper)} or {'more' if is_upper else 'less'}"
    return Rule(metric, value, limit, ok, "floor", slice_, figures.count, note, edit)


def _baseline(
    find: Callable[[str], Metric],
    metric: str,
    slice_: SliceKey,
    figures: Figures,
    tolerance: float,
    key: str,
    used_tolerance: float = 0.0,
) -> Iterable[Rule]:
    """Yield the outcome, or nothing if the baseline has no finite value.

    The part of the tolerance that previous models used is subtracted: otherwise many small losses would add up.
    """
    if figures.baseline is None or not math.isfinite(figures.baseline.get(metric, math.nan)):
        return
    raw, definition = figures.values.get(metric, math.nan), find(metric)
    value, baseline_value = definition.distance(raw), definition.distance(figures.baseline[metric])
    is_upper = definition.lower_is_better
    limit = baseline_value + abs(baseline_value) * max(tolerance - used_tolerance, 0.0) * (1 if is_upper else -1)
    ok = math.isfinite(raw) and (value <= limit if is_upper else value >= limit)
    worse = decline(value, baseline_value, lower_is_better=is_upper)
    chance = "" if ok else _chance(find, metric, slice_, figures)
    edit = ""
    if not ok and math.isfinite(raw) and baseline_value and not chance:
        edit = f"{key} = {rounded(abs(value - baseline_value) / abs(baseline_value) + used_tolerance, up=True)} or more"
    notes = [f"worse by {worse:.2%}, tolerated"] if ok and worse > 0 else []
    notes += (
        [f"previous models used {min(used_tolerance, tolerance):.2%} of the tolerance of {tolerance:.2%}"]
        if used_tolerance
        else []
    )
    note = "; ".join([*notes, *([chance] if chance else [])])
    yield Rule(metric, value, limit, ok, "baseline", slice_, figures.count, note, edit)


def _chance(find: Callable[[str], Metric], metric: str, slice_: SliceKey, figures: Figures) -> str:
    """Return a sentence if the model is worse than one without learning, for which no looser limit is proposed; or "".

    For a slice, whose labels may be nearly equal, only the rule's own metric counts.
    """
    for name in figures.values if not slice_ else [metric]:
        chance = find(name).chance if name != COUNT else None
        if chance is not None and figures.values.get(name, math.nan) < chance[0]:
            return (
                f"the model is worse than {chance[1]} ({name} {figures.values[name]:.4g}): fix data or features instead"
            )
    return ""


def decline(value: float, previous: float, *, lower_is_better: bool) -> float:
    """Return by which share of the previous value a value is worse; negative if better, 0 if undefined."""
    if not previous or not math.isfinite(value):
        return 0.0
    return (value - previous) / abs(previous) * (1 if lower_is_better else -1)


def declines(
    used: Mapping[str, float],
    rules: Iterable[Rule],
    values: Mapping[str, float],
    baseline_values: Mapping[str, float] | None,
) -> dict[str, float]:
    """Compute the decline of each compared metric from the best model so far; it reduces the next tolerance.

    Args:
        used: Declines of the baseline.
        rules: Outcomes.
        values: Metrics of all rows.
        baseline_values: The baseline's metrics; None without a baseline.
    """
    declines = {}
    compared = {
        rule.metric: rule.of for rule in rules if rule.kind == "baseline" and not rule.slice and baseline_values
    }
    for name, metric in compared.items():
        value, previous = metric.distance(values[name]), metric.distance((baseline_values or {})[name])
        share = used.get(name, 0.0) + decline(value, previous, lower_is_better=metric.lower_is_better)
        if math.isfinite(share) and share > 0:
            declines[name] = round(share, 6)
    return declines


def _not_finite(metric: str, value: float, slice_: SliceKey, count: float | None) -> Rule:
    return Rule(metric, value, math.nan, False, "number", slice_, count)


def _names(slice_: SliceKey) -> list[str]:
    return [name for name, _ in slice_]
