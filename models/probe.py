"""A few rows that a model carries with its own answers to them, so that any copy of it can be asked and compared.

They are in assets.extra/sample.json of the SavedModel, which TensorFlow and TF Serving leave alone. Of each row
only the columns are kept that the model reads: no label, no weight, no name of a row.
"""

import base64
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

SAMPLE = "assets.extra/sample.json"
ROWS = 8
TOLERANCE = 1e-3
"""Largest difference between two answers, as a share of the larger, and for answers near 0 itself. A loaded graph is
optimized otherwise than a network in memory, which moves a price's sixth digit; a damaged weight moves far more."""
SIGNATURE = "serving_examples"

Answer = Callable[[Sequence[bytes]], Mapping[str, Any]]


def write(folder: str, answer: Answer, files: Iterable[str], columns: Iterable[str]) -> None:
    """Keep the first rows and what the model answers.

    Args:
        folder: The SavedModel's.
        answer: Serialized tf.Examples to answers by name.
        files: Gzipped TFRecord files of tf.Examples, or patterns of them; the first rows of the first file are taken.
        columns: What the model reads.
    """
    paths = sorted(path for pattern in files for path in tf.io.gfile.glob(pattern))
    records = tf.data.TFRecordDataset(paths, compression_type="GZIP").take(ROWS).as_numpy_iterator()
    rows = [_reduced(record, set(columns)) for record in records]
    content = {
        "rows": [base64.b64encode(row).decode() for row in rows],
        "answers": {name: _plain(value) for name, value in answer(rows).items()},
    }
    tf.io.gfile.makedirs(os.path.join(folder, os.path.dirname(SAMPLE)))
    with tf.io.gfile.GFile(os.path.join(folder, SAMPLE), "w") as file:
        file.write(json.dumps(content))


def ask(folder: str) -> int:
    """Load a model, ask it for the rows that it carries, and compare.

    Args:
        folder: A SavedModel's.

    Returns:
        How many rows were asked; 0 where the model carries none, as one that another tool made.

    Raises:
        ValueError: it cannot be loaded, or answers otherwise than when it was exported.
    """
    try:
        # The graph alone, as TF Serving loads it: no Python objects are made for its thousand operations.
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            loaded = tf.compat.v1.saved_model.load(session, [tf.saved_model.SERVING], folder)
            if not tf.io.gfile.exists(os.path.join(folder, SAMPLE)):
                return 0
            with tf.io.gfile.GFile(os.path.join(folder, SAMPLE)) as file:
                told = json.load(file)
            signature = loaded.signature_def[SIGNATURE]
            rows = [base64.b64decode(row) for row in told["rows"]]
            wanted = {name: output.name for name, output in signature.outputs.items()}
            found = session.run(wanted, {signature.inputs["examples"].name: rows})
    except (tf.errors.OpError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"it cannot be loaded and asked: {_reason(error)}") from error
    if set(found) != set(told["answers"]):
        raise ValueError(f"it answers with {', '.join(sorted(found))}, not with {', '.join(sorted(told['answers']))}")
    for name, value in sorted(found.items()):
        _compare(name, np.asarray(told["answers"][name]), np.asarray(_plain(value)))
    return len(rows)


def _reason(error: Exception) -> str:
    """The line of TensorFlow's text that says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines()]
    told = [line for line in lines if line and line != "Graph execution error:" and not line.startswith("Detected at")]
    return (told or [type(error).__name__])[0][:200]


def _compare(name: str, before: np.ndarray[Any, Any], after: np.ndarray[Any, Any]) -> None:
    if before.shape != after.shape:
        raise ValueError(f"its {name} has shape {after.shape}, and had {before.shape} when it was exported")
    if before.dtype.kind == "f" and after.dtype.kind in "fi":
        same = np.isclose(before, after, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
    else:
        same = np.asarray(before == after)
    if not same.all():
        place = tuple(int(index) for index in np.argwhere(~same)[0])
        raise ValueError(
            f"its {name} of sample row {place[0] + 1} is {after[place]}, and was {before[place]} when it was exported"
        )


def _plain(value: Any) -> Any:
    """A tensor as JSON-able lists; numbers keep their kind, texts are read as UTF-8."""
    array = np.asarray(value)
    if array.dtype.kind in "OS":
        return np.vectorize(lambda text: bytes(text).decode(errors="replace"), otypes=[object])(array).tolist()
    return array.tolist()


def _reduced(record: bytes, columns: set[str]) -> bytes:
    example = tf.train.Example.FromString(record)
    for name in set(example.features.feature) - columns:
        del example.features.feature[name]
    return bytes(example.SerializeToString(deterministic=True))
