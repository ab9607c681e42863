"""Signature of a SavedModel as one graph, with functions inlined and variables replaced by constants."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

Array = np.ndarray[Any, Any]
_STATEFUL = ("Placeholder", "LookupTableFindV2", "LookupTableSizeV2", "If", "StatelessIf", "Assert", "NoOp")
"""Operations that are never folded to constants, whatever their inputs."""
_SIZE = "LookupTableSizeV2"


@dataclass(frozen=True)
class Table:
    """Content of a lookup table.

    Attributes:
        keys: Keys, bytes (entries,).
        values: Values of the keys, int64 (entries,).
    """

    keys: Array
    values: Array


@dataclass(frozen=True)
class FrozenFunction:
    """Signature as one graph.

    Attributes:
        graph: TensorFlow graph of the operations.
        inputs: Input name -> tensor.
        outputs: Output name -> tensor.
        tables: Name of a resource tensor -> content of its table.
        constants: Tensor name -> value, for all tensors that depend on no input.
    """

    graph: Any
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    tables: Mapping[str, Table]
    constants: Mapping[str, Array]

    def branches(self, operation: Any) -> list[Any]:
        """Return the bodies of a condition, for true and for false, as FunctionDefs."""
        library = {function.signature.name: function for function in self.graph.as_graph_def().library.function}
        return [library[operation.get_attr(name).name] for name in ("then_branch", "else_branch")]


def freeze(signature: Any) -> FrozenFunction:
    """Convert a signature of a loaded SavedModel, a concrete function, to one graph."""
    frozen = convert_variables_to_constants_v2(signature, lower_control_flow=False)
    graph = frozen.graph
    captured = zip(signature.graph.internal_captures, signature.captured_inputs, strict=True)
    handles = {f"{inner.op.name}:0": outer for inner, outer in captured if outer.dtype == tf.resource}
    placeholders = [tensor for tensor in graph.inputs if tensor.dtype != tf.resource]
    tables = {tensor.name: _table(handles[tensor.name]) for tensor in graph.inputs if tensor.dtype == tf.resource}
    # The placeholders are in the order of the arguments' names. Tensor names do not help: TensorFlow lowers them.
    [_, by_name] = signature.structured_input_signature
    inputs = dict(zip(sorted(by_name), placeholders, strict=True))
    outputs = dict(zip(sorted(signature.structured_outputs), frozen.outputs, strict=True))
    return FrozenFunction(graph, inputs, outputs, tables, _constants(graph, tables))


def _table(handle: Any) -> Table:
    keys, values = tf.raw_ops.LookupTableExportV2(table_handle=handle, Tkeys=tf.string, Tvalues=tf.int64)
    return Table(keys.numpy(), values.numpy())


def _constants(graph: Any, tables: Mapping[str, Table]) -> dict[str, Array]:
    """Compute all tensors that depend on no input: tensor name -> value."""
    nodes = {node.name: node for node in graph.as_graph_def().node}
    subgraph = tf.compat.v1.GraphDef()
    constant_names: set[str] = set()
    waiting = [
        candidate for candidate in graph.get_operations() if candidate.type not in _STATEFUL or candidate.type == _SIZE
    ]
    while ready := [
        candidate
        for candidate in waiting
        if candidate.type == _SIZE or all(value.op.name in constant_names for value in candidate.inputs)
    ]:
        for operation in ready:
            constant_names.add(operation.name)
            if operation.type == _SIZE:
                entries = len(tables[source(operation.inputs[0]).name].keys)
                value = tf.make_tensor_proto(entries, tf.int64)
                subgraph.node.add(name=operation.name, op="Const").attr["value"].tensor.CopyFrom(value)
                subgraph.node[-1].attr["dtype"].type = tf.int64.as_datatype_enum
                continue
            node = subgraph.node.add()
            node.CopyFrom(nodes[operation.name])
            data_inputs = [name for name in node.input if not name.startswith("^")]
            del node.input[:]
            node.input.extend(data_inputs)
        waiting = [candidate for candidate in waiting if candidate.name not in constant_names]
    names = [
        value.name
        for candidate in graph.get_operations()
        if candidate.name in constant_names
        for value in candidate.outputs
        if value.dtype not in (tf.resource, tf.variant)
    ]
    if not names:
        return {}
    config = tf.compat.v1.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    with tf.Graph().as_default(), tf.compat.v1.Session(config=config) as session:
        tf.graph_util.import_graph_def(subgraph, name="")
        return dict(zip(names, session.run(names), strict=True))


def source(tensor: Any) -> Any:
    """Return the tensor behind a chain of Identity operations."""
    while tensor.op.type == "Identity":
        tensor = tensor.op.inputs[0]
    return tensor
