"""Names of the buckets that bounds cut a number into, for the config, the evaluator and the report alike."""

import itertools
from collections.abc import Sequence

_FEWEST_DIGITS = 6
_MOST_DIGITS = 17
"""As many significant digits as tell any two float64 numbers apart."""
_ROUNDING = 0.01
"""Share of the distance to the next bound that a written bound may be off."""
_WHOLE = 1e15
"""Whole numbers below it are written without an exponent where six digits are too few."""


def bucket_names(edges: Sequence[float]) -> tuple[str, ...]:
    """Name the buckets between rising bounds: "below 18", "18 to 65", "from 65".

    Bounds have six significant digits, or as many more as it takes to tell them apart: days written 20240101 and
    20240108, or seconds since 1970, differ after the sixth.

    Args:
        edges: n rising bounds.

    Returns:
        n + 1 names; "all" alone where there is no bound.
    """
    if not edges:
        return ("all",)
    width = min((high - low for low, high in itertools.pairwise(edges)), default=float("inf"))
    bounds: list[str] = []
    for digits in range(_FEWEST_DIGITS, _MOST_DIGITS + 1):
        bounds = [_written(edge, digits) for edge in edges]
        if all(abs(float(bound) - edge) <= _ROUNDING * width for bound, edge in zip(bounds, edges, strict=True)):
            break
    inner = (f"{low} to {high}" for low, high in itertools.pairwise(bounds))
    return (f"below {bounds[0]}", *inner, f"from {bounds[-1]}")


def _written(edge: float, digits: int) -> str:
    if digits > _FEWEST_DIGITS and abs(edge) < _WHOLE and float(edge).is_integer():
        return str(int(edge))
    written = f"{edge:.{digits}g}"
    return str(int(float(written))) if "e+" in written and digits > _FEWEST_DIGITS and abs(edge) < _WHOLE else written
