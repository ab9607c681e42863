"""Whether a model is blessed: above the floor, and not worse than the baseline."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from components.evaluator.measures import LOWER_IS_BETTER


@dataclass(frozen=True)
class Rule:
    """One comparison.

    Attributes:
        metric: Name of the metric.
        value: What the model reached.
        limit: What it had to reach.
        ok: Whether it did.
        kind: `floor`, `baseline`, or `number` where the value is none and nothing else was demanded of it.
    """

    metric: str
    value: float
    limit: float
    ok: bool
    kind: str

    def __str__(self) -> str:
        if self.kind == "number":
            return f"{self.metric} {self.value} is no number"
        sign = "<=" if LOWER_IS_BETTER[self.metric] else ">="
        told = "the floor" if self.kind == "floor" else "the baseline and its tolerance"
        word = "holds" if self.ok else "fails"
        return f"{self.metric} {self.value:.6g} {sign} {self.limit:.6g} ({told}) {word}"


def judge(
    model: Mapping[str, float],
    baseline: Mapping[str, float] | None,
    *,
    floor: Mapping[str, float],
    metric: str | None,
    tolerance: float,
) -> list[Rule]:
    """Compare a model's overall metrics with its limits; a value that is no number fails every rule.

    A model whose error is no number is refused also where no limit is given.

    Args:
        model: Metrics of the candidate.
        baseline: Metrics of the latest blessed model on the same rows, or None.
        floor: Metric -> worst acceptable value (for an error: the largest).
        metric: The metric to compare with the baseline's, or None.
        tolerance: How much worse than the baseline is still accepted, as a share of the baseline's value.

    Returns:
        One rule a comparison, and one for an error that is no number.
    """
    rules = [_rule("floor", name, model[name], limit) for name, limit in floor.items()]
    if metric is not None and baseline is not None and math.isfinite(baseline[metric]):
        slack = abs(baseline[metric]) * tolerance * (1 if LOWER_IS_BETTER[metric] else -1)
        rules.append(_rule("baseline", metric, model[metric], baseline[metric] + slack))
    # R² may be none where all labels are equal; an error never is, unless the model's answers are.
    error = next(name for name in ("mae", "log_loss") if name in model)
    for name in dict.fromkeys((error, metric or error)):
        if not math.isfinite(model[name]) and all(rule.metric != name for rule in rules):
            rules.append(Rule(name, model[name], math.nan, False, "number"))
    return rules


def _rule(kind: str, metric: str, value: float, limit: float) -> Rule:
    ok = value <= limit if LOWER_IS_BETTER[metric] else value >= limit
    return Rule(metric, value, limit, ok and math.isfinite(value), kind)
