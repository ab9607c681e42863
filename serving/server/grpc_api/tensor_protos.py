"""TensorProtos of gRPC requests and responses, converted without TensorFlow."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from serving.server.json_api.json_values import Input
from serving.server.statuses import RequestError

_MAX_ELEMENTS = 1 << 28
"""Maximum number of elements of a tensor: a small TensorProto may repeat one value over a shape of any size."""
_TYPES = {
    1: ("float32", "float_val"),
    2: ("float64", "double_val"),
    3: ("int32", "int_val"),
    4: ("uint8", "int_val"),
    5: ("int16", "int_val"),
    6: ("int8", "int_val"),
    7: ("string", "string_val"),
    9: ("int64", "int64_val"),
    10: ("bool", "bool_val"),
    17: ("uint16", "int_val"),
    19: ("float16", "half_val"),
    22: ("uint32", "uint32_val"),
    23: ("uint64", "uint64_val"),
}
"""Number of TensorFlow's DataType -> its name, and the field of a TensorProto that holds such values."""
_NUMBERS = {name: (number, field) for number, (name, field) in _TYPES.items()}

Array = np.ndarray[Any, Any]


def arrays(tensors: Mapping[str, Any], inputs: Sequence[Input]) -> dict[str, Array]:
    """Convert the inputs of a request to arrays.

    Args:
        tensors: Input name -> TensorProto.
        inputs: Inputs of the signature.

    Returns:
        Input name -> array with the dtype of the input.

    Raises:
        RequestError: an input is missing or unknown, or its dtype or shape is not valid.
    """
    names = {spec.name for spec in inputs}
    if set(tensors) != names:
        missing, unknown = sorted(names - set(tensors)), sorted(set(tensors) - names)
        raise RequestError(
            f"input size does not match signature: {len(tensors)}!={len(names)} len({{{','.join(sorted(tensors))}}}) "
            f"!= len({{{','.join(sorted(names))}}}). Sent extra: {{{','.join(unknown)}}}. Missing but required: "
            f"{{{','.join(missing)}}}."
        )
    return {spec.name: _array(tensors[spec.name], spec) for spec in inputs}


def _array(tensor: Any, spec: Input) -> Array:
    if tensor.dtype not in _TYPES:
        raise RequestError(f"input {spec.name} has no type that the server knows: {tensor.dtype}")
    name, field = _TYPES[tensor.dtype]
    if name != spec.type_name:
        raise RequestError(f"Expected input {spec.name} to have dtype {spec.type_name}, but got {name}")
    sizes = [dim.size for dim in tensor.tensor_shape.dim]
    if tensor.tensor_shape.unknown_rank or min(sizes, default=0) < 0 or math.prod(sizes) > _MAX_ELEMENTS:
        raise RequestError(f"input {spec.name} has no valid shape: {sizes}")
    try:
        if name == "string":
            return _texts(list(tensor.string_val), math.prod(sizes)).reshape(sizes)
        if tensor.tensor_content:
            return np.frombuffer(tensor.tensor_content, name).copy().reshape(sizes)
        return _repeated(_numbers(getattr(tensor, field), name), math.prod(sizes)).reshape(sizes)
    except (ValueError, OverflowError) as error:
        raise RequestError(f"input {spec.name} is not a valid tensor: {error}") from error


def _numbers(values: Any, name: str) -> Array:
    if name == "float16":  # its bits, as integers
        return np.array(values, np.uint16).view(np.float16)
    exact = np.array(values, np.int64 if name.startswith("int") else None)
    return exact.astype(name) if len(exact) else np.zeros(0, name)


def _repeated(values: Array, size: int) -> Array:
    """Repeat the last value up to a size; without values all are 0."""
    if len(values) == size:
        return values
    if len(values) > size:
        raise ValueError(f"{len(values)} values for {size} elements")
    return np.pad(values, (0, size - len(values)), "edge") if len(values) else np.zeros(size, values.dtype)


def _texts(values: list[bytes], size: int) -> Array:
    if len(values) > size:
        raise ValueError(f"{len(values)} values for {size} elements")
    texts = np.empty(size, object)
    texts[:] = values + [values[-1] if values else b""] * (size - len(values))
    return texts


def fill(target: Any, outputs: Mapping[str, Array]) -> None:
    """Write arrays to a map of TensorProtos, in the fields by type, as TensorFlow Serving does.

    Raises:
        RequestError: an output has a type that the server does not know.
    """
    for name, value in outputs.items():
        kind = "string" if value.dtype.kind == "O" else value.dtype.name
        if kind not in _NUMBERS:
            raise RequestError(f"output {name} has a type that the server does not know: {kind}", "UNIMPLEMENTED")
        tensor = target[name]
        tensor.dtype, field = _NUMBERS[kind]
        tensor.tensor_shape.SetInParent()
        for size in value.shape:
            tensor.tensor_shape.dim.add(size=size)
        flat = value.ravel()
        getattr(tensor, field).extend((flat.view(np.uint16) if kind == "float16" else flat).tolist())
