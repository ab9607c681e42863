"""k-means: assigns rows to the nearest of k centres, which Lloyd's iterations move to the mean of their rows.

The centres are initialized by k-means++ (Arthur and Vassilvitskii, "k-means++: The Advantages of Careful Seeding",
2007). Each iteration is an epoch, its loss the inertia: the mean squared distance of a row to its centre.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from spec.base import Strict

TASKS = ("clusters",)
HEAD = False
KEYS = ("epochs", "seed", "warm_start")
MONITOR = "loss"

Array = np.ndarray[Any, Any]


class Settings(Strict):
    """Keys of [network] with name = "kmeans"."""

    renamed: ClassVar[Mapping[str, str]] = {"k": "num_clusters"}
    num_clusters: int = Field(default=3, ge=2, le=10_000)
    """Number of clusters."""
    restarts: int = Field(default=10, ge=1)
    """Number of initializations; the one with the lowest inertia is kept."""


def build(features: Any, network: Settings) -> Any:
    """Map features to the distance of each centre, float32 (batch, k); every index is one-hot."""
    from models.layers.keras_layers import Centres

    return Centres(network.num_clusters, name="centres")(features.untrained)


def fit(network: Any, settings: Settings, training: Any, train: Any, evaluation: Any, watchers: list[Any]) -> None:
    """Move the centres until no row changes its cluster, or for the given epochs.

    Args:
        network: The Keras model that `build` made.
        settings: Settings of the network.
        training: spec.training.Training.
        train: models.data.split_rows.Rows of the train split.
        evaluation: Those of the eval split.
        watchers: Keras callbacks.

    Raises:
        ValueError: There are fewer distinct rows than clusters.
    """
    import keras

    from models.training.fit import outputs_of

    inputs = keras.Model(network.input, network.get_layer("centres").input)
    rows, check = outputs_of(inputs, train.x).astype(np.float64), outputs_of(inputs, evaluation.x).astype(np.float64)
    weight, check_weight = (
        np.ones(len(split.y)) if split.weight is None else split.weight.astype(np.float64)
        for split in (train, evaluation)
    )
    distinct = len(np.unique(rows, axis=0))
    if distinct < settings.num_clusters:
        raise ValueError(
            f"network.num_clusters = {settings.num_clusters}, but the train split has {distinct} distinct rows"
        )
    random = np.random.default_rng(training.seed)
    layer = network.get_layer("centres")
    candidates = [initial_centres(rows, weight, settings.num_clusters, random) for _ in range(settings.restarts)]
    if np.any(layer.centres):
        candidates[0] = np.asarray(layer.centres, np.float64)
    callbacks = keras.callbacks.CallbackList(watchers, model=network)
    callbacks.on_train_begin()
    assignments: list[Array | None] = [None] * len(candidates)
    # Without an epoch the initial centres are measured.
    for epoch in range(training.epochs) or (-1,):
        callbacks.on_epoch_begin(epoch)
        moved = False
        for number, centres in enumerate(candidates if training.epochs else ()):
            nearest = squares(rows, centres).argmin(axis=1)
            assigned = assignments[number]
            if assigned is None or (nearest != assigned).any():
                candidates[number], assignments[number], moved = means(rows, weight, nearest, centres), nearest, True
        losses = [inertia(rows, weight, centres) for centres in candidates]
        best = candidates[int(np.argmin(losses))]
        layer.centres.assign(best)
        logs = {"loss": min(losses), "val_loss": inertia(check, check_weight, best)}
        callbacks.on_epoch_end(epoch, logs)
        if not moved or getattr(network, "stop_training", False):
            break
    callbacks.on_train_end()


def squares(rows: Array, centres: Array) -> Array:
    """Return squared distances (rows, k), computed centre by centre to save memory."""
    return np.stack([np.square(rows - centre).sum(axis=1) for centre in centres], axis=1)


def inertia(rows: Array, weight: Array, centres: Array) -> float:
    """Return the mean squared distance to the nearest centre."""
    return float(np.average(squares(rows, centres).min(axis=1), weights=weight))


def initial_centres(rows: Array, weight: Array, k: int, random: np.random.Generator) -> Array:
    """Choose k rows, each with a probability proportional to its squared distance from those chosen before."""
    centres = [rows[random.choice(len(rows), p=weight / weight.sum())]]
    nearest = np.full(len(rows), np.inf)
    while len(centres) < k:
        nearest = np.minimum(nearest, np.square(rows - centres[-1]).sum(axis=1))
        probability = nearest * weight
        # All rows with a weight lie on a centre: any other row may be the next one.
        probability = probability if probability.any() else nearest
        centres.append(rows[random.choice(len(rows), p=probability / probability.sum())])
    return np.stack(centres)


def means(rows: Array, weight: Array, nearest: Array, centres: Array) -> Array:
    """Return the mean of each cluster; an empty cluster takes the row that is farthest from its centre."""
    moved = centres.copy()
    far = np.square(rows - centres[nearest]).sum(axis=1) * weight
    for number in range(len(centres)):
        in_cluster = nearest == number
        if weight[in_cluster].sum() > 0:
            moved[number] = np.average(rows[in_cluster], axis=0, weights=weight[in_cluster])
        else:
            farthest = int(far.argmax())
            moved[number], far[farthest] = rows[farthest], -1.0
    return moved
