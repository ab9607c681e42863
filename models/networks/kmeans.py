"""k-means: rows to the nearest of k centres, which Lloyd's iterations move to the mean of their rows.

The centres begin by k-means++ (Arthur and Vassilvitskii, "k-means++: The Advantages of Careful Seeding", 2007). Each
iteration is an epoch, its loss the inertia: the mean squared distance of a row to its centre.
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
    """Move the centres until no row changes its cluster, or for all epochs.

    Args:
        network: The Keras model that `build` made.
        settings: Its settings.
        training: spec.training.Training.
        train: models.data.split_rows.Rows of the train split.
        evaluation: Those of the eval split.
        watchers: Keras callbacks.

    Raises:
        ValueError: there are fewer different rows than clusters.
    """
    import keras

    from models.training.fit import outputs_of

    seen = keras.Model(network.input, network.get_layer("centres").input)
    rows, check = outputs_of(seen, train.x).astype(np.float64), outputs_of(seen, evaluation.x).astype(np.float64)
    weight, check_weight = (
        np.ones(len(split.y)) if split.weight is None else split.weight.astype(np.float64)
        for split in (train, evaluation)
    )
    different = len(np.unique(rows, axis=0))
    if different < settings.num_clusters:
        raise ValueError(
            f"network.num_clusters = {settings.num_clusters}, but the train split has {different} different rows"
        )
    random = np.random.default_rng(training.seed)
    layer = network.get_layer("centres")
    tried = [begin(rows, weight, settings.num_clusters, random) for _ in range(settings.restarts)]
    if np.any(layer.centres):
        tried[0] = np.asarray(layer.centres, np.float64)
    callbacks = keras.callbacks.CallbackList(watchers, model=network)
    callbacks.on_train_begin()
    before: list[Array | None] = [None] * len(tried)
    # Without an epoch the beginnings are measured as they are.
    for epoch in range(training.epochs) or (-1,):
        callbacks.on_epoch_begin(epoch)
        moved = False
        for number, centres in enumerate(tried if training.epochs else ()):
            nearest = squares(rows, centres).argmin(axis=1)
            last = before[number]
            if last is None or (nearest != last).any():
                tried[number], before[number], moved = means(rows, weight, nearest, centres), nearest, True
        losses = [inertia(rows, weight, centres) for centres in tried]
        best = tried[int(np.argmin(losses))]
        layer.centres.assign(best)
        logs = {"loss": min(losses), "val_loss": inertia(check, check_weight, best)}
        callbacks.on_epoch_end(epoch, logs)
        if not moved or getattr(network, "stop_training", False):
            break
    callbacks.on_train_end()


def squares(rows: Array, centres: Array) -> Array:
    """Squared distances (rows, k), one centre after another, so that no more than that stands in memory."""
    return np.stack([np.square(rows - centre).sum(axis=1) for centre in centres], axis=1)


def inertia(rows: Array, weight: Array, centres: Array) -> float:
    """Mean squared distance to the nearest centre."""
    return float(np.average(squares(rows, centres).min(axis=1), weights=weight))


def begin(rows: Array, weight: Array, k: int, random: np.random.Generator) -> Array:
    """Choose k rows, each with a chance in proportion to its squared distance from those before it."""
    chosen = [rows[random.choice(len(rows), p=weight / weight.sum())]]
    nearest = np.full(len(rows), np.inf)
    while len(chosen) < k:
        nearest = np.minimum(nearest, np.square(rows - chosen[-1]).sum(axis=1))
        chance = nearest * weight
        # All rows that count lie on a centre: any other row may begin the next one.
        chance = chance if chance.any() else nearest
        chosen.append(rows[random.choice(len(rows), p=chance / chance.sum())])
    return np.stack(chosen)


def means(rows: Array, weight: Array, nearest: Array, centres: Array) -> Array:
    """Each cluster's mean; a cluster without rows takes the row that lies farthest from its centre."""
    moved = centres.copy()
    far = np.square(rows - centres[nearest]).sum(axis=1) * weight
    for number in range(len(centres)):
        mine = nearest == number
        if weight[mine].sum() > 0:
            moved[number] = np.average(rows[mine], axis=0, weights=weight[mine])
        else:
            farthest = int(far.argmax())
            moved[number], far[farthest] = rows[farthest], -1.0
    return moved
