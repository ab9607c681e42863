"""Split-conformal prediction intervals of a regression.

The interval of a row is its prediction ± quantile · spread. The quantile is the ⌈(n + 1) · level⌉-th smallest of the n
scores |label - prediction| / spread of the eval split, so that a new row of the same distribution lies inside with a
probability of at least `level`, whatever the network (Lei, G'Sell, Rinaldo, Tibshirani, Wasserman, "Distribution-Free
Predictive Inference for Regression", JASA 2018: algorithm 2, and section 5.2 for the spread). Rows with weights count
by them, and a new row counts as one of mean weight (Tibshirani, Barber, Candès, Ramdas, "Conformal Prediction Under
Covariate Shift", NeurIPS 2019).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

Array = np.ndarray[Any, Any]
ROUNDING = 1e-9
"""Slack of a comparison, so that 9 rows are enough for a level of 0.9 = 0.9000000000000000222."""


@dataclass(frozen=True)
class Interval:
    """Interval around the output of a network, in the unit that it is trained in.

    Attributes:
        quantile: Half of the width of a row with spread 1.
        offset: Constant that is added to the spread of the members: their mean spread on the eval split. A row on
            which all members agree therefore has an interval too. None: no members; every row has spread 1.
    """

    quantile: float
    offset: float | None = None

    def ends(self, outputs: Any) -> dict[str, tf.Tensor]:
        """Return `prediction`, `lower` and `upper`, (batch, 1) each.

        Args:
            outputs: (batch, 1), or with an offset (batch, 2): the output, and the spread of the members.
        """
        center = tf.cast(outputs[:, :1], tf.float64)
        half = self.quantile * self.spread(outputs)
        return {"prediction": outputs[:, :1], "lower": center - half, "upper": center + half}

    def spread(self, outputs: Any) -> Any:
        """Return the spread of each row, float64 (batch, 1), or 1 without an offset."""
        return 1.0 if self.offset is None else tf.cast(outputs[:, 1:], tf.float64) + self.offset


def fewest_rows(level: float) -> int:
    """Return the number of rows below which no finite interval has the level."""
    return math.ceil(level / (1 - level) - ROUNDING)


def fit(y: Array, outputs: Array, level: float, weight: Array | None = None) -> Interval:
    """Compute the interval from rows that the network was not fitted to.

    Args:
        y: Training target (rows, 1).
        outputs: (rows, 1), or (rows, 2) with the spread of the members.
        level: Share of new rows to be inside, in (0, 1).
        weight: Weight of each row (rows,), of mean 1; None for equal ones.

    Returns:
        The interval; its quantile is infinite if there are too few rows.
    """
    offset = float(outputs[:, 1:].mean(dtype=np.float64)) if outputs.shape[1] > 1 else 0.0
    # If all members always agree, their spread is 0 and carries no information.
    unit = Interval(1.0, offset or None)
    error = np.abs(y.astype(np.float64) - outputs[:, :1])[:, 0]
    scores = error / np.reshape(unit.spread(outputs), -1)
    order = np.argsort(scores)
    reached = np.cumsum(np.ones(len(scores)) if weight is None else weight[order].astype(np.float64))
    rank = int(np.searchsorted(reached, level * (reached[-1] + 1) - ROUNDING * len(scores)))
    return Interval(float(scores[order[rank]]) if rank < len(scores) else math.inf, unit.offset)
