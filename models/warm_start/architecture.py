"""What the layers of a network are and what each reads, as JSON that is kept beside the weights."""

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
}
"""Class of a layer -> the settings that say what it computes. Of other classes all count but those below."""
_NO_MATTER = ("name", "dtype", "trainable", "seed", "build_config", "k")
_NO_MATTER_ENDINGS = ("_initializer", "_regularizer", "_constraint")
_TRAINING_ONLY = ("Dropout", "SpatialDropout", "DropAll", "InTraining", "GaussianNoise", "GaussianDropout")
"""How the names of classes begin whose layers change nothing outside of training."""


def describe(network: Any) -> dict[str, dict[str, Any]]:
    """Describe the layers and operations of a Keras model.

    Returns:
        Name -> `class`; `settings`, a text of what it computes; `inputs`, the names of those that give what it reads;
        `width`, the last dimension of what it gives; and of ours that joins features `parts`, each with its name and
        the depth of an index.
    """
    return {operation.name: _one(operation) for operation in network.operations}


def _one(operation: Any) -> dict[str, Any]:
    shape = getattr(getattr(operation, "output", None), "shape", None)
    made = {
        "class": type(operation).__name__,
        "settings": settings(operation),
        "inputs": [origin(tensor) for tensor in inputs(operation)],
        "width": shape[-1] if shape else None,
    }
    if is_joint(operation):
        made["parts"] = [[name, depth] for name, depth in operation.depths]
    return made


def settings(operation: Any) -> str:
    """What an operation computes, apart from its weights and what it reads, as one text."""
    if is_joint(operation):
        return ""
    known = _SETTINGS.get(type(operation).__name__)
    config = operation.get_config() if known is None or known else {}
    if known is not None:
        return _text({key: config.get(key) for key in known})
    kept = {
        key: value for key, value in config.items() if key not in _NO_MATTER and not key.endswith(_NO_MATTER_ENDINGS)
    }
    arguments = operation._inbound_nodes[0].arguments
    called = keras.tree.map_structure(_constant, [arguments.args, arguments.kwargs])
    return _text([kept, called])


def inputs(operation: Any) -> list[Any]:
    """The tensors that an operation reads; ours that joins features in the order of its parts."""
    node = operation._inbound_nodes[0]
    if is_joint(operation):
        given = node.arguments.args[0]
        return [given[name] for name, _ in operation.depths]
    return list(node.input_tensors)


def origin(tensor: Any) -> str:
    """Name of the operation that gives a tensor; of a further output with its place."""
    history = tensor._keras_history
    place = f":{history.tensor_index}" if history.tensor_index else ""
    return f"{history.operation.name}{place}"


def is_joint(operation: Any) -> bool:
    """Whether it is our own layer that puts features side by side."""
    return isinstance(operation, feature_inputs.Concatenate)


def only_in_training(kind: str) -> bool:
    """Whether layers of a class change nothing outside of training."""
    return kind.startswith(_TRAINING_ONLY)


def _constant(value: Any) -> Any:
    return "*" if isinstance(value, keras.KerasTensor) else repr(value)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
