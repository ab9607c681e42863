"""Variables of the training step: those of the optimizer and of the metrics."""

from typing import Any

from models.data.split_rows import Rows


def create(network: Any, rows: Rows) -> None:
    """Create them before the step is traced.

    Keras would create them while it traces the step, and TensorFlow traces a function that has created variables again.

    Args:
        network: A compiled Keras model.
        rows: Rows that it is trained on.
    """
    network.optimizer.build(network.trainable_variables)
    first = {name: column[:1] for name, column in rows.x.items()}
    weight = None if rows.weight is None else rows.weight[:1]
    network.compute_metrics(first, rows.y[:1], network(first, training=False), sample_weight=weight)
    network.reset_metrics()
