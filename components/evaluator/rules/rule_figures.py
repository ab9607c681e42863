"""Metrics of a slice, by which rules decide, and rounding of the limits that messages propose."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

DIGITS = 4
"""Significant digits of a limit that an edit proposes."""


@dataclass(frozen=True)
class Figures:
    """Metrics of a slice.

    Attributes:
        count: Number of rows.
        values: Metric -> value.
        baseline: Metric -> value of the baseline on the same rows; None without a baseline.
        plain: Plain model -> metric -> value on the same rows.
    """

    count: float
    values: Mapping[str, float]
    baseline: Mapping[str, float] | None = None
    plain: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def rounded(value: float, *, up: bool) -> str:
    """Round up or down to DIGITS significant digits, so that a limit of this text accepts the value."""
    if not value:
        return "0"
    scale = 10.0 ** (DIGITS - 1 - math.floor(math.log10(abs(value))))
    return f"{(math.ceil if up else math.floor)(value * scale) / scale:.{DIGITS}g}"
