"""Labels with a heavy tail: how much of the rows one bar of a chart would hold, and what is offered."""

import itertools

from curation.facts.column_facts import QUANTILES, Column, Numbers
from curation.propose.choices import Line
from spec.columns.label import ABOVE

HEAVY = 4.0
"""Skewness from which on a tail is named: that of an exponential distribution is 2."""
BARS = 20
"""Bars of equal width in a chart."""


def sentence(column: Column) -> str:
    """Say that a label has a heavy tail; empty where it has none.

    Args:
        column: Its facts.
    """
    numbers = column.numbers
    if numbers is None or abs(numbers.skew) < HEAVY:
        return ""
    return (
        f"{column.name} has a heavy tail: skewness {numbers.skew:.1f}, from {numbers.low:g} to {numbers.high:g}, and "
        f"{one_bar(numbers):.1%} of the rows or more within a twentieth of that range; few rows decide rmse and r2: "
        "see label.transform and training.loss in the config"
    )


def offers(column: Column) -> tuple[Line, Line]:
    """Lines that are offered, as comments, for [label] and for [training].

    Args:
        column: The label's facts, with a heavy tail.
    """
    numbers = column.numbers
    assert numbers is not None
    fitting = next(name for name in ("log", "log1p", "signed_log") if numbers.low > ABOVE.get(name, float("-inf")))
    transform = Line("transform", fitting, "brings the tail in; then most rows count, not the largest", active=False)
    return transform, Line("loss", "huber", "far rows count by their distance, not its square", active=False)


def one_bar(numbers: Numbers) -> float:
    """Least share of the rows that one of BARS bars of equal width can hold, by the quantiles that are known."""
    width = (numbers.high - numbers.low) / BARS
    known = list(zip(QUANTILES, numbers.quantiles, strict=True))
    within = [b[0] - a[0] for a, b in itertools.combinations(known, 2) if b[1] - a[1] <= width]
    return max(within, default=0.0)
