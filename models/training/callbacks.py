"""What is watched while a network trains: whether its loss is a number, its history, its gradients."""

import json
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from models import progress

GRADIENTS = "gradients"
"""In a line of the history: layer -> norm of its gradient."""
GRADIENT_ROWS = 256
"""Rows of the fixed batch whose gradients are measured after each epoch."""
VANISHING = 1e-3
"""The first layer's gradient as a share of the last one's, below which it vanishes: five sigmoids in a row, each of
which passes a quarter at most, take it to 1/1024."""
EXPLODING = 1e3
"""Norm of one layer's gradient. Labels are standardized and cross-entropies of order 1, and so are they."""
HUGE = 1e6
"""A feature beyond this size was not scaled."""


class Network(keras.Model):  # type: ignore[misc]
    """A functional model that counts its training steps and remembers the first one whose loss was no number."""

    optimizer: Any = None
    """Set by compile; a network that learns in its own way has none, and TensorBoard's callback asks for it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # In a dict of their own: Keras would save what it finds as a variable of the model.
        self._watch = _Watch()

    @property
    def bad_step(self) -> int:
        """The first training step, from 1, whose loss was no finite number; 0 if there was none."""
        return int(self._watch.bad.numpy())

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """The loss, which is counted in training; in the graph, so that no step waits for Python."""
        loss = super().compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training)
        if training:
            steps = self._watch.steps.assign_add(1)
            bad = self._watch.bad
            first = tf.logical_and(tf.logical_not(tf.math.is_finite(loss)), tf.equal(bad, 0))
            bad.assign(tf.where(first, steps, bad))
        return loss


class _Watch:
    def __init__(self) -> None:
        self.steps = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.bad = tf.Variable(0, dtype=tf.int64, trainable=False)


class Finite(keras.callbacks.Callback):  # type: ignore[misc]
    """Stops a run whose loss is no number: its weights can only get worse.

    Args:
        columns: Split -> model features by name.
        steps: Steps an epoch.
    """

    def __init__(self, columns: Mapping[str, Mapping[str, np.ndarray[Any, Any]]], steps: int) -> None:
        super().__init__()
        self._columns, self._steps = columns, steps
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Remember where training is."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Look at the running loss, which one bad step spoils."""
        self._demand(logs, "")

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Look at the eval split's."""
        self._demand(logs, "val_")

    def _demand(self, logs: Mapping[str, float] | None, prefix: str) -> None:
        for name, value in (logs or {}).items():
            if name.startswith("val_") == bool(prefix) and not np.isfinite(value):
                step = getattr(self.model, "bad_step", 0)
                at = f" at step {(step - 1) % self._steps + 1} of {self._steps}" if step and not prefix else ""
                cause = likely_cause(self._columns, self.model, first=step == 1)
                raise ValueError(f"training: {name} became {value} in epoch {self._epoch + 1}{at}; {cause}")


def likely_cause(columns: Mapping[str, Mapping[str, np.ndarray[Any, Any]]], network: Any, *, first: bool) -> str:
    """Why a loss became no number, as a sentence's second half with what to do.

    Args:
        columns: Split -> model features by name.
        network: The network as it is now.
        first: Whether it was so before any weight moved.
    """
    for split, features in columns.items():
        for name, column in features.items():
            broken = int((~np.isfinite(column)).sum()) if column.dtype.kind == "f" else 0
            if broken:
                return (
                    f"feature {name!r} has {broken} values in the {split} split that are no finite number: "
                    "exclude these rows, or give the column a missing rule or a clip"
                )
    for split, features in columns.items():
        for name, column in features.items():
            size = float(np.abs(column).max(initial=0.0)) if column.dtype.kind == "f" else 0.0
            if size > HUGE:
                return f"feature {name!r} reaches {size:.3g} in the {split} split: scale it, as by z_score, or clip it"
    if first:
        return (
            "no weight had moved yet, so the network's first outputs already overflow, or its loss takes the logarithm "
            "of 0: look at network.weights, network.initializer, and at your own network's last layer, which must "
            "give logits, not probabilities"
        )
    sizes = (float(np.abs(np.nan_to_num(weight)).max(initial=0.0)) for weight in network.get_weights())
    largest = max(sizes, default=0.0)
    return (
        f"the weights grew to {largest:.3g}, and a learning rate that is too high is the likely cause: lower "
        "training.optimizer.learning_rate, or shorten the gradients with training.clip"
    )


