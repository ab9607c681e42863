"""Callbacks of training: checks of the loss, the history, and gradient norms."""

import json
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from models import progress
from models.layers import members
from models.tasks import losses

GRADIENTS = "gradients"
"""In a line of the history: layer -> norm of its gradient."""
GRADIENT_ROWS = 256
"""Rows of the fixed batch whose gradients are measured after each epoch."""
VANISHING = 1e-3
"""Gradients vanish if the first layer's norm is below this share of the last one's: five sigmoids in a row, with
derivatives of at most 1/4, reduce it to 1/1024."""
EXPLODING = 1e3
"""Gradients explode above this norm of one layer: labels are standardized and cross-entropies are of order 1."""
MEMBERS_RANK = 3
"""Rank of the outputs of an ensemble in training: (batch, members, units)."""
HUGE = 1e6
"""A feature with a larger absolute value was not scaled."""


class Network(keras.Model):  # type: ignore[misc]
    """A functional model that counts training steps and remembers the first one with a loss that is not finite."""

    optimizer: Any = None
    """Set by compile; a network with its own `fit` has none, but TensorBoard's callback reads it."""
    label_smoothing: float = 0.0
    """training.label_smoothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # In an object of another class: Keras would save variables that are attributes of the model.
        self._watch = _Watch()

    @property
    def bad_step(self) -> int:
        """The first training step, from 1, with a loss that was not finite; 0 if there was none."""
        return int(self._watch.bad.numpy())

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Compute the loss, and check it in training; in the graph, so that no step waits for Python.

        In training, an ensemble answers with the outputs of each member, (batch, members, units): the loss is the mean
        of the members' losses.
        """
        if self._answers_apart(y_pred):
            y, y_pred, sample_weight = members.separate(y, y_pred, sample_weight)
        loss = super().compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training)
        if training and self.label_smoothing:
            loss = loss + self.label_smoothing * losses.smoothing(y, y_pred, sample_weight)
        if training:
            steps = self._watch.steps.assign_add(1)
            first_bad_step = self._watch.bad
            is_first_bad = tf.logical_and(tf.logical_not(tf.math.is_finite(loss)), tf.equal(first_bad_step, 0))
            first_bad_step.assign(tf.where(is_first_bad, steps, first_bad_step))
        return loss

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Compute the metrics; those of an ensemble, of the answer of all members."""
        if self._answers_apart(y_pred):
            y_pred = self.layers[-1](y_pred, training=False)
        return super().compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def _answers_apart(self, y_pred: Any) -> bool:
        return len(y_pred.shape) == MEMBERS_RANK and isinstance(self.layers[-1], members.MemberMean)


class _Watch:
    def __init__(self) -> None:
        self.steps = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.bad = tf.Variable(0, dtype=tf.int64, trainable=False)


class Finite(keras.callbacks.Callback):  # type: ignore[misc]
    """Stops training with an error if the loss is not finite.

    Args:
        columns: Split -> model features by name.
        steps: Steps per epoch.
    """

    def __init__(self, columns: Mapping[str, Mapping[str, np.ndarray[Any, Any]]], steps: int) -> None:
        super().__init__()
        self._columns, self._steps = columns, steps
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Remember the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Check the running loss, which one bad step makes NaN."""
        self._check(logs, "")

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Check the metrics of the eval split."""
        self._check(logs, "val_")

    def _check(self, logs: Mapping[str, float] | None, prefix: str) -> None:
        for name, value in (logs or {}).items():
            if name.startswith("val_") == bool(prefix) and not np.isfinite(value):
                step = getattr(self.model, "bad_step", 0)
                location = f" at step {(step - 1) % self._steps + 1} of {self._steps}" if step and not prefix else ""
                cause = likely_cause(self._columns, self.model, first=step == 1)
                raise ValueError(f"training: {name} became {value} in epoch {self._epoch + 1}{location}; {cause}")


def likely_cause(columns: Mapping[str, Mapping[str, np.ndarray[Any, Any]]], network: Any, *, first: bool) -> str:
    """Return the likely cause of a loss that is not finite, and its fix.

    Args:
        columns: Split -> model features by name.
        network: The network in its current state.
        first: Whether it happened at the first step, before any update.
    """
    for split, features in columns.items():
        for name, column in features.items():
            broken = int((~np.isfinite(column)).sum()) if column.dtype.kind == "f" else 0
            if broken:
                return (
                    f"feature {name!r} has {broken} values in the {split} split that are not finite: "
                    "exclude these rows, or set `missing` or `clip` of the column"
                )
    for split, features in columns.items():
        for name, column in features.items():
            size = float(np.abs(column).max(initial=0.0)) if column.dtype.kind == "f" else 0.0
            if size > HUGE:
                return f"feature {name!r} reaches {size:.3g} in the {split} split: scale it, as by z_score, or clip it"
    if first:
        return (
            "this was the first step, so the initial outputs overflow, or the loss takes the logarithm "
            "of 0: check network.weights, network.initializer, and the last layer of a user-defined network, which "
            "must return logits, not probabilities"
        )
    sizes = (float(np.abs(np.nan_to_num(weight)).max(initial=0.0)) for weight in network.get_weights())
    largest = max(sizes, default=0.0)
    return (
        f"the weights grew to {largest:.3g}, probably because the learning rate is too high: lower "
        "training.optimizer.learning_rate, or clip the gradients with training.clip"
    )


class History(keras.callbacks.Callback):  # type: ignore[misc]
    """Collects one line per epoch, and writes it when the epoch ends.

    Args:
        path: A JSON-lines file; None: only in memory.
        gradients: Returns the gradient norm of each layer; None for networks that are not trained by gradients.
    """

    def __init__(self, path: str | None, gradients: Callable[[], dict[str, float]] | None = None) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []
        self._path = path
        self._gradients = gradients
        self._started = time.monotonic()
        self._meter = progress.Meter("epochs")

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Add a line."""
        logs = dict(logs or {})
        line: dict[str, Any] = {"epoch": epoch + 1, "seconds": round(time.monotonic() - self._started, 3)}
        line.update({name: float(value) for name, value in logs.items()})
        if self._gradients is not None:
            line["rate"] = float(self.model.optimizer.learning_rate)
            line[GRADIENTS] = self._gradients()
            finding = judge(line[GRADIENTS])
            if finding and not any(judge(previous[GRADIENTS]) for previous in self.lines):
                print(f"training: epoch {epoch + 1}: {finding}", flush=True)
        self.add(line)
        loss = next((f"{name} {line[name]:.4g}" for name in ("val_loss", "loss") if name in line), "")
        self._meter.add(1, loss)

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Read the number of epochs."""
        self._meter = progress.Meter("epochs", (self.params or {}).get("epochs") or math.inf, builds=True)

    def add(self, line: dict[str, Any]) -> None:
        """Add a line, and write it."""
        self.lines.append(line)
        if self._path is not None:
            with tf.io.gfile.GFile(self._path, "a") as file:
                # JSON has no NaN.
                file.write(json.dumps(line, allow_nan=False) + "\n")


def gradient_norms(network: Any, x: Mapping[str, Any], y: Any, scale: float = 1.0) -> Callable[[], dict[str, float]]:
    """Create a function that measures the gradient of each layer on one batch, without dropout and augmentation.

    Args:
        network: A compiled Keras model.
        x: Model features of the batch by name.
        y: Target of the batch.
        scale: Factor of the mean loss of a batch, by which the norms are divided.

    Returns:
        A function that returns layer name -> L2 norm of its gradient; the largest float32 if it is not finite.
    """
    layers = [layer for layer in network.layers if layer.trainable_variables]
    variables = [[variable.value for variable in layer.trainable_variables] for layer in layers]
    x = {name: tf.constant(column) for name, column in x.items()}
    y = tf.constant(y)

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def measure() -> list[Any]:
        with tf.GradientTape() as tape:
            loss = network.compute_loss(x=x, y=y, y_pred=network(x, training=False), training=False) / scale
        return [
            tf.linalg.global_norm(gradient) for gradient in tape.gradient(loss, variables, unconnected_gradients="zero")
        ]

    def norms() -> dict[str, float]:
        values = [float(norm) for norm in measure()]
        return {
            layer.name: norm if math.isfinite(norm) else float(np.finfo(np.float32).max)
            for layer, norm in zip(layers, values, strict=True)
        }

    return norms


def sizes(network: Any) -> dict[str, Any]:
    """Describe the layers and sizes of a network as plain values.

    Args:
        network: A Keras model.

    Returns:
        `layers` in order with `name`, `kind`, `shape` (of one row's output; None if unknown) and
        `parameters`; `inputs`, name -> shape of one row; `parameters` and `trainable`, numbers of weights.
    """
    inputs = network.input if isinstance(network.input, Mapping) else {}
    return {
        "layers": [
            {
                "name": layer.name,
                "kind": type(layer).__name__,
                "shape": _row_of(getattr(layer, "output", None)),
                "parameters": int(layer.count_params()),
            }
            for layer in network.layers
        ],
        "inputs": {name: _row_of(tensor) for name, tensor in inputs.items()},
        "parameters": int(network.count_params()),
        "trainable": int(sum(math.prod(variable.shape) for variable in network.trainable_variables)),
    }


def _row_of(tensor: Any) -> list[int | None] | None:
    shape = getattr(tensor, "shape", None)
    return None if shape is None else list(shape[1:])


def judge(norms: Mapping[str, float]) -> str:
    """Detect vanishing or exploding gradients.

    Args:
        norms: Layer -> gradient norm, in the order from input to output.

    Returns:
        A sentence; "" if there are none.
    """
    for layer, norm in norms.items():
        if norm > EXPLODING:
            return f"exploding gradients: {layer} has norm {norm:.3g}; use training.clip, or a lower learning rate"
    names = [name for name in norms if not name.endswith(("_table", "_norm"))]
    if len(names) > 1 and norms[names[0]] < VANISHING * norms[names[-1]]:
        input_layer, output_layer = names[0], names[-1]
        share = norms[input_layer] / norms[output_layer]
        return (
            f"vanishing gradients: {input_layer} gets {share:.1g} of {output_layer}'s; use relu, batch_norm or "
            "fewer layers"
        )
    return ""


def verdict(lines: list[dict[str, Any]]) -> str:
    """Return a finding on the gradients of all epochs: exploding in any, or vanishing in most; else ""."""
    findings = [text for text in (judge(line.get(GRADIENTS, {})) for line in lines) if text]
    exploding = [text for text in findings if text.startswith("exploding")]
    if exploding:
        return exploding[0]
    return findings[0] if len(findings) * 2 > len(lines) else ""
