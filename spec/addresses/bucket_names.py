"""Names of the buckets of a number, used by the config, the evaluator and the report."""

import itertools
from collections.abc import Sequence

_MIN_DIGITS = 6
_MAX_DIGITS = 17
"""Significant digits that distinguish any two float64 numbers."""
_ROUNDING = 0.01
"""Maximum rounding error of a bound, as a share of the distance to the next bound."""
_WHOLE = 1e15
"""Integers below this limit are written without an exponent if six digits are too few."""


def bucket_names(edges: Sequence[float]) -> tuple[str, ...]:
    """Name the buckets between ascending bounds: "below 18", "18 to 65", "from 65".

    Bounds have six significant digits, or more if needed to distinguish them: dates written as 20240101 and 20240108,
    or seconds since 1970, differ after the sixth digit.

    Args:
        edges: n ascending bounds.

    Returns:
        n + 1 names; only "all" without bounds.
    """
    if not edges:
        return ("all",)
    width = min((high - low for low, high in itertools.pairwise(edges)), default=float("inf"))
    bounds: list[str] = []
    for digits in range(_MIN_DIGITS, _MAX_DIGITS + 1):
        bounds = [_written(edge, digits) for edge in edges]
        if all(abs(float(bound) - edge) <= _ROUNDING * width for bound, edge in zip(bounds, edges, strict=True)):
            break
    inner = (f"{low} to {high}" for low, high in itertools.pairwise(bounds))
    return (f"below {bounds[0]}", *inner, f"from {bounds[-1]}")


def _written(edge: float, digits: int) -> str:
    if digits > _MIN_DIGITS and abs(edge) < _WHOLE and float(edge).is_integer():
        return str(int(edge))
    digits_of_edge = f"{edge:.{digits}g}"
    return (
        str(int(float(digits_of_edge)))
        if "e+" in digits_of_edge and digits > _MIN_DIGITS and abs(edge) < _WHOLE
        else digits_of_edge
    )
