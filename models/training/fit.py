"""Trains one network on rows in memory: what the trainer does once and the tuner once a trial."""

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

from models.data import transformed_records
from models.data.split_rows import Array, Columns, Facts, Rows, label_of, mean_1, rows_of, weights_of_classes
from models.layers import feature_inputs
from models.tasks import losses, targets
from models.training import callbacks as watching
from models.training import optimizers
from models.warm_start import carry_over, feature_meanings
from spec.columns.label import Label
from spec.columns.role import Output
from spec.training import Training

EVAL_IMAGES = 256
"""Rows at once of the eval split where they are pictures: the first convolution's maps of 8,192 would take 700 MB."""
STEPS_AT_ONCE = 16
"""Steps between two looks of Python; measured on 17,000 rows, an epoch takes 0.14 s instead of 0.35 s."""


@dataclass(frozen=True)
class Learnt:
    """A trained network.

    Attributes:
        network: Keras model from model features by name to outputs.
        target: What the outputs mean.
        history: One line an epoch: `epoch` from 1, `loss`, `val_loss` and the other metrics.
        best: The line of the epoch whose weights were kept.
        notes: What its user should know, a sentence each.
    """

    network: Any
    target: targets.Target
    history: list[dict[str, Any]]
    best: dict[str, Any]
    notes: tuple[str, ...] = ()

    def vectors(self, x: Mapping[str, Any]) -> Any:
        """Model features by name to the vector whose distances a clustering measures, float32 (batch, width)."""
        joined = self.network.get_layer("untrained").output
        return keras.Model(self.network.input, joined)(dict(x))


