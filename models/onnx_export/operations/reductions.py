"""Translations of reductions (sums, means, extremes) and of searches in sorted rows."""

from collections.abc import Callable
from typing import Any

from models.onnx_export.onnx_graph import TYPES

Translate = Callable[[Any, Any], list[str]]


def _reduce(kind: str) -> Translate:
    def translate(conversion: Any, operation: Any) -> list[str]:
        axes = conversion.constant(operation, 1).ravel().tolist()
        value = conversion.input(operation, 0)
        if not axes:
            return [value]
        keep = int(operation.get_attr("keep_dims"))
        return [conversion.graph.add(kind, value, conversion.graph.constant(axes, "int64"), keepdims=keep)]

    return translate


def _reduce_booleans(kind: str) -> Translate:
    def translate(conversion: Any, operation: Any) -> list[str]:
        axes = conversion.constant(operation, 1).ravel().tolist()
        graph, value = conversion.graph, conversion.input(operation, 0)
        if not axes:
            return [value]
        keep = int(operation.get_attr("keep_dims"))
        numbers = graph.add("Cast", value, to=TYPES["int32"])
        reduced = graph.add(kind, numbers, graph.constant(axes, "int64"), keepdims=keep)
        return [graph.add("Cast", reduced, to=TYPES["bool"])]

    return translate


def _arg(kind: str) -> Translate:
    def translate(conversion: Any, operation: Any) -> list[str]:
        axis = int(conversion.constant(operation, 1))
        index = conversion.graph.add(kind, conversion.input(operation, 0), axis=axis, keepdims=0)
        output = operation.outputs[0].dtype.name
        return [index if output == "int64" else conversion.integers(index, output)]

    return translate


def _bound(kind: str) -> Translate:
    """Return a translation of a binary search: the number of sorted edges below each value, or not above it."""

    def translate(conversion: Any, operation: Any) -> list[str]:
        graph = conversion.graph
        numbers, values = conversion.inputs(operation)
        columns = graph.add("Unsqueeze", values, graph.constant([2], "int64"))
        edges = graph.add("Unsqueeze", numbers, graph.constant([1], "int64"))
        is_counted = graph.add("Cast", graph.add(kind, columns, edges), to=TYPES[operation.outputs[0].dtype.name])
        return [graph.add("ReduceSum", is_counted, graph.constant([2], "int64"), keepdims=0)]

    return translate


OPERATIONS: dict[str, Translate] = {
    "Sum": _reduce("ReduceSum"),
    "Mean": _reduce("ReduceMean"),
    "Max": _reduce("ReduceMax"),
    "Min": _reduce("ReduceMin"),
    "Prod": _reduce("ReduceProd"),
    "All": _reduce_booleans("ReduceMin"),
    "Any": _reduce_booleans("ReduceMax"),
    "ArgMax": _arg("ArgMax"),
    "ArgMin": _arg("ArgMin"),
    "UpperBound": _bound("GreaterOrEqual"),
    "LowerBound": _bound("Greater"),
}
