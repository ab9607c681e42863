"""The rule that a model is not worse than a plain model."""

import math

from components.evaluator.metric import Metric
from components.evaluator.rules.rule_figures import Figures, rounded
from components.evaluator.rules.rule_outcome import Rule
from components.evaluator.slicing import SliceKey
from spec.plain_models import title


def outcome(
    definition: Metric,
    metric: str,
    slice_: SliceKey,
    figures: Figures,
    name: str,
    tolerance: float | None,
    key: str,
) -> Rule:
    """Compare with a plain model; without a value of it, the rule is skipped, as a plain model never stops a run.

    Args:
        definition: The metric.
        metric: Name of the metric, with [CLASS] for a class.
        slice_: The slice; empty for all rows.
        figures: Metrics of the slice.
        name: The plain model.
        tolerance: Accepted loss, as a share of the plain model's value; None: none.
        key: Key of the tolerance, for the edit that accepts the value.
    """
    of_plain = title(name, definition.tasks[0])
    raw, other = figures.values.get(metric, math.nan), figures.plain.get(name, {}).get(metric, math.nan)
    if not math.isfinite(other):
        note = f"not judged, as there is no {metric} of {of_plain}"
        return Rule(metric, math.nan, math.nan, True, "skipped", slice_, figures.count, note)
    value, before, is_upper = definition.distance(raw), definition.distance(other), definition.lower_is_better
    limit = before + abs(before) * (tolerance or 0.0) * (1 if is_upper else -1)
    ok = math.isfinite(raw) and (value <= limit if is_upper else value >= limit)
    edit = ""
    if not ok and math.isfinite(raw) and before:
        edit = f"{key} = {rounded(abs(value - before) / abs(before), up=True)} or more"
    return Rule(metric, value, limit, ok, "plain", slice_, figures.count, f"{of_plain}: {other:.6g}", edit)