def learn(
    config: Mapping[str, Any],
    train: Columns,
    evaluation: Columns,
    facts: Facts,
    *,
    callbacks: Sequence[Any] = (),
    history: str | None = None,
    tensorboard: str | None = None,
    warm: carry_over.Warm | None = None,
) -> Learnt:
    """Train one network. The columns are read and never changed, so that many trials share them.

    Args:
        config: Sections `label`, `network` and `training`.
        train: Transformed columns of the train split: features, `label`, and `row_weight` where rows have weights.
        evaluation: Those of the eval split.
        facts: What the transformed data tells of them.
        callbacks: Further Keras callbacks.
        history: File for a JSON line an epoch.
        tensorboard: Folder for TensorBoard's event files.
        warm: An earlier model to begin from; None begins anew.

    Raises:
        ValueError: the loss became NaN or infinite, or the rows do not make a training.
    """
    training = Training.model_validate(config["training"])
    label = Label.model_validate(config["label"])
    keras.utils.set_random_seed(training.seed)
    if training.deterministic:
        tf.config.experimental.enable_op_determinism()
    target = targets.target(label, label_of(train), facts.classes, training.loss)
    network, module, settings = build(facts.outputs, config["network"], target)
    notes = put_given_weights(network, settings)
    if warm is not None:
        notes = (*notes, warm_start(network, module, target, label, warm))
    learning, checking = (rows_of(split, target, facts, label, network.input) for split in (train, evaluation))
    if training.class_weights is not None:
        index = label_of(train)[target.rows(label_of(train))]
        by_class = weights_of_classes(training.class_weights, index, target.names or ())
        learning = Rows(learning.x, learning.y, mean_1(by_class * (1 if learning.weight is None else learning.weight)))
    steps = -(-len(learning.y) // training.batch_size)
    own_fit: Callable[..., None] | None = getattr(module, "fit", None)
    norms = None
    if own_fit is None:
        times = training.batch_size if training.loss == losses.SUM else 1
        _compile(network, target, training, steps, times)
        sample = {name: column[: watching.GRADIENT_ROWS] for name, column in learning.x.items()}
        norms = watching.gradient_norms(network, sample, learning.y[: watching.GRADIENT_ROWS], times)
    lines = watching.History(history, norms)
    stopping = _stopping(training, getattr(module, "MONITOR", training.monitor), stops=own_fit is None)
    watchers = [watching.Finite({"train": learning.x, "eval": checking.x}, steps), lines, stopping, *callbacks]
    watchers += _plateau(training)
    if tensorboard is not None:
        watchers.append(keras.callbacks.TensorBoard(tensorboard, write_graph=False))
    if own_fit is not None:
        # Some callbacks ask for it.
        network.optimizer = None
        own_fit(network, settings, training, learning, checking, watchers)
    else:
        _descend(network, training, learning, checking, watchers, lines, verbose=2 if history else 0)
    best = lines.lines[stopping.best_epoch if training.keep == "best" and training.epochs else -1]
    found = watching.verdict(lines.lines)
    return Learnt(
        network=network,
        target=_settle(target, network, learning, settings),
        history=lines.lines,
        best=best,
        notes=(*notes, *([found] if found else [])),
    )


def build(outputs: Sequence[Output], network: Mapping[str, Any], target: targets.Target) -> tuple[Any, Any, Any]:
    """Make the Keras model named by the settings.

    Args:
        outputs: The model features in order, every depth known.
        network: `name`, a file in models/networks or a dotted path to a function of your own, and its own keys.
        target: What it is trained towards.

    Returns:
        The model from features by name to float32 (batch, outputs), the module that made it, its settings.
    """
    name = str(network["name"])
    own = {key: value for key, value in network.items() if key != "name"}
    seen = feature_inputs.Seen(outputs)
    settings: Any = own
    if "." in name:
        path, _, function = name.rpartition(".")
        module: Any = types.SimpleNamespace(build=functools.partial(_own, importlib.import_module(path), function))
    else:
        module = importlib.import_module(f"models.networks.{name}")
        settings = module.Settings.model_validate(own)
    if hasattr(module, "check"):
        module.check(outputs, settings)
    made = module.build(seen, settings)
    if target.units is not None and getattr(module, "HEAD", True):
        made = keras.layers.Dense(target.units, name="head")(made)
    return watching.Network(seen.used(), made, name=name.replace(".", "_")), module, settings


def _own(module: Any, function: str, seen: feature_inputs.Seen, settings: Mapping[str, Any]) -> Any:
    """Call the user's own `build`, and say where it breaks."""
    try:
        return getattr(module, function)(seen, settings)
    except Exception as error:
        lines = [
            frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == module.__file__
        ]
        where = f"{module.__name__}.{function}, line {lines[-1] if lines else '?'}"
        raise ValueError(f"{where}: {type(error).__name__}: {error}") from error


def outputs_of(network: Any, x: Mapping[str, Array], size: int = EVAL_IMAGES) -> Array:
    """The network's outputs for rows in memory, float32 (rows, outputs)."""
    rows = len(next(iter(x.values())))
    call = tf.function(lambda part: network(part, training=False), reduce_retracing=True, autograph=False)
    parts = [{name: tf.constant(column[at : at + size]) for name, column in x.items()} for at in range(0, rows, size)]
    return np.concatenate([call(part).numpy() for part in parts])


def _compile(network: Any, target: targets.Target, training: Training, steps: int, times: int) -> None:
    network.compile(
        optimizer=optimizers.optimizer(training.optimizer, clip=training.clip, steps=steps, epochs=training.epochs),
        loss=target.loss,
        loss_weights=float(times),
        metrics=target.metrics,
        steps_per_execution=STEPS_AT_ONCE if steps > STEPS_AT_ONCE else 1,
        # Compiling takes longer than a small table's whole training.
        jit_compile=False,
    )


def _descend(
    network: Any, training: Training, learning: Rows, checking: Rows, watchers: list[Any], lines: Any, verbose: int
) -> None:
    feed = learning.batches(training.batch_size, training.seed)
    images = any(column.ndim > 2 for column in checking.x.values())
    size = max(training.batch_size, EVAL_IMAGES) if images else transformed_records.READ_BATCH
    check = checking.batches(size, None)
    if not training.epochs:
        found = network.evaluate(check, verbose=0, return_dict=True)
        lines.add({"epoch": 0, "seconds": 0.0, **{f"val_{name}": float(value) for name, value in found.items()}})
        return
    # To begin a dataset takes longer than a small table's epoch, so that is begun once and goes on and on.
    steps = -(-len(learning.y) // training.batch_size) if network.steps_per_execution == 1 else None
    check_steps = -(-len(checking.y) // size) if steps else None
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
    """Put in the first weights that the settings give, and say so."""
    given = getattr(settings, "weights", ())
    if not given:
        return ()
    dense = [layer for layer in network.layers if isinstance(layer, keras.layers.Dense)]
    if len(given) != len(dense):
        raise ValueError(f"network.weights has {len(given)} entries; the network has {len(dense)} dense layers")
    for layer, weights in zip(dense, given, strict=True):
        arrays = [np.array(weights.kernel, np.float32), np.array(weights.bias, np.float32)]
        shapes, expected = [tuple(a.shape) for a in arrays], [tuple(v.shape) for v in layer.weights]
        if shapes != expected:
            raise ValueError(
                f"network.weights: layer {layer.name} takes a kernel and a bias of shapes {expected}, found {shapes}"
            )
        layer.set_weights(arrays)
    return (f"began with given weights of {len(given)} layers",)


def warm_start(network: Any, module: Any, target: targets.Target, label: Label, warm: carry_over.Warm) -> str:
    """Put the weights of an earlier model into a network that `build` made, where they mean the same, and say so."""
    layers = [layer.name for layer in network.layers if layer.weights]
    # The last one's units are the label's, where the outputs are of a label.
    head = layers[-1] if target.units is not None and layers else None
    meaning = feature_meanings.of_label(label, target)
    return carry_over.begin(network, warm, meaning, head=head, mirrors=getattr(module, "MIRRORS", {}))


def _settle(target: targets.Target, network: Any, learning: Rows, settings: Any) -> targets.Target:
    quantile = getattr(settings, "quantile", None)
    return target if quantile is None else target.settle(outputs_of(network, learning.x), quantile)
