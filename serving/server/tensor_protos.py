"""TensorProtos of gRPC requests and responses."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from serving.server.json_api.json_values import Input
from serving.server.statuses import RequestError

_MOST_ELEMENTS = 1 << 28
"""A TensorProto may repeat one value over any shape: this many elements are refused before they take memory."""

Array = np.ndarray[Any, Any]


def arrays(tensors: Mapping[str, Any], inputs: Sequence[Input]) -> dict[str, Array]:
    """Convert the inputs of a request.

    Args:
        tensors: Input name -> TensorProto.
        inputs: Inputs of the signature.

    Raises:
        RequestError: an input is missing, unknown, or has another type.
    """
    names = {one.name for one in inputs}
    if set(tensors) != names:
        missing, unknown = sorted(names - set(tensors)), sorted(set(tensors) - names)
        raise RequestError(
            f"input size does not match signature: {len(tensors)}!={len(names)} len({{{','.join(sorted(tensors))}}}) "
            f"!= len({{{','.join(sorted(names))}}}). Sent extra: {{{','.join(unknown)}}}. Missing but required: "
            f"{{{','.join(missing)}}}."
        )
    return {one.name: _array(tensors[one.name], one) for one in inputs}


def _array(tensor: Any, one: Input) -> Array:
    try:
        dtype = tf.dtypes.as_dtype(tensor.dtype)
    except TypeError as error:
        raise RequestError(f"input {one.name} has no type that TensorFlow knows: {tensor.dtype}") from error
    if dtype.name != one.type_name:
        raise RequestError(f"Expected input {one.name} to have dtype {one.type_name}, but got {dtype.name}")
    sizes = [dim.size for dim in tensor.tensor_shape.dim]
    if tensor.tensor_shape.unknown_rank or min(sizes, default=0) < 0 or math.prod(sizes) > _MOST_ELEMENTS:
        raise RequestError(f"input {one.name} has no valid shape: {sizes}")
    try:
        return np.asarray(tf.make_ndarray(tensor))
    except (TypeError, ValueError) as error:
        raise RequestError(f"input {one.name} is no valid tensor: {error}") from error


def fill(target: Any, outputs: Mapping[str, Array]) -> None:
    """Write arrays to a map of TensorProtos."""
    for name, value in outputs.items():
        target[name].CopyFrom(tf.make_tensor_proto(value))
