"""Storage of a traced graph for a data pass, without the second trace that a SavedModel of TFT needs."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import tensorflow as tf
from tfx.dsl.io import fileio

GRAPH = "traced.pb"
"""Name of the file with the GraphDef."""
_TENSOR_NAMES = "ends.json"
"""Name of the JSON file with the names of the input tensors by column, and of the output tensors by key."""


def write(folder: str, graph: Any, inputs: Mapping[str, Any], outputs: Mapping[str, tf.Tensor]) -> bool:
    """Write the subgraph of a traced graph that some outputs depend on.

    Args:
        folder: Folder to write to.
        graph: Traced graph.
        inputs: Raw column -> tensor or composite tensor of the graph.
        outputs: Key -> tensor of the graph.

    Returns:
        Whether the subgraph was written. It is not if it needs tables, variables or results of later analyzers.
    """
    operations = needed(outputs.values())
    ends = {
        name: [
            leaf.name if leaf.op.name in operations else None
            for leaf in tf.nest.flatten(tensor, expand_composites=True)
        ]
        for name, tensor in inputs.items()
    }
    fed = {name.partition(":")[0] for names in ends.values() for name in names if name is not None}
    for name in operations.keys() - fed:
        if operations[name].type.startswith("Placeholder") or tf.resource in (
            output.dtype for output in operations[name].outputs
        ):
            return False
    graph_def = graph.as_graph_def()
    subgraph = tf.compat.v1.GraphDef(versions=graph_def.versions, library=graph_def.library)
    subgraph.node.extend(node for node in graph_def.node if node.name in operations)
    fileio.makedirs(folder)
    with fileio.open(f"{folder}/{GRAPH}", "wb") as file:
        file.write(subgraph.SerializeToString())
    with fileio.open(f"{folder}/{_TENSOR_NAMES}", "w") as file:
        json.dump({"inputs": ends, "outputs": {key: tensor.name for key, tensor in outputs.items()}}, file)
    return True


def needed(outputs: Iterable[tf.Tensor]) -> dict[str, tf.Operation]:
    """Return the operations that the outputs depend on: name -> operation."""
    operations: dict[str, tf.Operation] = {}
    waiting = [tensor.op for tensor in outputs]
    while waiting:
        operation = waiting.pop()
        if operation.name not in operations:
            operations[operation.name] = operation
            waiting += [*(tensor.op for tensor in operation.inputs), *operation.control_inputs]
    return operations


class Traced:
    """Graph that is loaded from the files of `write`.

    Args:
        folder: Folder of the files.
    """

    def __init__(self, folder: str) -> None:
        definition = tf.compat.v1.GraphDef()
        with fileio.open(f"{folder}/{GRAPH}", "rb") as file:
            definition.ParseFromString(file.read())
        with fileio.open(f"{folder}/{_TENSOR_NAMES}") as file:
            ends = json.load(file)
        imported = tf.compat.v1.wrap_function(lambda: tf.graph_util.import_graph_def(definition, name=""), [])
        self._ends = ends["inputs"]
        feeds = [
            imported.graph.as_graph_element(tensor_name)
            for names in self._ends.values()
            for tensor_name in names
            if tensor_name
        ]
        fetches = {key: imported.graph.as_graph_element(name) for key, name in ends["outputs"].items()}
        self._function = imported.prune(feeds, fetches)

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
            for tensor, tensor_name in zip(tf.nest.flatten(columns[name], expand_composites=True), names, strict=True)
            if tensor_name
        ]
        outputs: dict[str, Any] = self._function(*flat)
        return outputs
