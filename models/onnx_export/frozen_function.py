"""A signature of a SavedModel as one graph: functions inlined, variables and what depends on them only as constants."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

Array = np.ndarray[Any, Any]
_STATEFUL = ("Placeholder", "LookupTableFindV2", "LookupTableSizeV2", "If", "StatelessIf", "Assert", "NoOp")
"""Operations that have no constant value, whatever their inputs."""
_SIZE = "LookupTableSizeV2"


@dataclass(frozen=True)
class Table:
    """A lookup table.

    Attributes:
        keys: Its keys, (entries,).
        values: Their values, int64 (entries,).
    """

    keys: Array
    values: Array


@dataclass(frozen=True)
class FrozenFunction:
    """A signature as a graph.

    Attributes:
        graph: Its operations.
        inputs: Input name -> tensor.
        outputs: Output name -> tensor.
        tables: Name of a tensor that refers to a table -> the table.
        constants: Tensor name -> value, for all tensors that depend on no input.
    """

    graph: Any
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    tables: Mapping[str, Table]
    constants: Mapping[str, Array]

    def branches(self, operation: Any) -> list[Any]:
        """Return the bodies of a condition, for true and for false, as FunctionDefs."""
        library = {one.signature.name: one for one in self.graph.as_graph_def().library.function}
        return [library[operation.get_attr(name).name] for name in ("then_branch", "else_branch")]


def freeze(signature: Any) -> FrozenFunction:
    """Convert a signature of a loaded SavedModel."""
    frozen = convert_variables_to_constants_v2(signature, lower_control_flow=False)
    graph = frozen.graph
    captured = zip(signature.graph.internal_captures, signature.captured_inputs, strict=True)
    handles = {f"{inner.op.name}:0": outer for inner, outer in captured if outer.dtype == tf.resource}
    given = [tensor for tensor in graph.inputs if tensor.dtype != tf.resource]
    tables = {tensor.name: _table(handles[tensor.name]) for tensor in graph.inputs if tensor.dtype == tf.resource}
    # In the order of the arguments' names; TensorFlow lowers the names of the tensors.
    [_, by_name] = signature.structured_input_signature
    inputs = dict(zip(sorted(by_name), given, strict=True))
    outputs = dict(zip(sorted(signature.structured_outputs), frozen.outputs, strict=True))
    return FrozenFunction(graph, inputs, outputs, tables, _constants(graph, tables))


def _table(handle: Any) -> Table:
    keys, values = tf.raw_ops.LookupTableExportV2(table_handle=handle, Tkeys=tf.string, Tvalues=tf.int64)
    return Table(keys.numpy(), values.numpy())


def _constants(graph: Any, tables: Mapping[str, Table]) -> dict[str, Array]:
    """Compute the tensors that depend on no input."""
    whole = {node.name: node for node in graph.as_graph_def().node}
    part = tf.compat.v1.GraphDef()
    known: set[str] = set()
    waiting = [one for one in graph.get_operations() if one.type not in _STATEFUL or one.type == _SIZE]
    while ready := [one for one in waiting if one.type == _SIZE or all(value.op.name in known for value in one.inputs)]:
        for operation in ready:
            known.add(operation.name)
            if operation.type == _SIZE:
                entries = len(tables[source(operation.inputs[0]).name].keys)
                value = tf.make_tensor_proto(entries, tf.int64)
                part.node.add(name=operation.name, op="Const").attr["value"].tensor.CopyFrom(value)
                part.node[-1].attr["dtype"].type = tf.int64.as_datatype_enum
                continue
            node = part.node.add()
            node.CopyFrom(whole[operation.name])
            kept = [name for name in node.input if not name.startswith("^")]
            del node.input[:]
            node.input.extend(kept)
        waiting = [one for one in waiting if one.name not in known]
    names = [
        value.name
        for one in graph.get_operations()
        if one.name in known
        for value in one.outputs
        if value.dtype not in (tf.resource, tf.variant)
    ]
    if not names:
        return {}
    config = tf.compat.v1.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    with tf.Graph().as_default(), tf.compat.v1.Session(config=config) as session:
        tf.graph_util.import_graph_def(part, name="")
        return dict(zip(names, session.run(names), strict=True))


def source(tensor: Any) -> Any:
    """Return the tensor that another one only passes on."""
    while tensor.op.type == "Identity":
        tensor = tensor.op.inputs[0]
    return tensor
