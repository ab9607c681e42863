"""Permutation importance of each column, and predictions of some rows, for the report.

The importance of a column is how much worse the main metric gets when the column's values are permuted among rows
(Breiman, "Random Forests", 2001, section 10).
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from components.evaluator.metric import Measure
from components.evaluator.metrics.clustering import Clusters
from components.evaluator.prediction import Model, Rows
from components.evaluator.sums.accumulators import Array, MetricSums, draw
from models.export.signatures import input_names

SEED = 20_011
"""Seed of the permutations."""
CHANGED = "share of changed predictions"
"""Measured if the main metric is undefined for these rows, such as without a label."""


def diagnose(model: Model, rows: Rows, measure: Measure, *, kind: str, max_rows: int) -> dict[str, Any]:
    """Measure importance and predictions on a fixed sample of rows.

    Args:
        model: The candidate.
        rows: Rows of the evaluated split.
        measure: The task's measure.
        kind: Kind of the label's task.
        max_rows: Size of the sample, drawn by a fixed hash of row numbers; it is predicted once per column.

    Returns:
        JSON-able values. `importance` has `column`, `value` (metric with the permuted column) and `worse` (by how much
        that is worse); it is empty if the model has fewer than two columns. `answers` has label and prediction of each
        row for a regression, else nothing.
    """
    records = _sample(rows, max_rows)
    label, weight = (np.concatenate(parts) for parts in zip(*map(model.label, _batches(records, model)), strict=True))
    predictions = _predictions(model, records)
    reference = _value(measure, label, weight, predictions)
    main = measure.metrics[0]
    metric = main.name
    if isinstance(measure, Clusters) or not math.isfinite(reference):
        metric, reference = CHANGED, 0.0
    cells = list(map(_cells, records))
    columns = [] if len(records) < 2 else _columns(model, cells)
    generator = np.random.default_rng(SEED)
    importance: list[dict[str, Any]] = []
    for column in columns if len(columns) > 1 else ():
        permuted_predictions = _predictions(model, _permuted(cells, column, generator.permutation(len(records))))
        value = (
            _changed(predictions, permuted_predictions)
            if metric == CHANGED
            else _value(measure, label, weight, permuted_predictions)
        )
        worse = value - reference if metric == CHANGED or main.lower_is_better else reference - value
        importance.append({"column": column, "value": float(value), "worse": float(worse)})
    importance.sort(key=lambda entry: (-entry["worse"], entry["column"]))
    scored_rows = zip(label.tolist(), predictions["prediction"].tolist(), strict=True) if kind == "regression" else ()
    return {
        "metric": metric,
        "value": reference,
        "rows": len(records),
        "importance": [entry for entry in importance if math.isfinite(entry["worse"])],
        "answers": [[float(f"{number:.7g}") for number in row] for row in scored_rows if all(map(math.isfinite, row))],
        "predicted": _predicted(predictions),
        "note": f"One permutation of {len(records):,} rows of the evaluated split; columns with the same information "
        "share their importance, so each may seem to have little.",
    }


def _predicted(predictions: Mapping[str, Array]) -> dict[str, list[Any]]:
    """Return the predictions with which served ones are compared, by output: one value for each row."""
    name = next(name for name in ("classes", "prediction", "score", "cluster") if name in predictions)
    values = predictions[name].tolist()
    if name == "classes":
        return {name: [bytes(value).decode(errors="replace") for value in values]}
    if name == "cluster":
        return {name: [str(value) for value in values]}
    return {name: [float(f"{value:.7g}") for value in values if math.isfinite(value)]}


def _sample(rows: Rows, max_rows: int) -> list[bytes]:
    """Return serialized tf.Examples of the rows with the smallest hashes, in order."""
    sample: list[tuple[int, int, bytes]] = []
    for batch, numbers in rows.batches():
        hashes = draw(numbers)
        smallest = np.argsort(hashes, kind="stable")[:max_rows]
        records = batch.numpy()
        sample += [(int(hashes[row]), int(numbers[row]), records[row]) for row in smallest]
        sample = sorted(sample)[:max_rows]
    return [record for _, record in sorted((number, record) for _, number, record in sample)]


def _batches(records: Sequence[bytes], model: Model) -> list[Any]:
    return [tf.constant(records[start : start + model.batch]) for start in range(0, len(records), model.batch)] or [
        tf.constant([], tf.string)
    ]


def _predictions(model: Model, records: Sequence[bytes]) -> dict[str, Array]:
    parts = [model.predict(batch) for batch in _batches(records, model)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _value(measure: Measure, label: Array, weight: Array, predictions: Mapping[str, Array]) -> float:
    """Return the main metric of these rows; NaN if undefined."""
    sums, zeros = MetricSums(measure, 1), np.zeros(len(label), np.int64)
    sums.add(zeros, zeros, weight if measure.weighted else np.ones(len(label)), *measure.rows(label, predictions))
    return float(measure.values(sums.sums(0))[measure.metrics[0].name])


def _changed(predictions: Mapping[str, Array], permuted_predictions: Mapping[str, Array]) -> float:
    """Return the share of rows whose prediction differs: cluster, anomaly flag or most likely class."""
    for name in ("cluster", "anomaly"):
        if name in predictions:
            return float(np.mean(predictions[name] != permuted_predictions[name]))
    if "probabilities" in predictions:
        return float(
            np.mean(predictions["probabilities"].argmax(axis=1) != permuted_predictions["probabilities"].argmax(axis=1))
        )
    return float(np.mean(predictions["prediction"] != permuted_predictions["prediction"]))


def _columns(model: Model, cells: Sequence[Mapping[str, bytes]]) -> list[str]:
    """Return the raw columns that are inputs of the model."""
    names = {name for row in cells for name in row}
    if model.inputs is None:
        return sorted(names)
    # Inputs whose names would be equal end in underscores.
    inputs = {name.rstrip("_") for name in model.inputs}
    return sorted(name for name in names if {spelt.rstrip("_") for spelt in input_names([name])} & inputs)


def _cells(record: bytes) -> dict[str, bytes]:
    """Return a serialized tf.Example for each column; concatenated, they are one with all columns."""
    cells = {}
    for name, feature in tf.train.Example.FromString(record).features.feature.items():
        cells[name] = tf.train.Example(features=tf.train.Features(feature={name: feature})).SerializeToString()
    return cells


def _permuted(cells: Sequence[Mapping[str, bytes]], column: str, order: Array) -> list[bytes]:
    """Return the rows with the values of a column in another order."""
    other_cells = [b"".join(cell for name, cell in row.items() if name != column) for row in cells]
    return [cells_of_row + cells[row].get(column, b"") for cells_of_row, row in zip(other_cells, order, strict=True)]
