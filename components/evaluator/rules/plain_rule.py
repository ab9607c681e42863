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
    """Compare with a plain model; skip the rule if its value is missing, because a plain model never stops a run.

    Args:
        definition: The metric.
        metric: Name of the metric, with [CLASS] for a class.
        slice_: The slice; empty for all rows.
        figures: Metrics of the slice.
        name: The plain model.
        tolerance: Accepted decline, as a share of the plain model's value; None: 0.
        key: Key of the tolerance, for the edit that accepts the value.
    """
    of_plain = title(name, definition.tasks[0])
    raw, plain_value = figures.values.get(metric, math.nan), figures.plain.get(name, {}).get(metric, math.nan)
    if not math.isfinite(plain_value):
        note = f"not judged, as there is no {metric} of {of_plain}"
        return Rule(metric, math.nan, math.nan, True, "skipped", slice_, figures.count, note)
    value, plain_distance, is_upper = (
        definition.distance(raw),
        definition.distance(plain_value),
        definition.lower_is_better,
    )
    limit = plain_distance + abs(plain_distance) * (tolerance or 0.0) * (1 if is_upper else -1)
    ok = math.isfinite(raw) and (value <= limit if is_upper else value >= limit)
    edit = ""
    if not ok and math.isfinite(raw) and plain_distance:
        edit = f"{key} = {rounded(abs(value - plain_distance) / abs(plain_distance), up=True)} or more"
    return Rule(metric, value, limit, ok, "plain", slice_, figures.count, f"{of_plain}: {plain_value:.6g}", edit)
