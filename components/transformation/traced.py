"""Traced graph of a data pass, stored as it is; TFT would trace the function again to save it."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import tensorflow as tf
from tfx.dsl.io import fileio

GRAPH = "traced.pb"
"""File name of a GraphDef in the folder of a pass."""
_TENSOR_NAMES = "ends.json"
"""File name of the input tensor names by column, and the output tensor names by key."""


def write(folder: str, graph: Any, inputs: Mapping[str, Any], outputs: Mapping[str, tf.Tensor]) -> bool:
    """Write the subgraph of a traced graph that some outputs depend on.

    Args:
        folder: Target folder.
        graph: The traced graph.
        inputs: Raw column -> tensor or composite tensor of the graph.
        outputs: Key -> tensor of the graph.

    Returns:
        Whether the subgraph is self-contained. If it needs tables, variables or analyzer results that are not known
        yet, nothing is written.
    """
    needed = _needed(outputs.values())
    ends = {
        name: [
            leaf.name if leaf.op.name in needed else None for leaf in tf.nest.flatten(tensor, expand_composites=True)
        ]
        for name, tensor in inputs.items()
    }
    fed = {name.partition(":")[0] for names in ends.values() for name in names if name is not None}
    for name in needed.keys() - fed:
        if needed[name].type.startswith("Placeholder") or tf.resource in (
            output.dtype for output in needed[name].outputs
        ):
            return False
    whole = graph.as_graph_def()
    part = tf.compat.v1.GraphDef(versions=whole.versions, library=whole.library)
    part.node.extend(node for node in whole.node if node.name in needed)
    fileio.makedirs(folder)
    with fileio.open(f"{folder}/{GRAPH}", "wb") as file:
        file.write(part.SerializeToString())
    with fileio.open(f"{folder}/{_TENSOR_NAMES}", "w") as file:
        json.dump({"inputs": ends, "outputs": {key: tensor.name for key, tensor in outputs.items()}}, file)
    return True


def _needed(outputs: Iterable[tf.Tensor]) -> dict[str, tf.Operation]:
    """Return the operations that tensors depend on, by name."""
    operations: dict[str, tf.Operation] = {}
    waiting = [tensor.op for tensor in outputs]
    while waiting:
        operation = waiting.pop()
        if operation.name not in operations:
            operations[operation.name] = operation
            waiting += [*(tensor.op for tensor in operation.inputs), *operation.control_inputs]
    return operations


class Traced:
    """A graph written by `write`.

    Args:
        folder: Its folder.
    """

    def __init__(self, folder: str) -> None:
        definition = tf.compat.v1.GraphDef()
        with fileio.open(f"{folder}/{GRAPH}", "rb") as file:
            definition.ParseFromString(file.read())
        with fileio.open(f"{folder}/{_TENSOR_NAMES}") as file:
            ends = json.load(file)
        whole = tf.compat.v1.wrap_function(lambda: tf.graph_util.import_graph_def(definition, name=""), [])
        self._ends = ends["inputs"]
        feeds = [
            whole.graph.as_graph_element(tensor_name)
            for names in self._ends.values()
            for tensor_name in names
            if tensor_name
        ]
        fetches = {key: whole.graph.as_graph_element(name) for key, name in ends["outputs"].items()}
        self._function = whole.prune(feeds, fetches)

    def apply(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Apply the graph to a batch.

        Args:
            columns: Raw column -> tensor.

        Returns:
            Key -> tensor.
        """
        flat = [
            tensor
            for name, names in self._ends.items()
            if any(names)
            for tensor, used in zip(tf.nest.flatten(columns[name], expand_composites=True), names, strict=True)
            if used
        ]
        outputs: dict[str, Any] = self._function(*flat)
        return outputs
