"""Which metrics each task has, which way is better, and what TFMA calls them."""

from collections.abc import Sequence

from components.evaluator.classification import Classification
from components.evaluator.metrics import Measure
from components.evaluator.regression import Regression

LOWER_IS_BETTER = {
    "mae": True,
    "rmse": True,
    "r2": False,
    "accuracy": False,
    "log_loss": True,
    "auc": False,
    "precision": False,
    "recall": False,
}
"""Metric name -> direction."""
CLASS_NAMES = {
    "regression": {"mae": "MeanAbsoluteError", "rmse": "RootMeanSquaredError", "r2": "R2Score"},
    "binary": {
        "accuracy": "BinaryAccuracy",
        "log_loss": "BinaryCrossentropy",
        "auc": "AUC",
        "precision": "Precision",
        "recall": "Recall",
    },
    "classes": {"accuracy": "SparseCategoricalAccuracy", "log_loss": "SparseCategoricalCrossentropy"},
}
"""Task -> our metric -> class of the same formula in Keras or TFMA, named in the written EvalConfig."""


def measure(names: Sequence[str] | None) -> Measure:
    """The metrics of a regression, or of a classification into the classes named."""
    return Classification(len(names)) if names else Regression()


def task(names: Sequence[str] | None) -> str:
    """The key of CLASS_NAMES."""
    if not names:
        return "regression"
    return "binary" if len(names) == 2 else "classes"
