"""Sample rows and predictions that are saved in a model, and the check of a copy against them.

The file assets.extra/sample.json of the SavedModel is ignored by TensorFlow and TF Serving. Its rows have only the
columns that the model reads: no label, no weight, no id.
"""

import base64
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2

from spec.artifacts import signature_names

SAMPLE = "assets.extra/sample.json"
ROWS = 8
TOLERANCE = 1e-3
"""Relative and absolute tolerance of predictions. TensorFlow optimizes a loaded graph in another way than a network in
memory, which changes the sixth digit; a damaged weight has a far larger effect."""

_BEGIN = "__saved_model_init_op"
_UNOPTIMIZED = tf.compat.v1.ConfigProto()
_UNOPTIMIZED.graph_options.rewrite_options.disable_meta_optimizer = True

Answer = Callable[[Sequence[bytes]], Mapping[str, Any]]


def write(folder: str, answer: Answer, files: Sequence[str], columns: Iterable[str]) -> None:
    """Write the first rows of the data and their predictions to a SavedModel.

    Args:
        folder: Folder of the SavedModel.
        answer: Maps serialized tf.Examples to predictions by output name.
        files: Gzipped TFRecord files of tf.Examples, from whose start the rows are read.
        columns: Columns that the model reads.
    """
    records = tf.data.TFRecordDataset(list(files), compression_type="GZIP").take(ROWS).as_numpy_iterator()
    rows = [_reduced(record, set(columns)) for record in records]
    content = {
        "rows": [base64.b64encode(row).decode() for row in rows],
        "answers": {name: _plain(value) for name, value in answer(rows).items()},
    }
    tf.io.gfile.makedirs(os.path.join(folder, os.path.dirname(SAMPLE)))
    with tf.io.gfile.GFile(os.path.join(folder, SAMPLE), "w") as file:
        file.write(json.dumps(content))


def ask(folder: str) -> int:
    """Load a model, predict its sample rows, and compare the predictions with those of the export.

    Args:
        folder: Folder of the SavedModel.

    Returns:
        Number of compared rows; 0 if the model has no sample rows, such as a model of another tool.

    Raises:
        ValueError: the model cannot be loaded, or its predictions differ from those of the export.
    """
    sample = os.path.join(folder, SAMPLE)
    try:
        with tf.Graph().as_default(), tf.compat.v1.Session(config=_UNOPTIMIZED) as session:
            signatures = _load(session, folder)
            if not tf.io.gfile.exists(sample):
                return 0
            with tf.io.gfile.GFile(sample) as file:
                recorded = json.load(file)
            rows = [base64.b64decode(row) for row in recorded["rows"]]
            fetches = {name: output.name for name, output in signatures[signature_names.EXAMPLES].outputs.items()}
            predictions = session.run(fetches, {signatures[signature_names.EXAMPLES].inputs["examples"].name: rows})
    except (tf.errors.OpError, DecodeError, OSError, LookupError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"it cannot be loaded and asked: {_reason(error)}") from error
    if set(predictions) != set(recorded["answers"]):
        raise ValueError(
            f"it answers with {', '.join(sorted(predictions))}, not with {', '.join(sorted(recorded['answers']))}"
        )
    for name, value in sorted(predictions.items()):
        _compare(name, np.asarray(recorded["answers"][name]), np.asarray(_plain(value)))
    return len(rows)


def _load(session: Any, folder: str) -> Any:
    """Load graph, variables and assets as TF Serving does, without graph optimization; return the SignatureDefs.

    For eight rows, the optimization takes longer than loading and running the graph.
    """
    saved = saved_model_pb2.SavedModel()
    with tf.io.gfile.GFile(os.path.join(folder, "saved_model.pb"), "rb") as file:
        saved.ParseFromString(file.read())
    [graph] = [graph for graph in saved.meta_graphs if tf.saved_model.SERVING in graph.meta_info_def.tags]
    functions = (node for function in graph.graph_def.library.function for node in function.node_def)
    for node in (*graph.graph_def.node, *functions):
        if "config_proto" in node.attr:
            node.attr["config_proto"].s = _UNOPTIMIZED.SerializeToString()
    tf.compat.v1.train.import_meta_graph(graph)
    variables = os.path.join(folder, "variables", "variables")
    session.run(graph.saver_def.restore_op_name, {graph.saver_def.filename_tensor_name: variables})
    assets = {asset.tensor_info.name: os.path.join(folder, "assets", asset.filename) for asset in graph.asset_file_def}
    session.run(graph.signature_def[_BEGIN].outputs[_BEGIN].name, assets)
    return graph.signature_def


def _reason(error: Exception) -> str:
    """Return the line of TensorFlow's message that states the cause."""
    lines = [line.strip() for line in str(error).splitlines()]
    reasons = [
        line for line in lines if line and line != "Graph execution error:" and not line.startswith("Detected at")
    ]
    return (reasons or [type(error).__name__])[0][:200]


def _compare(name: str, recorded: np.ndarray[Any, Any], computed: np.ndarray[Any, Any]) -> None:
    if recorded.shape != computed.shape:
        raise ValueError(f"its {name} has shape {computed.shape}, and had {recorded.shape} when it was exported")
    if recorded.dtype.kind == "f" and computed.dtype.kind in "fi":
        is_equal = np.isclose(recorded, computed, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
    else:
        is_equal = np.asarray(recorded == computed)
    if not is_equal.all():
        place = tuple(int(index) for index in np.argwhere(~is_equal)[0])
        raise ValueError(
            f"its {name} of sample row {place[0] + 1} is {computed[place]}, and was {recorded[place]} when it was "
            "exported"
        )


def _plain(value: Any) -> Any:
    """Convert a tensor to lists for JSON; numbers keep their type, bytes are decoded as UTF-8."""
    array = np.asarray(value)
    if array.dtype.kind in "OS":
        return np.vectorize(lambda text: bytes(text).decode(errors="replace"), otypes=[object])(array).tolist()
    return array.tolist()


def _reduced(record: bytes, columns: set[str]) -> bytes:
    example = tf.train.Example.FromString(record)
    for name in set(example.features.feature) - columns:
        del example.features.feature[name]
    return bytes(example.SerializeToString(deterministic=True))
