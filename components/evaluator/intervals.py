"""95 % confidence intervals of metrics, overall and by slice.

A share of rows (accuracy, precision, recall ...) has Wilson's score interval (Wilson, Probable inference, 1927), which
is also valid for few rows and for shares of 0 and 1; weighted rows count as Kish's effective number (Σw)² / Σw².

Any other metric has a delete-a-group jackknife over 20 folds, as in TFMA: the metric is computed without each fold in
turn, pseudo-values give its standard error (groups of unequal size: Busing, Meijer and van der Leeden, Delete-m
jackknife for unequal m, 1999), and the interval is that of a t-distribution with one degree of freedom less than there
are folds with rows.

If rows come in groups, folds are whole groups, and a share's effective number of rows is reduced by the design effect:
the jackknife's variance over that of independent rows, and Student's quantile over the normal one (Korn and Graubard,
Confidence intervals for proportions with small expected number of positive counts, 1998). If all rows are right, or
none, there is no variance, so each group counts as one row.

A jackknife without spread, such as that of an AUC of 1, gives no information: such a metric has no interval.
"""

import math
from dataclasses import dataclass

import numpy as np

from components.evaluator.metric import Measure
from components.evaluator.sums.accumulators import FOLDS, Array, MetricSums, Proportion, Sums, from_folds

EXACT = 1e-12
"""A standard error below this share of a metric is only rounding."""
_NORMAL = 1.959964
_STUDENT = (
    *(12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157, 2.228139),
    *(2.200985, 2.178813, 2.160369, 2.144787, 2.131450, 2.119905, 2.109816, 2.100922, 2.093024),
)
"""97.5 % quantiles of Student's t with 1 to 19 degrees of freedom."""


@dataclass(frozen=True)
class Interval:
    """95 % confidence interval of a metric.

    Attributes:
        low: Lower bound.
        high: Upper bound.
        error: Standard error; None for a Wilson interval.
        degrees: Degrees of freedom; None for a Wilson interval.
    """

    low: float
    high: float
    error: float | None = None
    degrees: int | None = None


def intervals(measure: Measure, sums: MetricSums, cell: int, groups: float | None = None) -> dict[str, Interval]:
    """Compute the interval of each finite metric of a cell; a single row has none, except for shares.

    Args:
        measure: The task's measure.
        sums: The accumulated sums.
        cell: The cell.
        groups: Number of its groups of rows; None if rows are independent.
    """
    numbers, bins, table = sums.folds(cell)
    total_numbers, total_table = numbers.sum(axis=0), table.sum(axis=0)
    totals = from_folds(total_numbers, bins, total_table)
    values = measure.values(totals)
    folds = [fold for fold in range(FOLDS) if numbers[fold, 0]]
    grouped = groups is not None and groups < totals.count
    shares = {name: value for name, value in values.items() if isinstance(value, Proportion) and value == value}
    result = {} if grouped else {name: wilson(value, totals) for name, value in shares.items()}
    scalars = [name for name, value in values.items() if not isinstance(value, Proportion) and math.isfinite(value)]
    names = [*scalars, *(shares if grouped else ())]
    if len(folds) < 2 or not names:
        return result
    without = []
    for fold in folds:
        values_without = measure.values(
            from_folds(total_numbers - numbers[fold], bins, total_table - table[fold]), shares=grouped
        )
        without.append([values_without[name] for name in names])
    with np.errstate(invalid="ignore"):
        errors = jackknife(
            np.array([values[name] for name in names]), np.array(without), numbers[folds, 0] / totals.count
        )
    degrees = len(folds) - 1
    for name, error in zip(names, map(float, errors), strict=True):
        if name in shares:
            assert groups is not None
            result[name] = wilson(shares[name], totals, _effect(shares[name], totals, error, degrees, groups))
        elif math.isfinite(error) and error > EXACT * abs(values[name]):
            half = _STUDENT[degrees - 1] * error
            metric = measure.metric(name)
            ends = values[name] - half, values[name] + half
            result[name] = Interval(
                max(ends[0], -math.inf if metric.low is None else metric.low),
                min(ends[1], math.inf if metric.high is None else metric.high),
                error,
                degrees,
            )
    return {name: result[name] for name in values if name in result}


def _effect(share: Proportion, sums: Sums, error: float, degrees: int, groups: float) -> float:
    """Compute how many grouped rows count as one independent row: at least 1.

    Args:
        share: The share.
        sums: Sums of its cell.
        error: Standard error from the jackknife over groups.
        degrees: Degrees of freedom.
        groups: Number of groups of the cell.
    """
    variance = share * (1 - share)
    if not variance > 0 or not math.isfinite(error):
        return max(1.0, sums.count / groups)
    return max(1.0, error**2 / (variance / _effective(share, sums))) * (_STUDENT[degrees - 1] / _NORMAL) ** 2


def _effective(share: Proportion, sums: Sums) -> float:
    """Return the effective number of rows of a share."""
    return share.total * sums.weight / sums.squares if sums.squares else 0.0


def wilson(share: Proportion, sums: Sums, effect: float = 1.0) -> Interval:
    """Compute Wilson's score interval.

    Args:
        share: The share with its total weight.
        sums: Sums of its cell, for the effective number of rows.
        effect: Number of rows that count as one.
    """
    number = _effective(share, sums) / effect
    if not number > 0:
        return Interval(0.0, 1.0)
    slack = _NORMAL**2 / number
    middle = (share + slack / 2) / (1 + slack)
    half = _NORMAL / (1 + slack) * math.sqrt(max(share * (1 - share), 0.0) / number + slack / (4 * number))
    return Interval(max(middle - half, 0.0), min(middle + half, 1.0))


def jackknife(value: Array, without: Array, parts: Array) -> Array:
    """Compute standard errors, float64 (metrics,), by the delete-m jackknife.

    Args:
        value: (metrics,), values of all rows.
        without: (groups, metrics), values without each group.
        parts: (groups,), share of the rows in each group.
    """
    times = (1 / parts)[:, None]
    pseudo = times * value - (times - 1) * without
    centre = len(parts) * value - ((1 - parts)[:, None] * without).sum(axis=0)
    errors: Array = np.sqrt(((pseudo - centre) ** 2 / (times - 1)).mean(axis=0))
    return errors
