"""Reads transformed examples, trains the network on them and exports a SavedModel."""

import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from models.data import transformed_records
from models.data.split_rows import Facts
from models.export import self_check
from models.export.signatures import Served, TransformGraph
from models.roles import Features
from models.training import callbacks
from models.training.fit import Learnt, learn
from models.transform_graph import user_preprocessing
from models.warm_start import architecture, carry_over, feature_meanings
from spec import settings, tuning
from spec.cells.cleaning import Cleaning
from spec.columns.duties import Duties
from spec.columns.label import Label
from spec.file_names import HISTORY, NETWORK, OUTCOME
from spec.training import Training

__all__ = ["Facts", "Learnt", "learn", "run_fn"]

MEMORY_SHARE = 0.25
"""Share of training.memory_gb up to which a split is held in memory."""
BOARD = "tensorboard"
"""Folder of TensorBoard's event files."""
SAMPLE = "sample.npz"
"""Model features of a few eval rows and the network's own answers to them, to compare any copy of the model with."""
SAMPLE_ROWS = 64
ANSWER = "answer:"
"""Prefix of the answers' names in the sample."""
WEIGHTS = "assets.extra/weights.npz"
"""In the SavedModel's folder, where other tools leave it alone: the network's weights by path, for a warm start."""
MEANING = "assets.extra/weights.json"
"""Beside them: what they stand for, as models/warm_start/carry_over.py needs it."""
MEASURED_ROWS = 512
"""Rows of the eval split that scales are measured on."""


def run_fn(fn_args: Any) -> None:
    """Train and export; TFX's Trainer calls it by this name.

    Args:
        fn_args: TFX's FnArgs: train_files, eval_files (paths), transform_output, serving_model_dir, model_run_dir,
            base_model (folder of the model to start from, or None), hyperparameters (the tuner's best values in
            keras-tuner's JSON form, or None), and custom_config with packed settings `features`, `label`, `columns`,
            `network`, `training`, maybe `cleaning` (keys of [data] that clean cells), and maybe `rows` (how many each
            file must hold) and `raw_files`, of whose rows the model carries a few with its answers.

    Raises:
        ValueError: the loss became NaN or infinite, or a file holds other rows than it must.
    """
    config = settings.unpack(fn_args.custom_config["settings"])
    if getattr(fn_args, "hyperparameters", None):
        config = tuning.merge(config, tuning.best(fn_args.hyperparameters))
    label = Label.model_validate(config["label"])
    training = Training.model_validate(config["training"])
    transform = tft.TFTransformOutput(fn_args.transform_output)
    facts = Facts.read(transform, Features.model_validate(config["features"]), label)
    spec = transform.transformed_feature_spec()
    # Half of it is for the copy that TensorFlow makes of what is in memory.
    limit = training.memory_gb * 1e9 * MEMORY_SHARE / 2
    rows = fn_args.custom_config.get("rows")
    evaluation = transformed_records.read(fn_args.eval_files, spec, limit, rows)
    # An earlier try of the stage may have left lines where the platform gives the same folder again.
    _write(os.path.join(fn_args.model_run_dir, HISTORY), b"")
    raw_files = fn_args.custom_config.get("raw_files", ())
    graph, roles = TransformGraph(transform), Features.model_validate(config["features"])
    described = feature_meanings.describe(transform, graph, roles, facts.outputs, _rows(raw_files, MEASURED_ROWS))
    learnt = learn(
        config,
        transformed_records.read(fn_args.train_files, spec, limit, rows),
        evaluation,
        facts,
        history=os.path.join(fn_args.model_run_dir, HISTORY),
        tensorboard=os.path.join(fn_args.model_run_dir, BOARD),
        warm=_warm(fn_args, training, described),
    )
    learnt.network.summary(print_fn=print)
    _write(os.path.join(fn_args.model_run_dir, NETWORK), json.dumps(callbacks.sizes(learnt.network)).encode())
    _export(fn_args.serving_model_dir, learnt, transform, graph, config, raw_files)
    kept = {
        "features": described,
        "label": feature_meanings.of_label(label, learnt.target),
        "layers": architecture.describe(learnt.network),
    }
    _write(os.path.join(fn_args.serving_model_dir, MEANING), json.dumps(kept).encode())
    outcome = {"keep": training.keep, "epochs": len(learnt.history), "best": learnt.best, "notes": learnt.notes}
    _write(os.path.join(fn_args.model_run_dir, OUTCOME), json.dumps(outcome).encode())
    rows = {name: evaluation[name][:SAMPLE_ROWS] for name in learnt.network.input}
    sample = {name: column.reshape(-1, *learnt.network.input[name].shape[1:]) for name, column in rows.items()}
    answers = {f"{ANSWER}{name}": value.numpy() for name, value in learnt.target.answer(learnt.network(sample)).items()}
    _write(os.path.join(fn_args.model_run_dir, SAMPLE), _arrays({**rows, **answers}))


