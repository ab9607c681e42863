"""Training of one network: once by the trainer, and once per trial by the tuner."""

import functools
import importlib
import traceback
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from models import network_files
from models.data import transformed_records
from models.data.split_rows import Array, Columns, Facts, Rows, label_of, mean_1, rows_of, weights_of_classes
from models.layers import feature_inputs
from models.tasks import losses, targets
from models.training import callbacks as watching
from models.training import member_pruning, optimizers, step_variables
from models.training.training_config import TrialConfig
from models.warm_start import carry_over, feature_meanings
from spec.columns.label import Label
from spec.columns.role import Output
from spec.training import Training

EVAL_IMAGES = 256
"""Batch size of the eval split with images: the first convolution's maps of 8,192 rows would take 700 MB."""
STEPS_AT_ONCE = 16
"""Steps per call of the training function; measured on 17,000 rows, an epoch takes 0.14 s instead of 0.35 s."""


@dataclass(frozen=True)
class TrainResult:
    """A trained network.

    Attributes:
        network: Keras model from model features by name to outputs.
        target: Meaning of the outputs.
        history: One line per epoch: `epoch` from 1, `loss`, `val_loss` and the other metrics.
        best: The line of the epoch whose weights were kept.
        notes: Remarks for the user, a sentence each.
    """

    network: Any
    target: targets.Target
    history: list[dict[str, Any]]
    best: dict[str, Any]
    notes: tuple[str, ...] = ()

    def vectors(self, x: Mapping[str, Any]) -> Any:
        """Map model features by name to the vector whose distances a clustering measures, float32 (batch, width)."""
        joined = self.network.get_layer("untrained").output
        return keras.Model(self.network.input, joined)(dict(x))


