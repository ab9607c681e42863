"""Description of a network's layers and their inputs, stored as JSON next to the weights."""

import json
from typing import Any

import keras

from models.layers import feature_inputs

_SETTINGS = {
    "Dense": ("activation", "use_bias"),
    "LearntVector": ("output_dim",),
    "Conv2D": ("kernel_size", "strides", "padding", "dilation_rate", "groups", "activation", "use_bias"),
    "BatchNormalization": ("axis", "epsilon", "center", "scale"),
    "Concatenate": ("axis",),
    "InputLayer": (),
    "PiecewiseLinear": ("size",),
    "MemberScale": (),
    "MemberDense": (),
    "PeriodicEmbedding": ("size", "frequencies"),
    "FeatureScale": (),
    "ScaledDense": (),
}
"""Class of a layer -> the settings that define its computation. Other classes use all settings except those below."""
_IGNORED = ("name", "dtype", "trainable", "seed", "build_config", "k")
_IGNORED_SUFFIXES = ("_initializer", "_regularizer", "_constraint")
_TRAINING_ONLY = ("Dropout", "SpatialDropout", "DropAll", "InTraining", "GaussianNoise", "GaussianDropout")
"""Prefixes of layer classes that are the identity outside of training."""


def describe(network: Any) -> dict[str, dict[str, Any]]:
    """Describe the layers and operations of a Keras model.

    Returns:
        Name -> `class`; `settings`, a string that identifies its computation; `inputs`, the names of the operations
        that it reads; `width`, the last dimension of its output; and for the layer that joins features `parts`, the
        name of each feature with the depth of its index.
    """
    return {operation.name: _describe_operation(operation) for operation in network.operations}


def _describe_operation(operation: Any) -> dict[str, Any]:
    shape = getattr(getattr(operation, "output", None), "shape", None)
    description = {
        "class": type(operation).__name__,
        "settings": settings(operation),
        "inputs": [origin(tensor) for tensor in inputs(operation)],
        "width": shape[-1] if shape else None,
    }
    if is_joint(operation):
        description["parts"] = [[name, depth] for name, depth in operation.depths]
    return description


def settings(operation: Any) -> str:
    """Return a string that identifies the computation of an operation, apart from its weights and inputs."""
    if is_joint(operation):
        return ""
    keys = _SETTINGS.get(type(operation).__name__)
    config = operation.get_config() if keys is None or keys else {}
    if keys is not None:
        return _text({key: config.get(key) for key in keys})
    relevant = {
        key: value for key, value in config.items() if key not in _IGNORED and not key.endswith(_IGNORED_SUFFIXES)
    }
    arguments = operation._inbound_nodes[0].arguments
    call_arguments = keras.tree.map_structure(_constant, [arguments.args, arguments.kwargs])
    return _text([relevant, call_arguments])


def inputs(operation: Any) -> list[Any]:
    """Return the input tensors of an operation; for the layer that joins features, in the order of its parts."""
    node = operation._inbound_nodes[0]
    if is_joint(operation):
        features = node.arguments.args[0]
        return [features[name] for name, _ in operation.depths]
    return list(node.input_tensors)


def origin(tensor: Any) -> str:
    """Return the name of the operation that outputs a tensor, with ":INDEX" for any output but the first."""
    history = tensor._keras_history
    output_suffix = f":{history.tensor_index}" if history.tensor_index else ""
    return f"{history.operation.name}{output_suffix}"


def is_joint(operation: Any) -> bool:
    """Whether an operation is this project's layer that concatenates features."""
    return isinstance(operation, feature_inputs.Concatenate)


def only_in_training(kind: str) -> bool:
    """Whether layers of a class are the identity outside of training."""
    return kind.startswith(_TRAINING_ONLY)


def _constant(value: Any) -> Any:
    return "*" if isinstance(value, keras.KerasTensor) else repr(value)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
