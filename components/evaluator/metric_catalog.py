"""Catalog of metrics: files of components/evaluator/metrics, and user-defined ones by dotted path."""

import functools
import importlib
import pkgutil
from collections.abc import Sequence

from components.evaluator import metrics
from components.evaluator.metric import Measure, Metric, stem
from components.evaluator.metrics.anomaly import Anomaly
from components.evaluator.metrics.binary import Binary
from components.evaluator.metrics.clustering import Clusters
from components.evaluator.metrics.multiclass import Classes
from components.evaluator.metrics.regression import Regression
from errors import UserError
from spec.columns import task as tasks

MEASURES: dict[str, type[Measure]] = {
    measure.task: measure for measure in (Regression, Binary, Classes, Anomaly, Clusters)
}
"""Kind of a task -> its sums."""


def module_names() -> list[str]:
    """Return the modules of the folder, those of the tasks first, so that a task's main metric stays the first."""
    of_kinds = [measure.__module__ for measure in MEASURES.values()]
    names = sorted(f"{metrics.__name__}.{module.name}" for module in pkgutil.iter_modules(metrics.__path__))
    return [*of_kinds, *(name for name in names if name not in of_kinds)]


@functools.cache
def built_in() -> tuple[Metric, ...]:
    """Return all metrics of the folder."""
    return tuple(metric for name in module_names() for metric in importlib.import_module(name).METRICS)


def of_task(task: str) -> tuple[Metric, ...]:
    """Return the metrics of a task and its kind, the main metric first."""
    return tuple(metric for metric in built_in() if _measures(metric, task))


def _measures(metric: Metric, task: str) -> bool:
    return not {task, tasks.find(task).kind}.isdisjoint(metric.tasks)


def names(task: str, user_metrics: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the names of a task's metrics, with [CLASS] for those that each class has.

    Args:
        task: The task.
        user_metrics: Dotted paths of user-defined metrics.
    """
    listed_metrics = [metric for metric in of_task(task) if not metric.only_tfma]
    listed = [f"{metric.name}[CLASS]" if metric.per_class else metric.name for metric in listed_metrics]
    return (*listed, *(path.rpartition(".")[2] for path in user_metrics))


def find(name: str) -> Metric:
    """Return a metric of the folder by its name, with or without a class; equal names have equal directions."""
    return next(metric for metric in built_in() if metric.name == stem(name))


def user_metric(path: str, task: str) -> Metric:
    """Import a user-defined metric.

    Args:
        path: MODULE.NAME.
        task: Task of the label.

    Raises:
        UserError: The path names no metric, or the metric has another name or is not for this task.
    """
    module, _, name = path.rpartition(".")
    metric = getattr(importlib.import_module(module), name, None)
    if not isinstance(metric, Metric):
        raise UserError(f"evaluation.metrics: {path!r} is not a Metric of components.evaluator.metric")
    if metric.name != name:
        raise UserError(f"evaluation.metrics: {path!r} is named {metric.name!r}: use one name for both")
    if not _measures(metric, task):
        fitting = ", ".join(metric.tasks)
        raise UserError(f"evaluation.metrics: {path!r} is for {fitting}, but label.task is {task!r}")
    if metric.name in {standard.name for standard in of_task(task)}:
        raise UserError(f"evaluation.metrics: {name!r} is a metric of task {task!r} already: rename yours")
    if metric.value is None and metric.rows is None:
        raise UserError(f"evaluation.metrics: {path!r} has neither value nor rows: give one of them")
    return metric


def measure(
    task: str,
    classes: Sequence[str] | None,
    *,
    threshold: float = 0.5,
    top_k: int = 3,
    precision_at: int | None = None,
    own: Sequence[str] = (),
) -> Measure:
    """Return the sums of a task, with all of its metrics.

    Args:
        task: The task.
        classes: Class names of binary and classes, in order.
        threshold: Of binary.
        top_k: Of classes.
        precision_at: Of anomaly.
        own: Dotted paths of user-defined metrics.
    """
    kind = tasks.find(task).kind
    result: Measure
    if kind == "binary":
        result = Binary(classes or (), threshold)
    elif kind == "classes":
        result = Classes(classes or (), top_k)
    elif kind == "anomaly":
        result = Anomaly(precision_at)
    else:
        result = MEASURES[kind]()
    result.metrics = (*of_task(task), *(user_metric(path, task) for path in own))
    return result
