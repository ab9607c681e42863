"""Temperature of the logits of a classification, fitted so that probabilities equal observed shares.

The logits are divided by one number, which minimizes the log loss of rows that the network was not fitted to (Guo,
Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, section 4.2). The most likely class of a
row stays the same, and with two classes the order of the rows.
"""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
LOWEST, HIGHEST = 0.1, 10.0
"""Bounds. If every eval row is right, the log loss falls to zero as the temperature does, and tells no optimum."""
_STEPS = 50
"""Bisections, each of which halves the interval of the temperature's logarithm."""


def fit(y: Array, logits: Array, weight_of_rows: Array | None = None) -> float:
    """Return the temperature with the lowest log loss; 1 if no other is better.

    The loss is convex in the inverse temperature, so that its slope changes sign once.

    Args:
        y: Class indices (rows, 1).
        logits: (rows, classes), or (rows, 1) for the logit of the second of two classes.
        weight_of_rows: Weight of each row (rows,); None for equal ones.
    """
    above, weight = _above(y, logits, weight_of_rows)

    def slope(inverse: float) -> float:
        scaled = inverse * above
        return float(weight @ (np.exp(scaled - _log_sum(scaled)) * above).sum(axis=1))

    low, high = np.log(1 / HIGHEST), np.log(1 / LOWEST)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if slope(np.exp(middle)) > 0 else (middle, high)
    temperature = float(np.exp(-(low + high) / 2))
    return (
        temperature if log_loss(y, logits / temperature, weight_of_rows) < log_loss(y, logits, weight_of_rows) else 1.0
    )


def log_loss(y: Array, logits: Array, weight: Array | None = None) -> float:
    """Return the mean log loss of the rows whose logits are finite; see `fit` for the arguments."""
    above, weight = _above(y, logits, weight)
    return float(weight @ _log_sum(above)[:, 0] / weight.sum())


def _above(y: Array, logits: Array, weight: Array | None) -> tuple[Array, Array]:
    """Return logits minus that of the own class, float64 (rows, classes), and weights, of the rows with finite logits.

    Only differences matter, and with these the loss is the logarithm of a sum.
    """
    logits = logits.astype(np.float64)
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    finite = np.isfinite(logits).all(axis=1)
    logits, labels = logits[finite], y[finite].astype(np.int64)
    weight = np.ones(len(y)) if weight is None else weight.astype(np.float64)
    return logits - np.take_along_axis(logits, labels, axis=1), weight[finite]


def _log_sum(logits: Array) -> Array:
    """Return the logarithm of the sum of exponentials of each row, (rows, 1)."""
    largest = logits.max(axis=1, keepdims=True)
    total: Array = largest + np.log(np.exp(logits - largest).sum(axis=1, keepdims=True))
    return total
