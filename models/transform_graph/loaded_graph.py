"""Saved transform graph, reduced to the operations that the given columns and outputs need."""

import types
from collections.abc import Iterable, Mapping
from typing import Any

import tensorflow as tf

_TRACKED = ("created_variables", "pruned_variables", "resources", "trackable_objects", "initializers", "assets")
"""What TFT keeps in a SavedModel beside its functions: variables, tables, other objects, and the files of tables."""


class TransformGraph(tf.Module):  # type: ignore[misc]
    """Transform graph whose operations are copied into the graph of the caller.

    A call of the saved function would keep the operations of all outputs, such as the label's, which costs time in
    serving. `TFTransformOutput.transform_features_layer` would also be traced again when the model is saved.

    Args:
        transform: TFTransformOutput of the transformation.
    """

    def __init__(self, transform: Any) -> None:
        super().__init__()
        imported = tf.saved_model.load(transform.transform_savedmodel_dir)
        # Attributes of a tf.Module are tracked: tables and their files are saved with the model. The functions of the
        # SavedModel are not attributes, as they would be saved too and loaded by each reader, and nothing calls them.
        for name in _TRACKED:
            if hasattr(imported, name):
                setattr(self, f"_{name}", getattr(imported, name))
        saved = imported.transform_fn
        function = getattr(saved, "concrete_functions", [saved])[0]
        graph = function.graph
        specs = function.structured_input_signature[0][0]
        placeholders = iter(graph.inputs)
        inputs = {
            column: [next(placeholders).name for _ in tf.nest.flatten(specs[column], expand_composites=True)]
            for column in sorted(specs)
        }
        captured = {
            inner.name: outer for inner, outer in zip(graph.internal_captures, function.captured_inputs, strict=True)
        }
        outputs = tf.nest.pack_sequence_as(graph.structured_outputs, graph.outputs, expand_composites=True)
        self._hidden = types.SimpleNamespace(
            imported=imported,
            graph=graph,
            inputs=inputs,
            captured=captured,
            outputs=outputs,
            function=tf.function(self._copied, autograph=False),
        )

    def constant(self, name: str) -> Any:
        """Return an analyzer's result by the name that a tf.identity gives it, as an array; None without this name."""
        operations = {operation.name: operation for operation in self._hidden.graph.get_operations()}
        if name not in operations:
            return None
        return self._hidden.captured[operations[name].inputs[0].name].numpy()

    def __call__(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Transform raw columns to the outputs that need no other column.

        Args:
            raw: Column -> tensor, as tf.io.parse_example returns it.

        Returns:
            Output -> tensor.
        """
        outputs: dict[str, Any] = self._hidden.function(dict(raw)) if tf.executing_eagerly() else self._copied(raw)
        return outputs

    def _copied(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Copy the operations that the outputs of these columns need into the current graph."""
        target, hidden = tf.compat.v1.get_default_graph(), self._hidden
        fed = {name: target.capture(resource) for name, resource in hidden.captured.items()}
        for column, value in raw.items():
            fed |= zip(hidden.inputs[column], tf.nest.flatten(value, expand_composites=True), strict=True)
        computable = _computable(hidden.graph, fed)
        parts = {name: tf.nest.flatten(value, expand_composites=True) for name, value in hidden.outputs.items()}
        computable_outputs = {
            name: reduced for name, reduced in parts.items() if all(tensor.op.name in computable for tensor in reduced)
        }
        needed_names = _needed([tensor.op for reduced in computable_outputs.values() for tensor in reduced], computable)
        graph_def = hidden.graph.as_graph_def()
        reduced = tf.compat.v1.GraphDef(versions=graph_def.versions, library=graph_def.library)
        placeholders = {name.partition(":")[0] for name in fed}
        for node in graph_def.node:
            if node.name in needed_names and node.name not in placeholders:
                node_inputs = [
                    name for name in node.input if not name.startswith("^") or name[1:] in needed_names - placeholders
                ]
                del node.input[:]
                node.input.extend(node_inputs)
                reduced.node.append(node)
        names = sorted({tensor.name for tensors in computable_outputs.values() for tensor in tensors} - fed.keys())
        read_names = {name.removesuffix(":0").removeprefix("^") for node in reduced.node for name in node.input}
        mapped = {name: tensor for name, tensor in fed.items() if name.partition(":")[0] in read_names}
        copies = tf.graph_util.import_graph_def(reduced, input_map=mapped, return_elements=names, name="transform")
        tensors_by_name = fed | dict(zip(names, copies or [], strict=True))
        outputs = {}
        for name, tensors in computable_outputs.items():
            for tensor in tensors:
                tensors_by_name[tensor.name].set_shape(tensor.shape)
            values = [tensors_by_name[tensor.name] for tensor in tensors]
            outputs[name] = tf.nest.pack_sequence_as(hidden.outputs[name], values, expand_composites=True)
        return outputs


def _computable(graph: Any, fed: Mapping[str, Any]) -> set[str]:
    """Return the names of the operations that depend on no placeholder except the fed tensors."""
    fed_operations = {name.partition(":")[0] for name in fed}
    names: set[str] = set()
    # TensorFlow lists operations in the order of their creation, so each comes after its inputs.
    for operation in graph.get_operations():
        if operation.name in fed_operations or (
            operation.type != "Placeholder" and all(tensor.op.name in names for tensor in operation.inputs)
        ):
            names.add(operation.name)
    return names


def _needed(targets: Iterable[Any], computable: set[str]) -> set[str]:
    """Return the names of the computable operations that the targets depend on, by inputs or by control."""
    names: set[str] = set()
    waiting = list(targets)
    while waiting:
        operation = waiting.pop()
        if operation.name not in names and operation.name in computable:
            names.add(operation.name)
            waiting += [*(tensor.op for tensor in operation.inputs), *operation.control_inputs]
    return names