class History(keras.callbacks.Callback):  # type: ignore[misc]
    """One line an epoch, kept and written as the epoch ends.

    Args:
        path: A JSON-lines file; None keeps the lines in memory alone.
        gradients: Gives each layer's gradient norm; None for networks that no gradient trains.
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
            found = judge(line[GRADIENTS])
            if found and not any(judge(before[GRADIENTS]) for before in self.lines):
                print(f"training: epoch {epoch + 1}: {found}", flush=True)
        self.add(line)
        loss = next((f"{name} {line[name]:.4g}" for name in ("val_loss", "loss") if name in line), "")
        self._meter.add(1, loss)

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Look how many epochs there may be."""
        self._meter = progress.Meter("epochs", (self.params or {}).get("epochs") or math.inf)

    def add(self, line: dict[str, Any]) -> None:
        """Keep a line, and write it."""
        self.lines.append(line)
        if self._path is not None:
            with tf.io.gfile.GFile(self._path, "a") as file:
                # JSON knows no NaN.
                file.write(json.dumps(line, allow_nan=False) + "\n")


def gradient_norms(network: Any, x: Mapping[str, Any], y: Any, times: float = 1.0) -> Callable[[], dict[str, float]]:
    """Make a function that measures each layer's gradient on one batch, dropout and augmentation left out.

    Args:
        network: A compiled Keras model.
        x: Model features of the batch by name.
        y: Its target.
        times: What the mean loss of a batch was multiplied by, which is taken out of the norms.

    Returns:
        A function of nothing: layer name -> Euclidean norm of its gradient; a huge number where there is none.
    """
    layers = [layer for layer in network.layers if layer.trainable_variables]
    variables = [[variable.value for variable in layer.trainable_variables] for layer in layers]
    x = {name: tf.constant(column) for name, column in x.items()}
    y = tf.constant(y)

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def measure() -> list[Any]:
        with tf.GradientTape() as tape:
            loss = network.compute_loss(x=x, y=y, y_pred=network(x, training=False), training=False) / times
        return [tf.linalg.global_norm(found) for found in tape.gradient(loss, variables, unconnected_gradients="zero")]

    def norms() -> dict[str, float]:
        found = [float(norm) for norm in measure()]
        return {
            layer.name: norm if math.isfinite(norm) else float(np.finfo(np.float32).max)
            for layer, norm in zip(layers, found, strict=True)
        }

    return norms


def sizes(network: Any) -> dict[str, Any]:
    """What a network is made of, as plain values.

    Args:
        network: A Keras model.

    Returns:
        `layers` in order with `name`, `kind`, `shape` (a row's, of what it gives; None where it cannot be told) and
        `parameters`; `inputs`, name -> a row's shape; `parameters` and `trainable`, numbers of weights.
    """
    given = network.input if isinstance(network.input, Mapping) else {}
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
        "inputs": {name: _row_of(tensor) for name, tensor in given.items()},
        "parameters": int(network.count_params()),
        "trainable": int(sum(math.prod(variable.shape) for variable in network.trainable_variables)),
    }


def _row_of(tensor: Any) -> list[int | None] | None:
    shape = getattr(tensor, "shape", None)
    return None if shape is None else list(shape[1:])


def judge(norms: Mapping[str, float]) -> str:
    """Name vanishing or exploding gradients; empty where they are healthy.

    Args:
        norms: Layer -> gradient norm, in the order from input to output.
    """
    for layer, norm in norms.items():
        if norm > EXPLODING:
            return f"exploding gradients: {layer} has norm {norm:.3g}; use training.clip, or a lower rate"
    names = [name for name in norms if not name.endswith(("_table", "_norm"))]
    if len(names) > 1 and norms[names[0]] < VANISHING * norms[names[-1]]:
        first, last = names[0], names[-1]
        share = norms[first] / norms[last]
        return f"vanishing gradients: {first} gets {share:.1g} of {last}'s; use relu, batch_norm or fewer layers"
    return ""


def verdict(lines: list[dict[str, Any]]) -> str:
    """What the gradients of all epochs say: exploding in any of them, or vanishing in most; else empty."""
    found = [text for text in (judge(line.get(GRADIENTS, {})) for line in lines) if text]
    exploding = [text for text in found if text.startswith("exploding")]
    if exploding:
        return exploding[0]
    return found[0] if len(found) * 2 > len(lines) else ""
