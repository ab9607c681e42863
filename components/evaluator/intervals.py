"""95 % confidence intervals of metrics, overall and by slice.

A share of rows (accuracy, precision, recall ...) has Wilson's score interval (Wilson, Probable inference, 1927), which
holds also for few rows and for shares of 0 and 1; weighted rows count as Kish's effective number (Σw)² / Σw² of them.

Any other metric has the delete-a-group jackknife over the ledger's 20 folds, as TFMA's own intervals: the metric is
computed without each fold in turn, pseudo-values give its standard error (groups of unequal size: Busing, Meijer and
van der Leeden, Delete-m jackknife for unequal m, 1999), and the interval is that of a t-distribution with one degree of
freedom less than there are folds with rows.

Where rows come in groups, folds are of whole groups, and a share's rows count for less by its design effect: the
jackknife's variance over that of independent rows, and Student's quantile over the normal one (Korn and Graubard,
Confidence intervals for proportions with small expected number of positive counts, 1998). Where all rows are right, or
none, there is no variance to tell it, so each group counts as one row.

A jackknife without any spread, as of an AUC of 1, tells nothing: such a metric has no interval.
"""

import math
from dataclasses import dataclass

import numpy as np

from components.evaluator.metrics.accumulators import FOLDS, Array, Ledger, Measure, Share, Sums, whole
from components.evaluator.metrics.catalog import RANGES, stem

EXACT = 1e-12
"""A standard error below this share of a metric is rounding alone."""
_NORMAL = 1.959964
_STUDENT = (
    *(12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157, 2.228139),
    *(2.200985, 2.178813, 2.160369, 2.144787, 2.131450, 2.119905, 2.109816, 2.100922, 2.093024),
)
"""97.5 % quantile of Student's t with 1 to 19 degrees of freedom."""


@dataclass(frozen=True)
class Interval:
    """Where a metric is with 95 % confidence.

    Attributes:
        low: Lower end.
        high: Upper end.
        error: Standard error; None for Wilson's.
        degrees: Degrees of freedom; None for Wilson's.
    """

    low: float
    high: float
    error: float | None = None
    degrees: int | None = None


def intervals(measure: Measure, ledger: Ledger, cell: int, groups: float | None = None) -> dict[str, Interval]:
    """The interval of each metric of a cell that is a number and has one: one row alone has no spread.

    Args:
        measure: The task's.
        ledger: The sums.
        cell: The cell.
        groups: Its groups of rows; None where every row stands alone.
    """
    numbers, places, table = ledger.folds(cell)
    total_numbers, total_table = numbers.sum(axis=0), table.sum(axis=0)
    sums = whole(total_numbers, places, total_table)
    values = measure.values(sums)
    used = [fold for fold in range(FOLDS) if numbers[fold, 0]]
    grouped = groups is not None and groups < sums.count
    shares = {name: value for name, value in values.items() if isinstance(value, Share) and value == value}
    found = {} if grouped else {name: wilson(value, sums) for name, value in shares.items()}
    others = [name for name, value in values.items() if not isinstance(value, Share) and math.isfinite(value)]
    asked = [*others, *(shares if grouped else ())]
    if len(used) < 2 or not asked:
        return found
    without = []
    for fold in used:
        rest = measure.values(whole(total_numbers - numbers[fold], places, total_table - table[fold]), shares=grouped)
        without.append([rest[name] for name in asked])
    with np.errstate(invalid="ignore"):
        errors = jackknife(np.array([values[name] for name in asked]), np.array(without), numbers[used, 0] / sums.count)
    degrees = len(used) - 1
    for name, error in zip(asked, map(float, errors), strict=True):
        if name in shares:
            assert groups is not None
            found[name] = wilson(shares[name], sums, _effect(shares[name], sums, error, degrees, groups))
        elif math.isfinite(error) and error > EXACT * abs(values[name]):
            half = _STUDENT[degrees - 1] * error
            low, high = RANGES.get(stem(name), (None, None))
            ends = values[name] - half, values[name] + half
            found[name] = Interval(
                max(ends[0], -math.inf if low is None else low),
                min(ends[1], math.inf if high is None else high),
                error,
                degrees,
            )
    return {name: found[name] for name in values if name in found}


def _effect(share: Share, sums: Sums, error: float, degrees: int, groups: float) -> float:
    """How many rows of groups are worth one row: at least 1.

    Args:
        share: The share.
        sums: Of its cell.
        error: Its standard error by the jackknife over groups.
        degrees: Of freedom.
        groups: Of the cell.
    """
    variance = share * (1 - share)
    if not variance > 0 or not math.isfinite(error):
        return max(1.0, sums.count / groups)
    return max(1.0, error**2 / (variance / _effective(share, sums))) * (_STUDENT[degrees - 1] / _NORMAL) ** 2


def _effective(share: Share, sums: Sums) -> float:
    """Number of rows that a share's weight is worth."""
    return share.whole * sums.weight / sums.squares if sums.squares else 0.0


def wilson(share: Share, sums: Sums, effect: float = 1.0) -> Interval:
    """Wilson's score interval.

    Args:
        share: The share, and the weight of its whole.
        sums: Of its cell: they tell how many rows a weight is worth.
        effect: How many rows count as one.
    """
    number = _effective(share, sums) / effect
    if not number > 0:
        return Interval(0.0, 1.0)
    slack = _NORMAL**2 / number
    middle = (share + slack / 2) / (1 + slack)
    half = _NORMAL / (1 + slack) * math.sqrt(max(share * (1 - share), 0.0) / number + slack / (4 * number))
    return Interval(max(middle - half, 0.0), min(middle + half, 1.0))


def jackknife(value: Array, without: Array, parts: Array) -> Array:
    """Standard errors, float64 (metrics,), by the delete-m jackknife.

    Args:
        value: (metrics,), of all rows.
        without: (groups, metrics), without each group.
        parts: (groups,), share of the rows in each group.
    """
    times = (1 / parts)[:, None]
    pseudo = times * value - (times - 1) * without
    centre = len(parts) * value - ((1 - parts)[:, None] * without).sum(axis=0)
    found: Array = np.sqrt(((pseudo - centre) ** 2 / (times - 1)).mean(axis=0))
    return found
