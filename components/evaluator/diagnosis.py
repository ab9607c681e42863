"""What a report shows beside the metrics: how much the model depends on each column, and answers of some rows.

A column's importance is how much worse the first metric gets when the column's cells change places among rows
(Breiman, "Random Forests", 2001, section 10): what the model learnt from the column is lost, and nothing else.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from components.evaluator.metrics.accumulators import Array, Ledger, Measure, draw
from components.evaluator.metrics.catalog import CLASS_NAMES, LOWER_IS_BETTER
from components.evaluator.metrics.clustering import Clusters
from components.evaluator.prediction import Model, Rows
from models.export.signatures import input_names

SEED = 20_011
"""Of the permutations."""
CHANGED = "share of rows answered otherwise"
"""Measured where the first metric is no number among these rows, as without a label."""


def diagnose(model: Model, rows: Rows, measure: Measure, *, task: str, most: int) -> dict[str, Any]:
    """Look at some rows, the same ones each time.

    Args:
        model: The candidate.
        rows: The evaluated split's.
        measure: The task's.
        task: The label's.
        most: Rows that are looked at, drawn by a fixed hash of their numbers; each is asked for once a column more.

    Returns:
        JSON-able values. `importance` holds `column`, `value` (the metric with the column's cells in other rows) and
        `worse` (by how much that is worse); it is empty where the model takes fewer than two columns. `answers` holds
        label and prediction of each row for a regression, else nothing.
    """
    records = _some(rows, most)
    label, weight = (np.concatenate(each) for each in zip(*map(model.label, _batches(records, model)), strict=True))
    before = _answers(model, records)
    told = _value(measure, task, label, weight, before)
    metric = next(iter(CLASS_NAMES[task]))
    if isinstance(measure, Clusters) or not math.isfinite(told):
        metric, told = CHANGED, 0.0
    cells = list(map(_cells, records))
    columns = [] if len(records) < 2 else _columns(model, cells)
    generator = np.random.default_rng(SEED)
    found: list[dict[str, Any]] = []
    for column in columns if len(columns) > 1 else ():
        after = _answers(model, _moved(cells, column, generator.permutation(len(records))))
        value = _changed(before, after) if metric == CHANGED else _value(measure, task, label, weight, after)
        worse = value - told if metric in (*LOWER_IS_BETTER, CHANGED) else told - value
        found.append({"column": column, "value": float(value), "worse": float(worse)})
    found.sort(key=lambda entry: (-entry["worse"], entry["column"]))
    pairs = zip(label.tolist(), before["prediction"].tolist(), strict=True) if task == "regression" else ()
    return {
        "metric": metric,
        "value": told,
        "rows": len(records),
        "importance": [entry for entry in found if math.isfinite(entry["worse"])],
        "answers": [[float(f"{number:.7g}") for number in pair] for pair in pairs if all(map(math.isfinite, pair))],
        "note": f"One permutation of {len(records):,} rows of the evaluated split; columns that say the same share "
        "their importance, so that each alone may seem to have little.",
    }


def _some(rows: Rows, most: int) -> list[bytes]:
    """Serialized tf.Examples of the rows whose numbers have the least hashes, in order."""
    kept: list[tuple[int, int, bytes]] = []
    for batch, numbers in rows.batches():
        drawn = draw(numbers)
        least = np.argsort(drawn, kind="stable")[:most]
        texts = batch.numpy()
        kept += [(int(drawn[place]), int(numbers[place]), texts[place]) for place in least]
        kept = sorted(kept)[:most]
    return [record for _, record in sorted((number, record) for _, number, record in kept)]


def _batches(records: Sequence[bytes], model: Model) -> list[Any]:
    return [tf.constant(records[at : at + model.batch]) for at in range(0, len(records), model.batch)] or [
        tf.constant([], tf.string)
    ]


def _answers(model: Model, records: Sequence[bytes]) -> dict[str, Array]:
    parts = [model.answer(batch) for batch in _batches(records, model)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _value(measure: Measure, task: str, label: Array, weight: Array, answer: Mapping[str, Array]) -> float:
    """The task's first metric of these rows; NaN where they do not tell."""
    ledger, none = Ledger(measure, 1), np.zeros(len(label), np.int64)
    ledger.add(none, none, weight if measure.weighted else np.ones(len(label)), *measure.rows(label, answer))
    return float(measure.values(ledger.sums(0))[next(iter(CLASS_NAMES[task]))])


def _changed(before: Mapping[str, Array], after: Mapping[str, Array]) -> float:
    """Share of rows whose answer is another one: a cluster, an alarm, the likeliest class."""
    for name in ("cluster", "anomaly"):
        if name in before:
            return float(np.mean(before[name] != after[name]))
    if "probabilities" in before:
        return float(np.mean(before["probabilities"].argmax(axis=1) != after["probabilities"].argmax(axis=1)))
    return float(np.mean(before["prediction"] != after["prediction"]))


def _columns(model: Model, cells: Sequence[Mapping[str, bytes]]) -> list[str]:
    """The raw columns that the model takes."""
    named = {name for row in cells for name in row}
    if model.inputs is None:
        return sorted(named)
    # A name that is spelt like an earlier one as an input ends in underscores.
    taken = {name.rstrip("_") for name in model.inputs}
    return sorted(name for name in named if {spelt.rstrip("_") for spelt in input_names([name])} & taken)


def _cells(record: bytes) -> dict[str, bytes]:
    """Column -> a serialized tf.Example of that column alone; such messages one after the other are one with all."""
    found = {}
    for name, feature in tf.train.Example.FromString(record).features.feature.items():
        found[name] = tf.train.Example(features=tf.train.Features(feature={name: feature})).SerializeToString()
    return found


def _moved(cells: Sequence[Mapping[str, bytes]], column: str, order: Array) -> list[bytes]:
    """The rows with one column's cells as in other rows."""
    others = [b"".join(cell for name, cell in row.items() if name != column) for row in cells]
    return [rest + cells[place].get(column, b"") for rest, place in zip(others, order, strict=True)]
