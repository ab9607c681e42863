"""clusters: groups of similar rows; a label, if there is one, is only compared with them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.tasks.targets import Array, TargetBase
from spec.columns.label import Label
from spec.columns.task import Task

TASK = Task(kind="clusters", losses=("inertia",))


def target(label: Label, transformed: Array, classes: tuple[str, ...] | None, loss: str) -> "ClusterTarget":
    """Return the target; see models/tasks/__init__.py."""
    return ClusterTarget()


@dataclass(frozen=True)
class ClusterTarget(TargetBase):
    """The network outputs the distance of a row to each centre."""

    names: None = None
    units: None = None
    loss: None = None

    @property
    def metrics(self) -> list[Any]:
        """No further metrics."""
        return []

    def scale(self, transformed: Array) -> Array:
        """Return zeros: there is no training target."""
        return np.zeros((len(transformed), 1), np.float32)

    def answer(self, outputs: Any) -> dict[str, Any]:
        """Convert distances to `cluster`, the nearest, int64 (batch,), and `distances`, float32 (batch, k)."""
        import tensorflow as tf

        distances = tf.cast(outputs, tf.float32)
        return {"cluster": tf.argmin(distances, axis=-1), "distances": distances}
