"""Pruning of an ensemble: removal of the members without which its eval loss is lowest."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from models.data.split_rows import Rows


def choose(network: Any, outputs: np.ndarray[Any, Any], rows: Rows, loss: Any, keep: int) -> tuple[list[int], str]:
    """Choose the members to keep: repeatedly remove the one without which the loss is lowest.

    Args:
        network: The trained network, whose last layer is models.layers.members.MemberMean.
        outputs: The members' outputs for the eval rows, float32 (rows, members, units).
        rows: The eval rows.
        loss: Keras loss.
        keep: Number of members to keep.

    Returns:
        Their numbers in order, and a remark.
    """

    def measured(members: Sequence[int]) -> float:
        answer = network.layers[-1].mean(outputs[:, list(members)])
        return float(loss(rows.y, answer, sample_weight=rows.weight))

    all_members = list(range(outputs.shape[1]))
    members = all_members
    while len(members) > keep:
        members = min(([remaining for remaining in members if remaining != member] for member in members), key=measured)
    return members, (
        f"kept {keep} of {len(all_members)} members: eval loss {measured(members):.4g}, "
        f"with all {measured(all_members):.4g}"
    )


def member_outputs(network: Any) -> Any:
    """Return the Keras model from features to the outputs of each member, (batch, members, units)."""
    return keras.Model(network.input, network.layers[-1].input)


def copy(network: Any, smaller: Any, members: Sequence[int]) -> None:
    """Copy the weights of some members, and those that all share, to a network with as many members."""
    for source, target in zip(network.weights, smaller.weights, strict=True):
        array = np.array(source)
        target.assign(array if array.shape == tuple(target.shape) else array[list(members)])
