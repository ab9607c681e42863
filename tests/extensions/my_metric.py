"""A metric of your own: the share of predictions within 10 % of the label.

Put this file into your project and name the metric in the config; rules may use it like any other:

    [evaluation]
    metrics = ["my_metric.within_10_percent"]
    floor = {within_10_percent = 0.5}

In the repository itself the same file stands in components/evaluator/metrics/, with METRICS = (within_10_percent,) at
its end, and without `metrics` in the config.
"""

import numpy as np

from components.evaluator.metric import Metric, Predictions
from components.evaluator.sums.accumulators import Array


def is_close(label: Array, predictions: Predictions) -> Array:
    """Return 1 for each row whose prediction is within 10 % of the label, else 0, (n,)."""
    return np.abs(predictions["prediction"] - label) <= 0.1 * np.abs(label)


within_10_percent = Metric(
    name="within_10_percent",
    tasks=("regression",),
    rows=is_close,
    better="higher",
    low=0.0,
    high=1.0,
    is_share=True,
)