def _export(
    folder: str,
    learnt: Learnt,
    transform: Any,
    graph: TransformGraph,
    config: Mapping[str, Any],
    raw_files: Sequence[str] = (),
) -> None:
    roles, label = Features.model_validate(config["features"]), Label.model_validate(config["label"])
    duties = Duties.model_validate(config.get("columns", {}))
    spec = transform.raw_feature_spec()
    # Without roles the user's own function made the features, out of any column.
    columns = roles.columns() or user_preprocessing.raw_columns(spec, roles, label, duties)
    served = Served(
        network=learnt.network,
        transform=graph,
        answer=learnt.target.answer,
        raw_spec={name: feature for name, feature in spec.items() if name in columns},
        label=label,
        label_spec=spec[label.column] if label.column is not None else None,
        class_names=learnt.target.names,
        features=list(learnt.network.input),
        weight=duties.weight,
        weight_spec=spec[duties.weight] if duties.weight is not None else None,
        vectors=learnt.vectors if label.task == "clusters" else None,
        transformed_label=not roles.columns() and label.transform == "none",
        cleaning=Cleaning.of(config["cleaning"]) if config.get("cleaning") else None,
        uncleaned=[image.column for image in roles.of("image")],
    )
    signatures = served.signatures()
    tf.saved_model.save(served, folder, signatures=signatures)
    if raw_files:
        asked = signatures[self_check.SIGNATURE]
        self_check.write(folder, lambda rows: asked(examples=tf.constant(rows)), raw_files, columns)
    weights = {variable.path: variable.numpy() for variable in learnt.network.variables}
    _write(os.path.join(folder, WEIGHTS), _arrays(weights))


def _warm(fn_args: Any, training: Training, described: Mapping[str, Any]) -> carry_over.Warm | None:
    """The model to start from; None where none is asked for or there is none."""
    base = getattr(fn_args, "base_model", None) or ""
    weights, meaning = os.path.join(base, WEIGHTS), os.path.join(base, MEANING)
    if not training.warm_start or not tf.io.gfile.exists(weights):
        return None
    with tf.io.gfile.GFile(weights, "rb") as file, np.load(io.BytesIO(file.read())) as arrays:
        found = dict(arrays)
    kept = None
    if tf.io.gfile.exists(meaning):
        with tf.io.gfile.GFile(meaning) as file:
            kept = json.load(file)
    return carry_over.Warm(found, kept, described)


def _rows(patterns: Sequence[str], count: int) -> list[bytes]:
    """The first rows of files of tf.Examples, serialized."""
    paths = sorted(path for pattern in patterns for path in tf.io.gfile.glob(pattern))
    return list(tf.data.TFRecordDataset(paths, compression_type="GZIP").take(count).as_numpy_iterator())


def _arrays(arrays: Mapping[str, np.ndarray[Any, Any]]) -> bytes:
    """An .npz file; `np.savez` takes the names as arguments, among which it has its own."""
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
