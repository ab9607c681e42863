"""Direction in which a metric is better, by its name in our evaluator, Keras or TFMA."""

import re

NEAREST_IS_BEST = {"bias": 0.0, "calibration": 1.0}
"""Metric -> its best value; larger and smaller values are worse."""
_LOWER = re.compile(
    r"loss|error|entropy|hinge|poisson|divergence|distance|(^|_)(mae|mse|rmse|mape|msle)($|_)|^flagged$|^mean_score$|^interval_width$|"
    r"fall_?out|miss_?rate|false_(positive|negative)|false_(discovery|omission)",
    re.IGNORECASE,
)
_UNKNOWN = re.compile(r"count|weight|mean_(label|prediction)|^(label|prediction)", re.IGNORECASE)


def lower_is_better(metric: str) -> bool:
    """Return whether lower values of a metric are better, as for an error; False for unknown names."""
    return _LOWER.search(_snake(_stem(metric))) is not None


def is_worse(metric: str, before: float | None, after: float | None) -> bool | None:
    """Return whether a metric got worse; None if it did not change or has no direction."""
    if before == after or _UNKNOWN.search(_snake(_stem(metric))):
        return None
    if before is None or after is None:
        return after is None
    best = NEAREST_IS_BEST.get(_stem(metric))
    if best is not None:
        return abs(after - best) > abs(before - best)
    return (after > before) == lower_is_better(metric)


def change_of(before: float | None, after: float | None) -> float | None:
    """Return the relative size of a change; None if a value is missing or the value before is 0."""
    if before is None or after is None or not before:
        return None
    return abs(after - before) / abs(before)


def _stem(metric: str) -> str:
    return re.split(r"[\[@]", metric)[0].rpartition("/")[2]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
