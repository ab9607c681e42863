"""Which metrics each task has, which way is better, and what TFMA calls them."""

from collections.abc import Mapping, Sequence
from typing import Any

from components.evaluator.metrics.accumulators import Measure
from components.evaluator.metrics.anomaly import Anomaly
from components.evaluator.metrics.binary import Binary
from components.evaluator.metrics.clustering import Clusters
from components.evaluator.metrics.multiclass import Classes
from components.evaluator.metrics.regression import Regression

LOWER_IS_BETTER = frozenset({"mae", "rmse", "mse", "log_loss", "flagged", "mean_score", "mean_distance"})
"""Errors, and the share of alarms; of any other metric more is better."""
PER_CLASS = ("precision", "recall")
"""Metrics that the task classes has for each class."""
NEAREST_IS_BEST = {"bias": 0.0, "calibration": 1.0}
"""Metric -> its best value, from which both ways lead away: what is judged is the distance from it."""
RANGES = {
    **dict.fromkeys(("mae", "rmse", "mse", "log_loss", "calibration", "mean_score", "mean_distance"), (0.0, None)),
    **dict.fromkeys(("accuracy", "auc", "pr_auc", "precision", "recall", "f1", "macro_f1", "flagged"), (0.0, 1.0)),
    **dict.fromkeys(("top_k_accuracy", "precision_at_k"), (0.0, 1.0)),
    **dict.fromkeys(("silhouette", "adjusted_rand"), (-1.0, 1.0)),
    "r2": (None, 1.0),
}
"""Metric -> lowest and highest value that it can have; an interval ends there."""
CLASS_NAMES = {
    "regression": {
        "mae": "MeanAbsoluteError",
        "rmse": "RootMeanSquaredError",
        "r2": "R2Score",
        "mse": "MeanSquaredError",
        "bias": "Mean",
    },
    "binary": {
        "accuracy": "BinaryAccuracy",
        "log_loss": "BinaryCrossentropy",
        "auc": "AUC",
        "pr_auc": "AUCPrecisionRecall",
        "precision": "Precision",
        "recall": "Recall",
        "f1": "F1Score",
        "calibration": "Calibration",
    },
    "classes": {
        "accuracy": "SparseCategoricalAccuracy",
        "log_loss": "SparseCategoricalCrossentropy",
        "top_k_accuracy": "SparseTopKCategoricalAccuracy",
        "macro_f1": "F1Score",
        "precision": "Precision",
        "recall": "Recall",
    },
    "anomaly": {
        "auc": "AUC",
        "pr_auc": "AUCPrecisionRecall",
        "precision_at_k": "PrecisionAtK",
        "precision": "Precision",
        "recall": "Recall",
        "flagged": "Mean",
        "mean_score": "MeanPrediction",
    },
    "clusters": {"silhouette": "Mean", "adjusted_rand": "Mean", "mean_distance": "Mean"},
}
"""Task -> our metric -> class of the same formula in Keras or TFMA, named in the written EvalConfig."""
STOCK_CLASS_NAMES = {"binary": {"tfma_auc": "AUC", "tfma_pr_auc": "AUCPrecisionRecall"}}
"""Task -> TFMA's own value of a metric that is exact here -> its class; in the evaluation's files alone."""
ANSWERS = {
    "regression": ("prediction",),
    "binary": ("probabilities",),
    "classes": ("probabilities",),
    "anomaly": ("score", "anomaly"),
    "clusters": ("cluster", "distances"),
}
"""Task -> what a model of it answers with; the first is TFMA's prediction_key."""
NUMBER = {
    "regression": "mae",
    "binary": "log_loss",
    "classes": "log_loss",
    "anomaly": "mean_score",
    "clusters": "mean_distance",
}
"""Task -> the metric that is no number where one answer is none: argmax(NaN) is class 0, and would count as right."""


def measure(task: str, names: Sequence[str] | None, config: Mapping[str, Any]) -> Measure:
    """The metrics of a task.

    Args:
        task: One of CLASS_NAMES.
        names: The classes in order, of binary and classes.
        config: `threshold` of binary, `top_k` of classes, `precision_at` of anomaly.
    """
    if task == "binary":
        return Binary(names or (), config["threshold"])
    if task == "classes":
        return Classes(names or (), config["top_k"])
    if task == "anomaly":
        return Anomaly(config["precision_at"])
    return Clusters() if task == "clusters" else Regression()


def stem(metric: str) -> str:
    """The metric without its class: precision of precision[cheap]."""
    return metric.partition("[")[0]
