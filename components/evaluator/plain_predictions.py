"""Predictions of plain models for the rows of a split, and the sentences on how the candidate compares with them."""

import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from tfx.dsl.io import fileio

from components.evaluator.intervals import Interval
from components.evaluator.metric import Measure
from components.evaluator.slicing import SliceKey, text_of
from components.evaluator.sums.accumulators import Array, MetricSums
from spec.file_names import PLAIN
from spec.plain_models import title

COMPARED: Mapping[str, tuple[str, ...]] = {"regression": ("mae",), "binary": ("auc",), "classes": ("accuracy",)}
"""Task -> metrics by which models are compared; the first that all of them have."""
RARE = 0.1
"""Share of the rarer of two classes below which they are compared by pr_auc."""
NAMED = 5
"""Slices that a sentence names."""


class PlainPredictions:
    """Predictions of one plain model.

    Args:
        values: float32 (rows,) of a regression, or probabilities (rows, classes), in the order of the split's rows.
        place: Class of the candidate -> column of the probabilities, -1 for a class that the model never saw; None of
            a regression.
    """

    def __init__(self, values: Array, place: Sequence[int] | None) -> None:
        self._values, self._place = values, place

    def of(self, numbers: Array) -> dict[str, Array]:
        """Return the predictions of rows, by the names of a model's outputs.

        Args:
            numbers: Row numbers, int64 (n,).
        """
        values = self._values[numbers]
        if self._place is None:
            return {"prediction": values}
        none = np.zeros(len(values), np.float32)
        columns = [values[:, position] if position >= 0 else none for position in self._place]
        return {"probabilities": np.stack(columns, axis=1)}


@dataclass
class PlainModels:
    """The plain models of a run.

    Attributes:
        predictions: Those that were fitted.
        failed: Those that were not, or cannot be measured -> why.
        note: Reason why no plain model was fitted; empty if at least one was.
        sample: On how many rows they were fitted, if not on all.
    """

    predictions: dict[str, PlainPredictions] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    note: str = ""
    sample: str = ""


def read(folder: str | None, classes: Sequence[str] | None) -> PlainModels:
    """Read the plain models of an artifact.

    Args:
        folder: Folder of the artifact; None without one.
        classes: Classes of the candidate; None for a regression.
    """
    if folder is None:
        return PlainModels()
    facts = json.loads(_content(f"{folder}/{PLAIN}"))
    models = PlainModels(failed=dict(facts["failed"]), note=facts["note"])
    if facts["every"] > 1:
        models.sample = f"{facts['rows']:,} of {facts['train_rows']:,} train rows"
    for name, names in facts["fitted"].items():
        class_positions = (
            None
            if classes is None
            else [names.index(class_name) if class_name in names else -1 for class_name in classes]
        )
        if class_positions is not None and sum(at >= 0 for at in class_positions) < 2:
            models.failed[name] = f"it knows only the classes {', '.join(names)}"
        else:
            values = np.load(io.BytesIO(_content(f"{folder}/{name}.npy")))
            models.predictions[name] = PlainPredictions(values, class_positions)
    return models


class PlainSums:
    """Sums of the plain models, accumulated in the same pass over the rows as those of the candidate.

    Args:
        models: The plain models; one that cannot be measured moves to `failed`.
        measure: The task's measure.
        cells: Number of cells.
    """

    def __init__(self, models: PlainModels, measure: Measure, cells: int) -> None:
        self._models, self._measure = models, measure
        self.of = {name: MetricSums(measure, cells) for name in models.predictions}

    def add(self, numbers: Array, label: Array, row_cells: Sequence[Array], fold: Array, weight: Array) -> None:
        """Add a batch of rows; the arguments are those of the candidate's sums."""
        for name in list(self.of):
            # A metric of the user's may need an output that only the network has.
            try:
                of_rows = self._measure.rows(label, self._models.predictions[name].of(numbers))
            except Exception as error:
                self._models.failed[name] = f"its metrics cannot be computed: {type(error).__name__}: {error}"
                del self.of[name]
                continue
            for cell in row_cells:
                self.of[name].add(cell, fold, weight, *of_rows)


def _content(path: str) -> bytes:
    with fileio.open(path, "rb") as file:
        content: bytes = file.read()
    return content


def compared_by(measure: Measure, values: Mapping[str, float], details: Mapping[str, Any]) -> str:
    """Return the metric by which models are compared.

    Args:
        measure: The task's measure.
        values: The candidate's metrics of all rows.
        details: The measure's details of all rows.
    """
    names = COMPARED.get(measure.task, ())
    if measure.task == "binary":
        labels = [sum(row) for row in details["confusion"]]
        names = ("pr_auc", *names) if min(labels) < RARE * sum(labels) else names
    return next((name for name in names if math.isfinite(values.get(name, math.nan))), measure.metrics[0].name)


Figures = Mapping[SliceKey, tuple[Mapping[str, float], Mapping[str, Mapping[str, float]]]]
"""Slice -> metrics of the candidate, and those of each plain model."""


def sentences(
    task: str,
    metric: str,
    figures: Figures,
    models: PlainModels,
    *,
    interval: Interval | None,
    lower_is_better: bool,
    min_rows: int = 1,
) -> list[str]:
    """Compare the candidate with each plain model, on all rows and by slice, in one sentence each.

    Args:
        task: Name of the task.
        metric: Metric by which they are compared.
        figures: Slice -> metrics of the candidate and of each plain model, without slices of few rows; the empty key
            is all rows.
        models: Plain models, with notes on those that were not fitted.
        interval: Confidence interval of the candidate's metric; None if it is unknown.
        lower_is_better: Whether a lower value of the metric is better.
        min_rows: Minimum number of rows of a slice, for the sentences.
    """
    if models.note:
        return [f"no plain model: {models.note}"]
    candidate, plain = figures[()]
    lines = []
    for name, values in plain.items():
        candidate_value, plain_value = candidate.get(metric, math.nan), values.get(metric, math.nan)
        if not (math.isfinite(candidate_value) and math.isfinite(plain_value)):
            continue
        text = _compared(title(name, task), metric, candidate_value, plain_value, lower_is_better=lower_is_better)
        if candidate_value != plain_value and interval is not None and interval.low <= plain_value <= interval.high:
            text += ", which is within its 95 % interval"
        worse = [
            key
            for key, (of_model, of_plain) in figures.items()
            if key and _is_better(of_plain.get(name, {}).get(metric), of_model.get(metric), lower_is_better)
        ]
        slices = sum(1 for key in figures if key)
        if worse:
            more = f" and {len(worse) - NAMED} more" if len(worse) > NAMED else ""
            listed = ", ".join(map(text_of, worse[:NAMED])) + more
            text += f"; worse on {len(worse)} of {slices} slices with {min_rows} rows or more: {listed}"
        lines.append(text)
    if lines and models.sample:
        lines.append(f"plain models were fitted on {models.sample}")
    return [*lines, *(f"no {title(name, task)}: {reason}" for name, reason in models.failed.items())]


def _compared(name: str, metric: str, candidate_value: float, plain_value: float, *, lower_is_better: bool) -> str:
    is_better = _is_better(candidate_value, plain_value, lower_is_better)
    word = "equal to" if candidate_value == plain_value else "better than" if is_better else "worse than"
    return f"{metric} {candidate_value:.5g} is {word} {plain_value:.5g} of {name}"


def _is_better(value: float | None, reference: float | None, lower_is_better: bool) -> bool:
    if value is None or reference is None or not (math.isfinite(value) and math.isfinite(reference)):
        return False
    return value < reference if lower_is_better else value > reference
