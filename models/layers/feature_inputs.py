"""Inputs of a network: the model features, joined as the network needs them."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import keras

from spec.columns.role import Output


@keras.saving.register_keras_serializable(package="pipeline")
class Concatenate(keras.layers.Layer):  # type: ignore[misc]
    """Concatenates numbers and one-hot indices.

    Input: a dict of (batch, 1) int64 indices and (batch, n) float32 numbers. Output: float32 (batch, width).

    Args:
        depths: Feature name and depth in order; None marks numbers, N an index in [0, N). Any other index, such as -1,
            is a row of zeros.
    """

    def __init__(self, depths: Sequence[tuple[str, int | None]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.depths = [(str(name), depth) for name, depth in depths]

    def call(self, inputs: Mapping[str, Any]) -> Any:
        """Concatenate the features of a batch."""
        parts = []
        for name, depth in self.depths:
            value = inputs[name]
            if depth is None:
                parts.append(keras.ops.cast(value, "float32"))
            else:
                parts.append(keras.ops.one_hot(keras.ops.squeeze(value, axis=-1), depth, dtype="float32"))
        return keras.ops.concatenate(parts, axis=-1)

    def compute_output_shape(self, input_shape: Mapping[str, Any]) -> tuple[int | None, int]:
        """Return (batch, width)."""
        batch = next(iter(input_shape.values()))[0]
        return (batch, sum(input_shape[name][-1] if depth is None else depth for name, depth in self.depths))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "depths": self.depths}


@keras.saving.register_keras_serializable(package="pipeline")
class LearntVector(keras.layers.Embedding):  # type: ignore[misc]
    """Embeds an int64 index (batch, 1) as float32 (batch, dimension); -1 is a vector of zeros.

    Its name is in the saved weights' description, which a warm start compares.
    """

    def call(self, inputs: Any) -> Any:
        """Look up the vectors of a batch."""
        vectors = super().call(keras.ops.maximum(inputs, 0)) * keras.ops.cast(inputs >= 0, "float32")[..., None]
        return keras.ops.squeeze(vectors, axis=1)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, int]:
        """Return (batch, dimension)."""
        return (input_shape[0], self.output_dim)


class FeatureInputs:
    """The model features of a batch in the forms that networks read; each form is created on first use.

    Attributes:
        outputs: The features in order, every depth known.
        inputs: The Keras input of each: int64 (batch, 1) for an index, float32 (batch, 1), (batch, depth) or
            (batch, height, width, channels) for the others.
    """

    def __init__(self, outputs: Sequence[Output]) -> None:
        self.outputs = tuple(outputs)
        self.inputs = {output.name: _input(output) for output in self.outputs}
        self._vectors: dict[str, Any] = {}

    @cached_property
    def vector(self) -> Any:
        """All features, images flattened: float32 (batch, width)."""
        return self._join("features", self.outputs)

    @cached_property
    def untrained(self) -> Any:
        """As `vector`, but with every index one-hot, so without trainable weights: float32 (batch, width)."""
        return self._join("untrained", self.outputs, embed=False)

    @cached_property
    def wide(self) -> Any | None:
        """One-hot indices: buckets, categories, crosses; float32 (batch, width), or None without any."""
        return self._join("wide", [output for output in self.outputs if _is_wide(output)])

    @cached_property
    def deep(self) -> Any | None:
        """Numbers, bags and embeddings; float32 (batch, width), or None without any."""
        deep_outputs = [output for output in self.outputs if not _is_wide(output) and output.kind != "image"]
        return self._join("deep", deep_outputs)

    @cached_property
    def beside_images(self) -> Any | None:
        """All features except images; float32 (batch, width), or None without any."""
        return self._join("features", [output for output in self.outputs if output.kind != "image"])

    @property
    def number_outputs(self) -> list[Output]:
        """The numbers."""
        return [output for output in self.outputs if output.kind == "number"]

    @cached_property
    def numbers(self) -> Any | None:
        """The numbers, float32 (batch, numbers), or None without any."""
        return self._join("numbers", self.number_outputs)

    @cached_property
    def beside_numbers(self) -> Any | None:
        """All features except numbers; float32 (batch, width), or None without any."""
        return self._join("features", [output for output in self.outputs if output.kind != "number"])

    @property
    def images(self) -> list[Any]:
        """The images, each float32 (batch, height, width, channels) in [0, 1]."""
        return [self.inputs[output.name] for output in self.outputs if output.kind == "image"]

    def used(self) -> dict[str, Any]:
        """Return the inputs that some layer reads: Keras rejects others."""
        return {name: tensor for name, tensor in self.inputs.items() if tensor._keras_history.operation._outbound_nodes}

    def _join(self, name: str, outputs: Sequence[Output], embed: bool = True) -> Any:
        if not outputs:
            return None
        parts, depths = {}, []
        for output in outputs:
            part = self.inputs[output.name]
            index = output.kind == "index"
            if index and output.dimension and embed:
                part, index = self._vector(output), False
            elif output.kind == "image":
                part = keras.layers.Flatten(name=f"{output.name}_flat")(part)
            parts[output.name] = part
            depths.append((output.name, output.depth if index else None))
        return Concatenate(depths, name=name)(parts)

    def _vector(self, output: Output) -> Any:
        """Return the embedding of an index; all forms share one table."""
        if output.name not in self._vectors:
            layer = LearntVector(output.depth, output.dimension, name=f"{output.name}_table")
            self._vectors[output.name] = layer(self.inputs[output.name])
        return self._vectors[output.name]


def shape(output: Output) -> tuple[int, ...]:
    """Return the shape of one row's value."""
    if output.kind == "image":
        return output.shape
    return (int(output.depth or 0),) if output.kind == "bag" else (1,)


def _is_wide(output: Output) -> bool:
    return output.kind == "index" and output.dimension is None


def _input(output: Output) -> Any:
    dtype = "int64" if output.kind == "index" else "float32"
    return keras.Input(shape(output), name=output.name, dtype=dtype)
