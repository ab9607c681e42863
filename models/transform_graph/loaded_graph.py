"""A saved transform graph, as the operations that some columns and outputs need."""

import types
from collections.abc import Iterable, Mapping
from typing import Any

import tensorflow as tf


class TransformGraph(tf.Module):  # type: ignore[misc]
    """`TFTransformOutput.transform_features_layer` without a Keras model, which would be traced again when saved.

    Its operations are copied into the caller's graph. A call of the saved function would keep the operations of all
    outputs, the label's among them, and cost more at serving time than they do.

    Args:
        transform: A TFTransformOutput.
    """

    def __init__(self, transform: Any) -> None:
        super().__init__()
        # Tracked, so that its tables and their files are saved with the model.
        self._imported = tf.saved_model.load(transform.transform_savedmodel_dir)
        saved = self._imported.transform_fn
        function = getattr(saved, "concrete_functions", [saved])[0]
        graph = function.graph
        specs = function.structured_input_signature[0][0]
        given = iter(graph.inputs)
        inputs = {
            column: [next(given).name for _ in tf.nest.flatten(specs[column], expand_composites=True)]
            for column in sorted(specs)
        }
        captured = {
            inner.name: outer for inner, outer in zip(graph.internal_captures, function.captured_inputs, strict=True)
        }
        outputs = tf.nest.pack_sequence_as(graph.structured_outputs, graph.outputs, expand_composites=True)
        self._hidden = types.SimpleNamespace(graph=graph, inputs=inputs, captured=captured, outputs=outputs)
        self._function = tf.function(self._copied, autograph=False)

    def constant(self, name: str) -> Any:
        """Return the value of an analyzer's result that tf.identity names, as an array; None if there is none."""
        operations = {operation.name: operation for operation in self._hidden.graph.get_operations()}
        if name not in operations:
            return None
        return self._hidden.captured[operations[name].inputs[0].name].numpy()

    def __call__(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Transform raw columns to the outputs that need no other column.

        Args:
            raw: Column -> tensor, as tf.io.parse_example returns it.
        """
        outputs: dict[str, Any] = self._function(dict(raw)) if tf.executing_eagerly() else self._copied(raw)
        return outputs

    def _copied(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Copy the operations that the outputs of these columns need into the graph that is being traced."""
        here, hidden = tf.compat.v1.get_default_graph(), self._hidden
        fed = {name: here.capture(resource) for name, resource in hidden.captured.items()}
        for column, value in raw.items():
            fed |= zip(hidden.inputs[column], tf.nest.flatten(value, expand_composites=True), strict=True)
        computable = _computable(hidden.graph, fed)
        parts = {name: tf.nest.flatten(value, expand_composites=True) for name, value in hidden.outputs.items()}
        chosen = {name: part for name, part in parts.items() if all(tensor.op.name in computable for tensor in part)}
        needed = _needed([tensor.op for part in chosen.values() for tensor in part], computable)
        whole = hidden.graph.as_graph_def()
        part = tf.compat.v1.GraphDef(versions=whole.versions, library=whole.library)
        placeholders = {name.partition(":")[0] for name in fed}
        for node in whole.node:
            if node.name in needed and node.name not in placeholders:
                kept = [name for name in node.input if not name.startswith("^") or name[1:] in needed - placeholders]
                del node.input[:]
                node.input.extend(kept)
                part.node.append(node)
        names = sorted({tensor.name for tensors in chosen.values() for tensor in tensors} - fed.keys())
        read = {name.removesuffix(":0").removeprefix("^") for node in part.node for name in node.input}
        mapped = {name: tensor for name, tensor in fed.items() if name.partition(":")[0] in read}
        copies = tf.graph_util.import_graph_def(part, input_map=mapped, return_elements=names, name="transform")
        tensors_by_name = fed | dict(zip(names, copies or [], strict=True))
        outputs = {}
        for name, tensors in chosen.items():
            for tensor in tensors:
                tensors_by_name[tensor.name].set_shape(tensor.shape)
            values = [tensors_by_name[tensor.name] for tensor in tensors]
            outputs[name] = tf.nest.pack_sequence_as(hidden.outputs[name], values, expand_composites=True)
        return outputs


def _computable(graph: Any, fed: Mapping[str, Any]) -> set[str]:
    """Return the names of the operations that need no input but those that are fed."""
    given = {name.partition(":")[0] for name in fed}
    names: set[str] = set()
    # In the order of their creation, each after its inputs.
    for operation in graph.get_operations():
        if operation.name in given or (
            operation.type != "Placeholder" and all(tensor.op.name in names for tensor in operation.inputs)
        ):
            names.add(operation.name)
    return names


def _needed(targets: Iterable[Any], computable: set[str]) -> set[str]:
    """Return the names of the computable operations that some operations depend on, also by control."""
    names: set[str] = set()
    waiting = list(targets)
    while waiting:
        operation = waiting.pop()
        if operation.name not in names and operation.name in computable:
            names.add(operation.name)
            waiting += [*(tensor.op for tensor in operation.inputs), *operation.control_inputs]
    return names
