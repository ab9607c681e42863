"""Content of verdict.json, and its summary in one line."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from components.evaluator import plain_predictions
from components.evaluator.evaluator_settings import EvaluatorSettings
from components.evaluator.intervals import Interval
from components.evaluator.rules.rule_outcome import Rule
from components.evaluator.slicing import SliceKey, plain

METHOD = (
    "95 %: Wilson's score interval for shares of rows, a jackknife over 20 folds with a t-distribution for all others"
)
GROUPED = "; rows with equal {} are in one fold and count as dependent"
WORST = 3
"""Slices that the terminal shows."""
WORST_COUNT = 30
"""Slices with fewer rows are not among the worst: their metric is mostly chance."""
SUMMARY = 3
"""Metrics of the summary."""
TOO_GOOD: Mapping[str, tuple[str, float]] = {
    "binary": ("auc", 0.99),
    "classes": ("accuracy", 0.99),
    "regression": ("r2", 0.99),
}
"""Kind of a task -> metric, and the value from which a leak of the label is likelier than a good model."""
TOO_FEW = 100
"""Rows below which such a value may be chance."""


def make(config: EvaluatorSettings, evaluation: Any, rules: Sequence[Rule], note: str) -> dict[str, Any]:
    """Return the content of verdict.json.

    Args:
        config: The node's settings.
        evaluation: The evaluation.
        rules: All outcomes.
        note: Note on the baseline.

    Returns:
        JSON-able values; None stands for NaN and infinity.
    """
    failed = [rule for rule in rules if not rule.ok]
    # A model whose predictions are not finite is not blessed in an advisory run either.
    check_metric = evaluation.measure.check_metric
    blocking = [rule for rule in failed if not config.advisory or _is_not_finite(check_metric, rule)]
    overall = evaluation.values(0)
    blessed = not blocking
    reason = "; ".join([*map(str, failed or rules), note])
    if failed and blessed:
        reason = f"advisory only: {reason}"
    if not overall["example_count"]:
        reason = f"the split {config.split} has no rows; {reason}"
    verdict = {
        "blessed": blessed,
        "advisory": config.advisory,
        "reason": reason,
        "split": config.split,
        "task": config.task,
        "classes": evaluation.classes,
        "metrics": overall,
        "too_good": too_good(config.kind, overall),
        "better": {metric.name: metric.better for metric in evaluation.measure.metrics if not metric.only_tfma},
        "intervals": _ends(evaluation.intervals(0)),
        "interval_method": METHOD + (GROUPED.format(config.group) if config.group else ""),
        "baseline": evaluation.values(0, evaluation.baseline) if evaluation.baseline else None,
        "baseline_note": note,
        "plain": {name: evaluation.values(0, sums) for name, sums in evaluation.plain.items()},
        "plain_notes": _plain_notes(config.task, evaluation),
        "rules": [rule.plain() for rule in rules],
        "slices": [
            {
                "slice": _slice(key),
                "count": evaluation.values(cell)["example_count"],
                "metrics": evaluation.values(cell),
                "intervals": _ends(evaluation.intervals(cell)),
                "baseline": evaluation.values(cell, evaluation.baseline) if evaluation.baseline else None,
                "plain": {name: evaluation.values(cell, sums) for name, sums in evaluation.plain.items()},
            }
            for key, cell in evaluation.cells.items()
            if key
        ],
        "slices_left_out": evaluation.left,
        "worst_count": WORST_COUNT,
        "worst_slices": _worst_slices(evaluation),
        "details": evaluation.measure.details(evaluation.candidate.sums(0)),
        "worst": evaluation.worst,
    }
    finite: dict[str, Any] = _finite(verdict)
    return finite


def too_good(kind: str, metrics: Mapping[str, Any]) -> str:
    """Return a warning if a metric of all rows is so good that a column may give the label away; else empty."""
    name, limit = TOO_GOOD.get(kind, ("", math.inf))
    value = metrics.get(name)
    if value is None or not value >= limit or metrics["example_count"] < TOO_FEW:
        return ""
    return (
        f"{name} {value:.5g} is unusually good. Make sure that each feature is known before the label is; the report "
        "names the features that the model depends on most"
    )


def line(verdict: Mapping[str, Any]) -> str:
    """Return the verdict and the first metrics as one line."""
    metrics = [(name, value) for name, value in verdict["metrics"].items() if name != "example_count"][:SUMMARY]
    figures = ", ".join(f"{name} {math.nan if value is None else value:.6g}" for name, value in metrics)
    return f"{'blessed' if verdict['blessed'] else 'not blessed'}: {figures}"


def _plain_notes(task: str, evaluation: Any) -> list[str]:
    """Return the sentences on how the model compares with the plain models, on slices of enough rows too."""
    details = evaluation.measure.details(evaluation.candidate.sums(0))
    metric = plain_predictions.compared_by(evaluation.measure, evaluation.values(0), details)
    figures = {
        key: (values, {name: evaluation.values(cell, sums) for name, sums in evaluation.plain.items()})
        for key, cell in evaluation.cells.items()
        if (values := evaluation.values(cell))["example_count"] >= WORST_COUNT or not key
    }
    return plain_predictions.sentences(
        task,
        metric,
        figures,
        evaluation.plain_models,
        interval=evaluation.intervals(0).get(metric),
        lower_is_better=evaluation.measure.metric(metric).lower_is_better,
        min_rows=WORST_COUNT,
    )


def _worst_slices(evaluation: Any) -> list[dict[str, Any]]:
    """Return the slices with enough rows whose main metric is worst."""
    main = evaluation.measure.metrics[0]
    metric = main.name
    entries = []
    for key, cell in evaluation.cells.items():
        values = evaluation.values(cell)
        if key and values["example_count"] >= WORST_COUNT and math.isfinite(values[metric]):
            interval = evaluation.intervals(cell).get(metric)
            entries.append(
                {
                    "metric": metric,
                    "slice": _slice(key),
                    "value": float(values[metric]),
                    "interval": [interval.low, interval.high] if interval else None,
                    "count": values["example_count"],
                }
            )
    entries.sort(key=lambda entry: entry["value"], reverse=main.lower_is_better)
    return entries[:WORST]


def _is_not_finite(check_metric: str, rule: Rule) -> bool:
    return rule.metric == check_metric and not rule.slice and not math.isfinite(rule.value)


def _ends(intervals: Mapping[str, Interval]) -> dict[str, list[float]]:
    return {name: [interval.low, interval.high] for name, interval in intervals.items()}


def _slice(key: SliceKey) -> dict[str, Any]:
    return {name: plain(value) for name, value in key}


def _finite(value: Any) -> Any:
    """Replace NaN and infinity, which JSON does not have, by None."""
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
