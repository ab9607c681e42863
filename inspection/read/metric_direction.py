"""Which way a metric is better, by its name: ours, Keras's and TFMA's."""

import re

NEAREST_IS_BEST = {"bias": 0.0, "calibration": 1.0}
"""Metric -> its best value, from which both ways lead away."""
_LOWER = re.compile(
    r"loss|error|entropy|hinge|poisson|divergence|distance|(^|_)(mae|mse|rmse|mape|msle)($|_)|^flagged$|^mean_score$|"
    r"fall_?out|miss_?rate|false_(positive|negative)|false_(discovery|omission)",
    re.IGNORECASE,
)
_UNKNOWN = re.compile(r"count|weight|mean_(label|prediction)|^(label|prediction)", re.IGNORECASE)


def lower_is_better(metric: str) -> bool:
    """Says whether less of a metric is better, as of an error; of one that no name tells, more is taken to be."""
    return _LOWER.search(_snake(_stem(metric))) is not None


def is_worse(metric: str, before: float | None, after: float | None) -> bool | None:
    """Says whether a metric got worse; None where it did not change or neither way is better."""
    if before == after or _UNKNOWN.search(_snake(_stem(metric))):
        return None
    if before is None or after is None:
        return after is None
    best = NEAREST_IS_BEST.get(_stem(metric))
    if best is not None:
        return abs(after - best) > abs(before - best)
    return (after > before) == lower_is_better(metric)


def change_of(before: float | None, after: float | None) -> float | None:
    """Returns the size of a change as a share of the value before; None where there is none to compare with."""
    if before is None or after is None or not before:
        return None
    return abs(after - before) / abs(before)


def _stem(metric: str) -> str:
    return re.split(r"[\[@]", metric)[0].rpartition("/")[2]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
