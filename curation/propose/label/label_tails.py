"""Labels with a heavy tail: a warning, and suggested transform and loss."""

import itertools

from curation.facts.column_facts import QUANTILES, Column, Numbers
from curation.propose.choices import Line
from spec.columns.label import ABOVE

HEAVY = 4.0
"""Skewness from which a tail is reported; an exponential distribution has 2."""
BARS = 20
"""Bars of equal width in a chart."""


def sentence(column: Column) -> str:
    """Return a sentence on a heavy tail of the label; empty if there is none.

    Args:
        column: Facts of the label.
    """
    numbers = column.numbers
    if numbers is None or abs(numbers.skew) < HEAVY:
        return ""
    return (
        f"{column.name} has a heavy tail: skewness {numbers.skew:.1f}, from {numbers.low:g} to {numbers.high:g}, and "
        f"{one_bar(numbers):.1%} of the rows or more within a twentieth of that range, so few rows dominate rmse and "
        "r2: see label.transform and training.loss in the config"
    )


def offers(column: Column) -> tuple[Line, Line]:
    """Return suggestions, as comments, for [label] and for [training].

    Args:
        column: The label's facts, with a heavy tail.
    """
    numbers = column.numbers
    assert numbers is not None
    fitting = next(name for name in ("log", "log1p", "signed_log") if numbers.low > ABOVE.get(name, float("-inf")))
    transform = Line("transform", fitting, "compresses the tail, so that typical rows matter most", active=False)
    return transform, Line("loss", "huber", "large errors count linearly, not squared", active=False)


def one_bar(numbers: Numbers) -> float:
    """Return a lower bound of the share of rows in the fullest of BARS equal-width bins, from known quantiles."""
    width = (numbers.high - numbers.low) / BARS
    points = list(zip(QUANTILES, numbers.quantiles, strict=True))
    within = [upper[0] - lower[0] for lower, upper in itertools.combinations(points, 2) if upper[1] - lower[1] <= width]
    return max(within, default=0.0)
