"""Trains the network on transformed examples and exports a SavedModel."""

import importlib
import json
import os
import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from models import features, records, settings, targets
from models.label import LABEL, Label
from models.recipe import Optimizer, Training
from models.roles import Features
from models.signatures import Served

HISTORY = "history.jsonl"
SAMPLE = "sample.npz"
"""Model features of a few eval rows and the network's own answers to them, to compare any copy of the model with."""
SAMPLE_ROWS = 64
ANSWER = "answer:"
"""Prefix of the answers' names in the sample."""


def run_fn(fn_args: Any) -> None:
    """Train and export; TFX's Trainer calls it by this name.

    Args:
        fn_args: TFX's FnArgs: train_files, eval_files, transform_output, serving_model_dir, model_run_dir, and
            custom_config with packed settings `features`, `label`, `network`, `training`.

    Raises:
        ValueError: the loss became NaN or infinite.
    """
    config = settings.unpack(fn_args.custom_config["settings"])
    training = Training.model_validate(config["training"])
    label = Label.model_validate(config["label"])
    roles = Features.model_validate(config["features"])
    keras.utils.set_random_seed(training.seed)
    transform = tft.TFTransformOutput(fn_args.transform_output)
    spec = transform.transformed_feature_spec()
    train = records.read(fn_args.train_files, spec)
    evaluation = records.read(fn_args.eval_files, spec)
    train_label, eval_label = _pop_label(train), _pop_label(evaluation)
    goal = targets.target(label, train_label, transform)
    depths = [
        (output.name, transform.num_buckets_for_transformed_feature(output.name) if output.depth == 0 else output.depth)
        for output in roles.outputs()
    ]
    network = build(depths, config["network"], goal.units)
    steps = -(-len(train_label) // training.batch_size) * training.epochs
    network.compile(optimizer=_optimizer(training.optimizer, steps), loss=goal.loss, metrics=goal.metrics)
    network.summary(print_fn=print)
    os.makedirs(fn_args.model_run_dir, exist_ok=True)
    network.fit(
        records.batches(train, goal.scale(train_label), size=training.batch_size, seed=training.seed),
        validation_data=records.batches(evaluation, goal.scale(eval_label), size=records.READ_BATCH, seed=None),
        epochs=training.epochs,
        callbacks=_callbacks(training, os.path.join(fn_args.model_run_dir, HISTORY)),
        verbose=2,
    )
    spec = transform.raw_feature_spec()
    raw_spec = {name: feature for name, feature in spec.items() if name in roles.columns()}
    served = Served(
        network=network,
        transform=transform.transform_features_layer(),
        answer=goal.answer,
        raw_spec=raw_spec,
        label=label,
        label_spec=spec[label.column],
        class_names=goal.names,
        features=[name for name, _ in depths],
    )
    tf.saved_model.save(served, fn_args.serving_model_dir, signatures=served.signatures())
    sample = {name: column[:SAMPLE_ROWS] for name, column in evaluation.items()}
    answers = {f"{ANSWER}{name}": value.numpy() for name, value in goal.answer(network(sample)).items()}
    np.savez(os.path.join(fn_args.model_run_dir, SAMPLE), **sample, **answers)


def _pop_label(columns: dict[str, np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    """Take the label out of the columns, and out of all of them the rows whose label is no class."""
    label = columns.pop(LABEL)
    if np.issubdtype(label.dtype, np.integer):
        known = (label >= 0)[:, 0]
        for name in columns:
            columns[name] = columns[name][known]
        label = label[known]
    return label


def build(depths: list[tuple[str, int | None]], network: dict[str, Any], units: int = 1) -> Any:
    """Make the Keras model named by the settings.

    Args:
        depths: Feature name and depth, in order.
        network: `name`, a file in models/networks, and that file's own keys.
        units: Number of outputs.

    Returns:
        Model from features by name to float32 (batch, units).
    """
    module = importlib.import_module(f"models.networks.{network['name']}")
    own = module.Settings.model_validate({key: value for key, value in network.items() if key != "name"})
    inputs = features.inputs(depths)
    vector = features.Concatenate(depths, name="features")(inputs)
    outputs = keras.layers.Dense(units, name="head")(module.build(vector, own))
    return keras.Model(inputs, outputs, name=network["name"])


def _optimizer(optimizer: Optimizer, steps: int) -> Any:
    rate: Any = optimizer.rate
    if optimizer.decay == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(optimizer.rate, steps)
    return keras.optimizers.get({"class_name": optimizer.name, "config": {"learning_rate": rate}})


def _callbacks(training: Training, history: str) -> list[Any]:
    callbacks: list[Any] = [_Finite(), _History(history)]
    patience = training.early_stopping.patience if training.early_stopping else training.epochs
    callbacks.append(keras.callbacks.EarlyStopping(monitor="val_loss", patience=patience, restore_best_weights=True))
    return callbacks


class _Finite(keras.callbacks.Callback):  # type: ignore[misc]
    """Stops a run whose loss is no number: its weights can only get worse."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        for name, value in (logs or {}).items():
            if not np.isfinite(value):
                raise ValueError(
                    f"training: {name} became {value} in epoch {epoch + 1}; a learning rate that is too high is the "
                    "likely cause: lower training.optimizer.rate"
                )


class _History(keras.callbacks.Callback):  # type: ignore[misc]
    """One JSON line an epoch, written as it ends."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        self._started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        line = {"epoch": epoch + 1, "seconds": round(time.monotonic() - self._started, 3)}
        line.update({name: float(value) for name, value in (logs or {}).items()})
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
