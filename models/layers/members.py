"""Layers of an ensemble in one network: members that share most of their weights.

Gorishniy et al., "TabM: Advancing Tabular Deep Learning With Parameter-Efficient Ensembling", ICLR 2025.

Between the first and the last of these layers a batch has one row for each row and member, (batch * members, width),
with the members of a row next to each other. For a batch of another rank, a dense layer multiplies a small matrix for
each row, and its gradient creates a kernel for each row before it adds them up: a training step took 1.9 times as
long.
"""

from collections.abc import Sequence
from typing import Any, Literal

import keras
import numpy as np

Answers = Literal["number", "binary", "classes"]


@keras.saving.register_keras_serializable(package="pipeline")
class MemberScale(keras.layers.Layer):  # type: ignore[misc]
    """Scales the input for each member: float32 (batch, width) to (batch * members, width).

    A scale is drawn from N(0, 1) for each group of neighbouring inputs, such as the embedding of one number.

    Args:
        members: Number of members.
        groups: Number of inputs of each group, in order.
    """

    def __init__(self, members: int, groups: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.members, self.groups = members, list(groups)

    def build(self, input_shape: Any) -> None:
        """Draw the scales."""
        drawn = keras.random.normal((self.members, len(self.groups)), seed=keras.random.SeedGenerator())
        self.scale = self.add_weight(shape=(self.members, sum(self.groups)), initializer="ones", name="scale")
        self.scale.assign(np.repeat(keras.ops.convert_to_numpy(drawn), self.groups, axis=1))

    def call(self, inputs: Any) -> Any:
        """Scale a batch."""
        return keras.ops.reshape(inputs[:, None, :] * self.scale, (-1, inputs.shape[-1]))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, int]:
        """Return (batch * members, width)."""
        batch, width = input_shape
        return (None if batch is None else batch * self.members, width)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "members": self.members, "groups": self.groups}


@keras.saving.register_keras_serializable(package="pipeline")
class MemberDense(keras.layers.Layer):  # type: ignore[misc]
    """A dense layer of its own for each member: float32 (batch * members, width) to (batch, members, units).

    Kernel and bias are uniform in ±1/sqrt(width).

    Args:
        members: Number of members.
        units: Number of outputs of each member.
    """

    def __init__(self, members: int, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.members, self.units = members, units

    def build(self, input_shape: Any) -> None:
        """Create kernel and bias."""
        width = input_shape[-1]
        uniform = keras.initializers.RandomUniform(-(width**-0.5), width**-0.5)
        self.kernel = self.add_weight(shape=(self.members, width, self.units), initializer=uniform, name="kernel")
        self.bias = self.add_weight(shape=(self.members, self.units), initializer=uniform, name="bias")

    def call(self, inputs: Any) -> Any:
        """Apply the members' layers to a batch."""
        rows = keras.ops.reshape(inputs, (-1, self.members, inputs.shape[-1]))
        return keras.ops.einsum("bki,kio->bko", rows, self.kernel) + self.bias

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, int, int]:
        """Return (batch, members, units)."""
        rows = input_shape[0]
        return (None if rows is None else rows // self.members, self.members, self.units)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "members": self.members, "units": self.units}


@keras.saving.register_keras_serializable(package="pipeline")
class MemberMean(keras.layers.Layer):  # type: ignore[misc]
    """Mean prediction of all members; in training the prediction of each, so that each member has its own loss.

    The mean of numbers, or the logits of the mean of the members' probabilities (never the mean of their logits):
    float32 (batch, members, units) to (batch, units), in training unchanged.

    Args:
        answers: "number"; "binary" for one logit; "classes" for one logit a class.
    """

    def __init__(self, answers: Answers, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.answers = answers

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the members' answers in training, else their mean."""
        return inputs if training else self.mean(inputs)

    def mean(self, inputs: Any) -> Any:
        """Return the answer of all members."""
        ops = keras.ops
        if self.answers == "number":
            return ops.mean(inputs, axis=1)
        if self.answers == "binary":
            # log p - log (1 - p) of the mean p; the number of members cancels out.
            return ops.logsumexp(-ops.softplus(-inputs), axis=1) - ops.logsumexp(-ops.softplus(inputs), axis=1)
        count = float(inputs.shape[1])
        return ops.logsumexp(ops.log_softmax(inputs, axis=-1), axis=1) - float(np.log(count))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, int]:
        """Return (batch, units), the shape outside of training."""
        return (input_shape[0], input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "answers": self.answers}


def answers(target: Any) -> Answers:
    """Return the kind of the outputs of a target (models.tasks.targets.Target)."""
    if target.names is None:
        return "number"
    return "binary" if target.units == 1 else "classes"


def separate(targets: Any, outputs: Any, weight: Any) -> tuple[Any, Any, Any]:
    """Reshape the outputs of the members to one row per row and member, and repeat targets and weights.

    Args:
        targets: (batch, 1).
        outputs: (batch, members, units).
        weight: Weights of the rows (batch,) or (batch, 1); None for none.

    Returns:
        Targets (batch * members, 1), outputs (batch * members, units), and weights, repeated in the same way.
    """
    ops, members = keras.ops, outputs.shape[1]
    rows = ops.reshape(outputs, (-1, outputs.shape[-1]))
    return ops.repeat(targets, members, axis=0), rows, None if weight is None else ops.repeat(weight, members, axis=0)
