"""The trainer: reads transformed examples, trains the network and exports a SavedModel."""

import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from models import network_files
from models.data import transformed_records
from models.data.split_rows import Facts, label_of, rows_of
from models.export import background_rows, request_guide, self_check, warm_up_requests
from models.export.signatures import Served, input_names
from models.training import calibration, callbacks
from models.training.fit import TrainResult, train_network
from models.training.training_config import TrainerConfig
from models.transform_graph import user_preprocessing
from models.transform_graph.loaded_graph import TransformGraph
from models.warm_start import architecture, carry_over, feature_meanings
from spec import settings, tuning
from spec.artifacts import signature_names
from spec.cells.cleaning import Cleaning
from spec.file_names import HISTORY, NETWORK, OUTCOME, REQUESTS
from spec.training import Training

__all__ = ["Facts", "TrainResult", "run_fn", "train_network"]

MEMORY_SHARE = 0.25
"""Share of training.memory_gb up to which a split is held in memory."""
BOARD = "tensorboard"
"""Folder of TensorBoard's event files."""
SAMPLE = "sample.npz"
"""Model features and predictions of a few eval rows, to compare copies of the model with."""
SAMPLE_ROWS = 64
ANSWER = "answer:"
"""Prefix of the names of predictions in the sample."""
WEIGHTS = "assets.extra/weights.npz"
"""In the folder of the SavedModel, where other tools ignore it: the network's weights by path, for a warm start."""
MEANING = "assets.extra/weights.json"
"""Next to them: their meaning, which models/warm_start/carry_over.py reads."""
MEASURED_ROWS = 512
"""Rows of the eval split on which scales are measured."""


def run_fn(fn_args: Any) -> None:
    """Train and export; TFX's Trainer calls it by this name.

    Args:
        fn_args: TFX's FnArgs: train_files, eval_files (paths), transform_output, serving_model_dir, model_run_dir,
            base_model (folder of the model to start from, or None), hyperparameters (the tuner's best values in
            keras-tuner's JSON form, or None), and custom_config with packed settings `features`, `label`, `columns`,
            `network`, `training` and optionally `cleaning` (keys of [data] that clean cells); optionally `rows` (number
            of rows of each file), `raw_files`, a few of whose rows are stored in the model with its predictions, and
            `raw_train_files`, a few of whose rows are stored to explain predictions.

    Raises:
        ValueError: The loss became NaN or infinite, or a file has another number of rows than declared.
    """
    sections = settings.unpack(fn_args.custom_config["settings"])
    if getattr(fn_args, "hyperparameters", None):
        sections = tuning.merge(sections, tuning.best(fn_args.hyperparameters))
    config = TrainerConfig.model_validate(sections)
    transform = tft.TFTransformOutput(fn_args.transform_output)
    graph = TransformGraph(transform)
    reads_edges = network_files.reads_edges(config.network_name)
    facts = Facts.read(transform, config.features, config.label, graph.constant if reads_edges else None)
    spec = transform.transformed_feature_spec()
    # Half of it is for TensorFlow's copy of the columns.
    limit = config.training.memory_gb * 1e9 * MEMORY_SHARE / 2
    rows = fn_args.custom_config.get("rows")
    evaluation = transformed_records.read(fn_args.eval_files, spec, limit, rows)
    calibration.check(config.training, len(label_of(evaluation)))
    # A previous attempt may have left lines in the same folder.
    _write(os.path.join(fn_args.model_run_dir, HISTORY), b"")
    raw_files = fn_args.custom_config.get("raw_files", ())
    measured = _rows(raw_files, MEASURED_ROWS)
    described = feature_meanings.describe(transform, graph, config.features, facts.outputs, measured)
    result = train_network(
        config,
        transformed_records.read(fn_args.train_files, spec, limit, rows),
        evaluation,
        facts,
        history=os.path.join(fn_args.model_run_dir, HISTORY),
        tensorboard=os.path.join(fn_args.model_run_dir, BOARD),
        warm=_warm(fn_args, config.training, described),
    )
    predictor = calibration.fit(
        result,
        config.training,
        lambda: rows_of(evaluation, result.target, facts, config.label, result.network.input),
    )
    result.network.summary(print_fn=print)
    _write(os.path.join(fn_args.model_run_dir, NETWORK), json.dumps(callbacks.sizes(result.network)).encode())
    train_rows = fn_args.custom_config.get("raw_train_files", ())
    _export(fn_args.serving_model_dir, result, predictor, transform, graph, config, raw_files, train_rows)
    meaning = {
        "features": described,
        "label": feature_meanings.of_label(config.label, result.target),
        "layers": architecture.describe(result.network),
    }
    _write(os.path.join(fn_args.serving_model_dir, MEANING), json.dumps(meaning).encode())
    notes = (*result.notes, *predictor.notes)
    outcome = {"keep": config.training.keep, "epochs": len(result.history), "best": result.best, "notes": notes}
    _write(os.path.join(fn_args.model_run_dir, OUTCOME), json.dumps(outcome).encode())
    rows = {name: evaluation[name][:SAMPLE_ROWS] for name in result.network.input}
    sample = {name: column.reshape(-1, *result.network.input[name].shape[1:]) for name, column in rows.items()}
    predictions = {
        f"{ANSWER}{name}": value.numpy() for name, value in predictor.target.answer(predictor.network(sample)).items()
    }
    _write(os.path.join(fn_args.model_run_dir, SAMPLE), _arrays({**rows, **predictions}))