def train_network(
    config: TrialConfig,
    train: Columns,
    evaluation: Columns,
    facts: Facts,
    *,
    callbacks: Sequence[Any] = (),
    history: str | None = None,
    tensorboard: str | None = None,
    warm: carry_over.Warm | None = None,
) -> TrainResult:
    """Train one network. The columns are not changed, so that trials can share them.

    Args:
        config: Label, network and training.
        train: Transformed columns of the train split: features, `label`, and `row_weight` if rows have weights.
        evaluation: Those of the eval split.
        facts: Depths and class names, from the transformed data.
        callbacks: More Keras callbacks.
        history: File for one JSON line per epoch.
        tensorboard: Folder for TensorBoard's event files.
        warm: A previous model whose weights to start from; None for new weights.

    Raises:
        ValueError: The loss became NaN or infinite, or the rows cannot be trained on.
    """
    training, label = config.training, config.label
    keras.utils.set_random_seed(training.seed)
    if training.deterministic:
        tf.config.experimental.enable_op_determinism()
    target = targets.target(label, label_of(train), facts.classes, training.loss)
    network, module, settings = build(facts.outputs, config.network, target)
    notes = put_given_weights(network, settings)
    if warm is not None:
        notes = (*notes, warm_start(network, module, target, label, warm))
    train_rows, eval_rows = (rows_of(split, target, facts, label, network.input) for split in (train, evaluation))
    if training.class_weights is not None:
        index = label_of(train)[target.rows(label_of(train))]
        by_class = weights_of_classes(training.class_weights, index, target.names or ())
        train_rows = Rows(
            train_rows.x, train_rows.y, mean_1(by_class * (1 if train_rows.weight is None else train_rows.weight))
        )
    steps = -(-len(train_rows.y) // training.batch_size)
    custom_fit: Callable[..., None] | None = getattr(module, "fit", None)
    norms = None
    if custom_fit is None:
        scale = training.batch_size if training.loss == losses.SUM else 1
        _compile(network, target, training, steps, scale)
        step_variables.create(network, train_rows)
        sample = {name: column[: watching.GRADIENT_ROWS] for name, column in train_rows.x.items()}
        norms = watching.gradient_norms(network, sample, train_rows.y[: watching.GRADIENT_ROWS], scale)
    lines = watching.History(history, norms)
    stopping = _stopping(training, getattr(module, "MONITOR", training.monitor), stops=custom_fit is None)
    watchers = [watching.Finite({"train": train_rows.x, "eval": eval_rows.x}, steps), lines, stopping, *callbacks]
    watchers += _plateau(training)
    if tensorboard is not None:
        watchers.append(keras.callbacks.TensorBoard(tensorboard, write_graph=False))
    if custom_fit is not None:
        # Some callbacks read it.
        network.optimizer = None
        custom_fit(network, settings, training, train_rows, eval_rows, watchers)
    else:
        _descend(network, training, train_rows, eval_rows, watchers, lines, verbose=2 if history else 0)
    if keep := getattr(settings, "keep_members", None):
        outputs = outputs_of(member_pruning.member_outputs(network), eval_rows.x)
        members, note = member_pruning.choose(network, outputs, eval_rows, target.loss, keep)
        smaller, _, _ = build(facts.outputs, {**config.network, "members": keep, "keep_members": None}, target)
        member_pruning.copy(network, smaller, members)
        network, notes = smaller, (*notes, note)
    best = lines.lines[stopping.best_epoch if training.keep == "best" and training.epochs else -1]
    finding = watching.verdict(lines.lines)
    return TrainResult(
        network=network,
        target=_settle(target, network, train_rows, settings),
        history=lines.lines,
        best=best,
        notes=(*notes, *([finding] if finding else [])),
    )


def build(outputs: Sequence[Output], network: Mapping[str, Any], target: targets.Target) -> tuple[Any, Any, Any]:
    """Create the Keras model that the settings name.

    Args:
        outputs: The model features in order, with all depths known.
        network: `name`, a file in models/networks or the dotted path of a user-defined function, and its keys.
        target: The training target.

    Returns:
        The model from features by name to float32 (batch, outputs), its module, and its settings.
    """
    parameters = dict(network)
    name = str(parameters.pop("name"))
    inputs = feature_inputs.FeatureInputs(outputs)
    settings: Any = parameters
    if "." in name:
        path, _, function = name.rpartition(".")
        module: Any = types.SimpleNamespace(build=functools.partial(_custom, importlib.import_module(path), function))
    else:
        module = importlib.import_module(network_files.module(name))
        settings = module.Settings.model_validate(parameters)
    if hasattr(module, "check"):
        module.check(outputs, settings)
    output = module.build(inputs, settings)
    if hasattr(module, "head"):
        output = module.head(output, target, settings)
    elif target.units is not None and getattr(module, "HEAD", True):
        output = keras.layers.Dense(target.units, name="head")(output)
    return watching.Network(inputs.used(), output, name=name.replace(".", "_")), module, settings


def _custom(module: Any, function: str, inputs: feature_inputs.FeatureInputs, settings: Mapping[str, Any]) -> Any:
    """Call a user-defined `build`; an error names its line."""
    try:
        return getattr(module, function)(inputs, settings)
    except Exception as error:
        lines = [
            frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == module.__file__
        ]
        location = f"{module.__name__}.{function}, line {lines[-1] if lines else '?'}"
        raise ValueError(f"{location}: {type(error).__name__}: {error}") from error


def outputs_of(network: Any, x: Mapping[str, Array], size: int = EVAL_IMAGES) -> Array:
    """Return the network's outputs for rows in memory, float32 (rows, outputs)."""
    rows = len(next(iter(x.values())))
    call = tf.function(lambda part: network(part, training=False), reduce_retracing=True, autograph=False)
    blocks = [slice(start, start + size) for start in range(0, rows, size)]
    parts = [{name: tf.constant(column[block]) for name, column in x.items()} for block in blocks]
    return np.concatenate([call(part).numpy() for part in parts])


def _compile(network: Any, target: targets.Target, training: Training, steps: int, scale: int) -> None:
    network.label_smoothing = training.label_smoothing
    network.compile(
        optimizer=optimizers.optimizer(
            training.optimizer,
            clip=training.clip,
            steps=steps,
            epochs=training.epochs,
            weights=network.trainable_variables,
        ),
        loss=target.loss,
        loss_weights=float(scale),
        metrics=target.metrics,
        steps_per_execution=STEPS_AT_ONCE if steps > STEPS_AT_ONCE else 1,
        # Compiling takes longer than training on a small table.
        jit_compile=False,
    )


def _descend(
    network: Any, training: Training, train_rows: Rows, eval_rows: Rows, watchers: list[Any], lines: Any, verbose: int
) -> None:
    feed = train_rows.batches(training.batch_size, training.seed)
    images = any(column.ndim > 2 for column in eval_rows.x.values())
    size = max(training.batch_size, EVAL_IMAGES) if images else transformed_records.READ_BATCH
    check = eval_rows.batches(size, None)
    if not training.epochs:
        metrics = network.evaluate(check, verbose=0, return_dict=True)
        lines.add({"epoch": 0, "seconds": 0.0, **{f"val_{name}": float(value) for name, value in metrics.items()}})
        return
    # Starting a dataset takes longer than an epoch of a small table, so it is started once and repeats.
    steps = -(-len(train_rows.y) // training.batch_size) if network.steps_per_execution == 1 else None
    check_steps = -(-len(eval_rows.y) // size) if steps else None
    network.fit(
        feed.repeat() if steps else feed,
        steps_per_epoch=steps,
        validation_data=check.repeat() if steps else check,
        validation_steps=check_steps,
        epochs=training.epochs,
        callbacks=watchers,
        verbose=verbose,
    )


def _stopping(training: Training, monitor: str, stops: bool) -> Any:
    early = training.early_stopping if stops else None
    return keras.callbacks.EarlyStopping(
        monitor=monitor,
        mode="max" if monitor.endswith("accuracy") else "min",
        patience=early.patience if early else max(training.epochs, 1),
        min_delta=early.min_delta if early else 0.0,
        restore_best_weights=training.keep == "best",
    )


def _plateau(training: Training) -> list[Any]:
    schedule = training.optimizer.schedule
    if schedule.name != "plateau":
        return []
    return [
        keras.callbacks.ReduceLROnPlateau(
            monitor="val_loss",
            factor=schedule.factor or optimizers.FACTOR,
            patience=schedule.patience or optimizers.PATIENCE,
            min_lr=schedule.min_learning_rate,
            min_delta=0.0,
        )
    ]


def put_given_weights(network: Any, settings: Any) -> tuple[str, ...]:
    """Set the initial weights of the settings.

    Returns:
        A remark, or nothing without such weights.

    Raises:
        ValueError: Number or shapes of the weights do not match the network.
    """
    dense_weights = getattr(settings, "weights", ())
    if not dense_weights:
        return ()
    dense = [layer for layer in network.layers if isinstance(layer, keras.layers.Dense)]
    if len(dense_weights) != len(dense):
        raise ValueError(f"network.weights has {len(dense_weights)} entries; the network has {len(dense)} dense layers")
    for layer, weights in zip(dense, dense_weights, strict=True):
        arrays = [np.array(weights.kernel, np.float32), np.array(weights.bias, np.float32)]
        shapes, expected = (
            [tuple(array.shape) for array in arrays],
            [tuple(variable.shape) for variable in layer.weights],
        )
        if shapes != expected:
            raise ValueError(
                f"network.weights: layer {layer.name} needs a kernel and a bias of shapes {expected}, found {shapes}"
            )
        layer.set_weights(arrays)
    return (f"started from network.weights in {len(dense_weights)} layers",)


def warm_start(network: Any, module: Any, target: targets.Target, label: Label, warm: carry_over.Warm) -> str:
    """Set weights of a previous model where they have the same meaning, and return a remark."""
    layers = [layer.name for layer in network.layers if layer.weights]
    # The units of the last layer are those of the label, if the outputs are.
    head = layers[-1] if target.units is not None and layers else None
    meaning = feature_meanings.of_label(label, target)
    return carry_over.begin(network, warm, meaning, head=head, mirrors=getattr(module, "MIRRORS", {}))


def _settle(target: targets.Target, network: Any, train_rows: Rows, settings: Any) -> targets.Target:
    quantile = getattr(settings, "quantile", None)
    return target if quantile is None else target.settle(outputs_of(network, train_rows.x), quantile)
