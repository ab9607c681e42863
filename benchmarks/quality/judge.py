"""Errors of the model of one run and of boosted trees on the same splits.

    python -m benchmarks.quality.judge PROJECT NAME ROOT FOLDER TREES_PYTHON

It writes the run's rows for `boosted_trees`, starts it, and writes the errors of all models, and the cost of ours, to
judged.json.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import pyarrow as pa

from benchmarks.quality.boosted_trees import TREES
from benchmarks.workloads import REPOSITORY
from components import example_passes
from components.plain_models import encoding, label_targets, raw_rows
from models.data import arrow
from pipeline.load import load, schema_columns
from spec.columns.label import Label

OURS = "ours"
MANY = 4_096
"""Rows of the large batch whose time is measured."""
REPEATS = 30
"""Calls of which the fastest counts: other work on the machine only makes one slower."""
MIN_PROBABILITY = 1e-7

Array = np.ndarray[Any, Any]


def main(project: str, name: str, root: str, folder: Path, python: str) -> None:
    """Judge one run."""
    config, columns = load(project, name), schema_columns(project, name)
    label = config.label
    artifacts = Path(root) / name / "artifacts"
    (examples,) = artifacts.glob("ingestion/examples/*")
    (model,) = artifacts.glob("trainer/model/*/Format-Serving")
    tables = {split: _rows(str(examples), split, columns, folder) for split in ("train", "eval", "test")}
    target, names = _target(tables, label)
    _write_rows(folder / "rows.npz", tables, columns, target, config, label)
    served, cost = _ours(str(model), str(examples), names, label)
    answers = {OURS: served}
    subprocess.run([python, "-m", "benchmarks.quality.boosted_trees", str(folder)], cwd=REPOSITORY, check=True)
    _, inverse = label_targets.TRANSFORMS[label.transform]
    for tree in TREES:
        answer = np.load(folder / f"{tree}.npy")
        answers[tree] = inverse(answer) if label.kind == "regression" else answer
    truth = inverse(target["test"]) if label.kind == "regression" else target["test"]
    judged = {
        "metric": metric(label.kind),
        "rows": {split: len(target[split]) for split in target},
        "errors": {of: error(label.kind, truth, answer) for of, answer in answers.items()},
        "tree_seconds": json.loads((folder / "trees.json").read_text()),
        **cost,
    }
    (folder / "judged.json").write_text(json.dumps(judged, indent=1))


def metric(kind: str) -> str:
    """Return the error that is measured for a task."""
    return {"regression": "RMSE", "binary": "1 - AUC"}.get(kind, "log loss")


def error(kind: str, truth: Array, answer: Array) -> float:
    """Return the error of predictions, of which less is better.

    Args:
        kind: regression, binary or classes.
        truth: Labels, (rows,): numbers, or indices of classes.
        answer: Numbers, (rows,), or probabilities, (rows, classes).
    """
    from sklearn.metrics import roc_auc_score

    if kind == "regression":
        return float(np.sqrt(np.mean((truth - answer) ** 2)))
    if kind == "binary":
        return float(1 - roc_auc_score(truth, answer[:, 1]))
    chosen = answer[np.arange(len(truth)), truth] / answer.sum(axis=1)
    return float(-np.log(np.clip(chosen, MIN_PROBABILITY, 1)).mean())


def _rows(examples: str, split: str, columns: dict[str, str], folder: Path) -> pa.Table:
    path = str(folder / f"{split}.arrow")
    raw_rows.write(path, example_passes.files(_Uri(examples), split), columns)
    with pa.OSFile(path) as file, arrow.stream_reader(file) as stream:
        return stream.read_all()


class _Uri:
    """An Examples artifact by its folder."""

    def __init__(self, uri: str) -> None:
        self.uri = uri


def _target(tables: dict[str, pa.Table], label: Label) -> tuple[dict[str, Array], list[str]]:
    column = str(label.column)
    if label.kind == "regression":
        return {split: label_targets.number(table.column(column), label) for split, table in tables.items()}, []
    cells = pa.concat_tables([tables[split] for split in tables]).column(column)
    index, names = label_targets.classes(cells, label)
    ends = np.cumsum([len(table) for table in tables.values()])
    return dict(zip(tables, np.split(index, ends[:-1]), strict=True)), names


def _write_rows(
    path: Path,
    tables: dict[str, pa.Table],
    columns: dict[str, str],
    target: dict[str, Array],
    config: Any,
    label: Label,
) -> None:
    """Write all columns as trees read them: numbers, dates as days, and other texts as categories."""
    dates = {column for role, entry in config.features.entries() if role == "date" for column in entry.columns()}
    kinds = {
        name: "date" if name in dates else "category" if kind == "BYTES" else "number"
        for name, kind in columns.items()
        if name != label.column
    }
    train, test, categories = encoding.for_trees(encoding.columns(tables["train"], tables["test"], kinds))
    np.savez(
        path,
        train=train,
        test=test,
        categories=np.array(categories),
        target=target["train"],
        is_number=label.kind == "regression",
    )


def _ours(model: str, examples: str, names: list[str], label: Label) -> tuple[Array, dict[str, float]]:
    """Return the model's predictions of the test rows, with its size and latency."""
    import tensorflow as tf

    loaded = tf.saved_model.load(model)
    predict = loaded.signatures["serving_examples"]
    key = next(iter(predict.structured_input_signature[1]))
    files = [shard.path for shard in raw_rows.ordered(example_passes.files(_Uri(examples), "test"))]
    records = np.array(list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator()), object)
    answers = [predict(**{key: tf.constant(records[at : at + MANY])}) for at in range(0, len(records), MANY)]
    if label.kind == "regression":
        answer = np.concatenate([part["prediction"].numpy() for part in answers])
    else:
        answer = np.concatenate([part["probabilities"].numpy() for part in answers])
        classes = loaded.signatures["class_names"]()
        model_classes = [text.decode() for text in next(iter(classes.values())).numpy().ravel()]
        answer = answer[:, [model_classes.index(name) for name in names]]
    batch = np.resize(records, MANY)
    return answer, {
        "bytes": float(sum(file.stat().st_size for file in Path(model).rglob("*") if file.is_file())),
        "one_row": _micros(predict, key, records[:1]),
        "many_rows": _micros(predict, key, batch) / MANY,
    }


def _micros(predict: Any, key: str, records: Array) -> float:
    """Return microseconds of processor time of a call."""
    import tensorflow as tf

    batch, times = tf.constant(records), []
    for _ in range(REPEATS):
        started = time.process_time()
        predict(**{key: batch})
        times.append(time.process_time() - started)
    return 1e6 * min(times)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]), sys.argv[5])
