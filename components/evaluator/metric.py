"""Definition of a metric: its name and tasks, which direction is better, and how it is computed.

A file of components/evaluator/metrics contains metrics as `METRICS`, a tuple; `tasks` of a metric names the tasks that
it belongs to. The config names a user-defined metric as evaluation.metrics = ["MODULE.NAME"]. All are instances of
Metric.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from components.evaluator.sums.accumulators import Array, Proportion, Sums

Predictions = Mapping[str, Array]
"""Output of the model's signature: name -> (n,) or (n, k)."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric of one or more tasks.

    Attributes:
        name: Name, as configs and results have it.
        tasks: Tasks, or kinds of tasks, that it is measured for.
        value: Computes it from the totals of the task's sums; for a metric with `rows` from the weighted means of its
            numbers, float64 (k,). NaN if it is undefined, None if it is not measured. Without it, the mean of `rows`.
        rows: Computes the metric's own numbers, (n,) or (n, width), from labels (n,) and predictions.
        width: Number of its own numbers per row.
        better: Which direction is better; a number is the best value, from which both directions are worse.
        low: Smallest possible value; confidence intervals end there. None for no bound.
        high: Largest possible value.
        is_share: Whether it is a share of rows, whose interval is Wilson's and not a jackknife; its `value` returns a
            Proportion, and the mean of `rows` is one.
        per_class: Whether `value` returns a value for each class, which are measured as NAME[CLASS].
        tfma_class: Class of the same formula in Keras or TFMA, named in the written EvalConfig.
        only_tfma: Whether it is only written to TFMA's files, as TFMA's own value of another metric.
        always_defined: Whether it is a number whenever all predictions are.
        chance: Value that a model reaches without learning, and such a model; below it no looser limit is proposed.
    """

    name: str
    tasks: tuple[str, ...]
    value: Callable[[Any], Any] | None = None
    rows: Callable[[Array, Predictions], Array] | None = None
    width: int = 1
    better: Literal["higher", "lower"] | float = "higher"
    low: float | None = None
    high: float | None = None
    is_share: bool = False
    per_class: bool = False
    tfma_class: str = "Mean"
    only_tfma: bool = False
    always_defined: bool = False
    chance: tuple[float, str] | None = None

    @property
    def best(self) -> float | None:
        """Best value of a metric that has it in the middle of its range."""
        return None if isinstance(self.better, str) else self.better

    def distance(self, value: float) -> float:
        """Return the number by which models are compared: the value, or its distance from the best value."""
        return value if self.best is None else abs(value - self.best)

    @property
    def lower_is_better(self) -> bool:
        """Whether a lower value, or a lower distance from the best value, is better."""
        return self.better != "higher"

    def text(self, name: str) -> str:
        """Return the text for messages of the number by which models are compared.

        Args:
            name: The metric's name, with its class if there is one.
        """
        return name if self.best is None else f"|{name}|" if self.best == 0 else f"|{name} - {self.best:g}|"


class Measure:
    """Sums of one kind of task, and the metrics that are computed from them.

    Attributes:
        task: The task.
        metrics: Metrics to compute, the task's main metric first.
        check_metric: Name of a metric that is not finite if any prediction is not: argmax(NaN) is class 0, so that
            others may not show it.
        predictions: Names of the model's outputs; the first is TFMA's prediction_key.
        width: Number of numbers per row, without those of metrics with `rows`.
        span: Number of bins.
        weighted: Whether rows count by their weight.
        centred: Index of a number that is summed as its difference from a constant near its mean in the cell, and the
            next number as its square: otherwise a variance would be lost if the mean is far larger. None for none.
        scores: First bin of a histogram of exact scores, where a bin is twice the score's, and 1 more for the second
            class; None without one.
        classes: Class names; None without classes.
    """

    task: str
    check_metric: str
    predictions: tuple[str, ...]
    metrics: tuple[Metric, ...] = ()
    width: int
    span: int = 1
    weighted: bool = True
    centred: int | None = None
    scores: int | None = None
    classes: Sequence[str] | None = None

    def own_rows(self, label: Array, predictions: Predictions) -> tuple[Array, Array]:
        """Compute the numbers and bins of each row, which are summed over the rows.

        Args:
            label: (n,), from the model's signature `labels`.
            predictions: Outputs of the model.

        Returns:
            Numbers, float64 (n, width), and bins, int64 (n, any) in [0, span), -1 for none.
        """
        raise NotImplementedError

    def totals(self, sums: Sums) -> Any:
        """Return the argument of the metrics' `value`: the sums, with values that several metrics use."""
        raise NotImplementedError

    def details(self, sums: Sums) -> dict[str, Any]:
        """Return values that a report shows next to the metrics, such as the confusion matrix."""
        return {}

    def errors(self, label: Array, predictions: Predictions) -> Array:
        """Return the error of each row, float64 (n,), by which the worst rows are chosen."""
        raise NotImplementedError

    def shown(self, label: Array, predictions: Predictions, row: int) -> tuple[Any, Any]:
        """Return (label, prediction) of a row for reports."""
        raise NotImplementedError

    @property
    def total_width(self) -> int:
        """Number of numbers per row."""
        return self.width + sum(metric.width for metric in self.metrics if metric.rows is not None)

    def rows(self, label: Array, predictions: Predictions) -> tuple[Array, Array]:
        """Compute the numbers and bins of each row, with those of metrics that have numbers of their own.

        Raises:
            ValueError: A metric's numbers have another shape than (n,) or (n, width).
        """
        numbers, bins = self.own_rows(label, predictions)
        parts = [numbers]
        for metric in self.metrics:
            if metric.rows is not None:
                row_values = np.asarray(metric.rows(label, predictions), np.float64)
                if row_values.size != len(label) * metric.width:
                    expected = f"({len(label)},)" if metric.width == 1 else f"({len(label)}, {metric.width})"
                    raise ValueError(
                        f"metric {metric.name}: rows returned shape {row_values.shape}, expected {expected}"
                    )
                parts.append(row_values.reshape(len(label), metric.width))
        return np.concatenate(parts, axis=1) if len(parts) > 1 else numbers, bins

    def values(self, sums: Sums, *, shares: bool = True) -> dict[str, float]:
        """Compute the metrics of a cell; NaN if its rows leave one undefined.

        Args:
            sums: Sums of the cell.
            shares: Whether to compute shares of rows, which the jackknife leaves out.
        """
        metrics = [metric for metric in self.metrics if not metric.only_tfma and (shares or not metric.is_share)]
        values: dict[str, float] = {}
        for metric, value in self._computed(sums, metrics):
            values |= self._named(metric, value)
        return values

    def tfma_values(self, sums: Sums) -> dict[str, float]:
        """Compute the metrics that are only written to TFMA's files: name -> value."""
        computed = self._computed(sums, [metric for metric in self.metrics if metric.only_tfma])
        return {metric.name: float(value) for metric, value in computed}

    def metric(self, name: str) -> Metric:
        """Return a metric by its name, with or without a class."""
        return next(metric for metric in self.metrics if metric.name == stem(name))

    def has(self, name: str) -> bool:
        """Return whether a metric of this name, with or without a class, belongs to the task."""
        return any(metric.name == stem(name) for metric in self.metrics)

    def _computed(self, sums: Sums, metrics: Sequence[Metric]) -> Iterator[tuple[Metric, Any]]:
        totals = self.totals(sums)
        for metric in metrics:
            if metric.rows is None:
                assert metric.value is not None, f"metric {metric.name} has neither value nor rows"
                yield metric, metric.value(totals)
            else:
                yield metric, self._mean(metric, sums)

    def _mean(self, metric: Metric, sums: Sums) -> Any:
        """Compute a metric from the sums of its own numbers."""
        start = self.width
        for preceding in self.metrics:
            if preceding is metric:
                break
            start += preceding.width if preceding.rows is not None else 0
        metric_sums = sums.numbers[start : start + metric.width]
        if metric.value is not None:
            return metric.value(metric_sums / sums.weight) if sums.weight else np.nan
        return (
            Proportion(float(metric_sums[0]), sums.weight)
            if metric.is_share
            else float(metric_sums[0] / (sums.weight or np.nan))
        )

    def _named(self, metric: Metric, value: Any) -> dict[str, float]:
        if value is None:
            return {}
        if not metric.per_class:
            return {metric.name: value}
        return {f"{metric.name}[{name}]": number for name, number in zip(self.classes or (), value, strict=True)}


def stem(name: str) -> str:
    """Return the name of a metric without its class: precision of precision[cheap]."""
    return name.partition("[")[0]