def _export(
    folder: str,
    result: TrainResult,
    predictor: calibration.Predictor,
    transform: Any,
    graph: TransformGraph,
    config: TrainerConfig,
    raw_files: Sequence[str] = (),
    raw_train_files: Sequence[str] = (),
) -> None:
    """Write the SavedModel, its sample rows, the rows that explain it and its weights."""
    roles, label, duties = config.features, config.label, config.columns
    spec = transform.raw_feature_spec()
    # Without roles a user-defined function made the features, from any column.
    columns = roles.columns() or user_preprocessing.raw_columns(spec, roles, label, duties)
    raw_spec = {name: feature for name, feature in spec.items() if name in columns}
    cleaning = Cleaning.of(config.cleaning) if config.cleaning else None
    images = [image.column for image in roles.of("image")]
    served = Served(
        network=predictor.network,
        transform=graph,
        answer=predictor.target.answer,
        raw_spec=raw_spec,
        label=label,
        label_spec=spec[label.column] if label.column is not None else None,
        class_names=result.target.names,
        features=list(result.network.input),
        weight=duties.weight,
        weight_spec=spec[duties.weight] if duties.weight is not None else None,
        vectors=result.vectors if label.kind == "clusters" else None,
        temperature=getattr(predictor.target, "temperature", None),
        transformed_label=not roles.columns() and label.transform == "none",
        cleaning=cleaning,
        uncleaned=images,
    )
    signatures = served.signatures()
    tf.saved_model.save(served, folder, signatures=signatures)
    if raw_files:
        predict = signatures[signature_names.EXAMPLES]
        self_check.write(folder, lambda rows: predict(examples=tf.constant(rows)), raw_files, columns)
    rows = _rows(raw_files, self_check.ROWS) if raw_files else []
    guide = request_guide.describe(input_names(raw_spec), raw_spec, next(iter(rows), None), cleaning, images)
    _write(os.path.join(folder, REQUESTS), json.dumps(guide, ensure_ascii=False).encode())
    if rows:
        [texts] = guide["samples"][signature_names.ROWS]["instances"]
        warm_up_requests.write(folder, signatures, rows, raw_spec, texts)
    if raw_train_files:
        background_rows.write(folder, input_names(raw_spec), raw_spec, raw_train_files, images)
    weights = {variable.path: variable.numpy() for variable in result.network.variables}
    _write(os.path.join(folder, WEIGHTS), _arrays(weights))


def _warm(fn_args: Any, training: Training, described: Mapping[str, Any]) -> carry_over.Warm | None:
    """Read the model to start from; None if there is none, or no warm start is configured."""
    base = getattr(fn_args, "base_model", None) or ""
    weights, meaning = os.path.join(base, WEIGHTS), os.path.join(base, MEANING)
    if not training.warm_start or not tf.io.gfile.exists(weights):
        return None
    with tf.io.gfile.GFile(weights, "rb") as file, np.load(io.BytesIO(file.read())) as arrays:
        weights_by_path = dict(arrays)
    previous = None
    if tf.io.gfile.exists(meaning):
        with tf.io.gfile.GFile(meaning) as file:
            previous = json.load(file)
    return carry_over.Warm(weights_by_path, previous, described)


def _rows(patterns: Sequence[str], count: int) -> list[bytes]:
    """Read the first rows of files of tf.Examples, serialized."""
    paths = sorted(path for pattern in patterns for path in tf.io.gfile.glob(pattern))
    return list(tf.data.TFRecordDataset(paths, compression_type="GZIP").take(count).as_numpy_iterator())


def _arrays(arrays: Mapping[str, np.ndarray[Any, Any]]) -> bytes:
    """Return the content of an .npz file; `np.savez` has parameters that could clash with the names."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.save(file, array)
    return content.getvalue()


def _write(path: str, content: bytes) -> None:
    tf.io.gfile.makedirs(os.path.dirname(path))
    with tf.io.gfile.GFile(path, "wb") as file:
        file.write(content)
