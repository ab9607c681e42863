"""The first layer of every network: model features by name to one float32 vector a row."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras


@keras.saving.register_keras_serializable(package="pipeline")
class Concatenate(keras.layers.Layer):  # type: ignore[misc]
    """Numbers as they are, indices one-hot, side by side.

    Input: a dict of (batch, 1) tensors, float32 numbers and int64 indices. Output: float32 (batch, width).

    Args:
        depths: Feature name and depth in order; None marks a number, N an index in [0, N).
    """

    def __init__(self, depths: Sequence[tuple[str, int | None]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.depths = [(str(name), depth) for name, depth in depths]

    @property
    def width(self) -> int:
        """Number of columns of the output."""
        return sum(depth or 1 for _, depth in self.depths)

    def call(self, inputs: Mapping[str, Any]) -> Any:
        """Join one batch."""
        parts = []
        for name, depth in self.depths:
            value = inputs[name]
            if depth is None:
                parts.append(keras.ops.cast(value, "float32"))
            else:
                parts.append(keras.ops.one_hot(keras.ops.squeeze(value, axis=-1), depth, dtype="float32"))
        return keras.ops.concatenate(parts, axis=-1)

    def compute_output_shape(self, input_shape: Mapping[str, Any]) -> tuple[int | None, int]:
        """(batch, width)."""
        batch = next(iter(input_shape.values()))[0]
        return (batch, self.width)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs."""
        return {**super().get_config(), "depths": self.depths}


def inputs(depths: Sequence[tuple[str, int | None]]) -> dict[str, Any]:
    """Keras inputs for the features, each (batch, 1)."""
    return {name: keras.Input((1,), name=name, dtype="float32" if depth is None else "int64") for name, depth in depths}
