"""Warm-up requests of a SavedModel, because the first requests to a loaded graph are slower than later ones.

TensorFlow Serving and our own server run the requests of assets.extra/tf_serving_warmup_requests, a TFRecord file of
PredictionLogs, before a version serves. Source: the page "SavedModel Warmup" of TensorFlow Serving.
"""

import base64
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from models.export.signatures import input_names
from spec.artifacts import signature_names
from spec.cells import null_cells
from spec.file_names import WARM_UP

_BATCHES = (1, 8)
"""Numbers of rows: a single row, and a small batch, for which operations use other code."""


def write(
    folder: str, signatures: Mapping[str, Any], rows: Sequence[bytes], columns: Iterable[str], texts: Mapping[str, Any]
) -> int:
    """Write warm-up requests for each signature that serves.

    Args:
        folder: Folder of the SavedModel.
        signatures: Signature name -> concrete function.
        rows: Serialized tf.Examples.
        columns: Columns that the model reads, in the order of the signatures' inputs.
        texts: Row for `serving_rows` as JSON: input name -> text, or `{"b64": ...}`.

    Returns:
        Number of written requests.
    """
    tf.io.gfile.makedirs(os.path.dirname(os.path.join(folder, WARM_UP)))
    examples = [tf.train.Example.FromString(row) for row in rows]
    names = input_names(columns)
    count = 0
    with tf.io.TFRecordWriter(os.path.join(folder, WARM_UP)) as writer:
        for signature in (signature_names.DEFAULT, signature_names.ROWS, signature_names.EXAMPLES):
            if signature not in signatures:
                continue
            # Arguments keep the names of the inputs; TensorFlow lowers those of the tensors.
            [by_position, by_name] = signatures[signature].structured_input_signature
            specs = {**{spec.name: spec for spec in by_position}, **by_name}
            for size in sorted({min(size, len(rows)) for size in _BATCHES} - {0}):
                if signature == signature_names.EXAMPLES:
                    inputs = {name: np.array(rows[:size], object) for name in specs}
                elif signature == signature_names.ROWS:
                    inputs = {name: np.array([_bytes(texts[name])] * size, object) for name in specs}
                else:
                    inputs = {name: _cells(examples[:size], names[name], spec.dtype) for name, spec in specs.items()}
                writer.write(_log(signature, inputs).SerializeToString(deterministic=True))
                count += 1
    return count


def _log(signature: str, inputs: Mapping[str, np.ndarray[Any, Any]]) -> Any:
    log = prediction_log_pb2.PredictionLog()
    request = log.predict_log.request
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return log


def _bytes(value: Any) -> bytes:
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else str(value).encode()


def _cells(examples: Sequence[Any], column: str, dtype: tf.DType) -> np.ndarray[Any, Any]:
    """Return a column of tf.Examples as an array of (batch,), nulls as in `spec.cells.null_cells`."""
    values = []
    for example in examples:
        feature = example.features.feature[column]
        cells = list(getattr(feature, feature.WhichOneof("kind") or "bytes_list").value)
        value = cells[0] if cells else null_cells.BY_DTYPE[dtype.name]
        values.append(value)
    return np.array(values, object if dtype == tf.string else dtype.as_numpy_dtype)
