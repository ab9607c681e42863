"""Translations of operations on sparse columns, which are positions, values and a shape."""

from collections.abc import Callable
from typing import Any

Translate = Callable[[Any, Any], list[str]]


def _where(conversion: Any, operation: Any) -> list[str]:
    """Translate to the positions of true elements, int64 (elements, rank)."""
    return [conversion.graph.add("Transpose", conversion.graph.add("NonZero", conversion.input(operation, 0)))]


def _to_dense(conversion: Any, operation: Any) -> list[str]:
    places, shape, values, default = conversion.inputs(operation)
    empty = conversion.graph.add("Expand", default, conversion.integers(shape))
    return [conversion.graph.add("ScatterND", empty, conversion.integers(places), values)]


def _concat(conversion: Any, operation: Any) -> list[str]:
    """Concatenate sparse matrices; unlike TensorFlow's, the values are not sorted, which `_to_dense` does not need."""
    graph = conversion.graph
    names = conversion.inputs(operation)
    count = len(names) // 3
    axis = operation.get_attr("concat_dim") % operation.inputs[0].shape[1]
    only = graph.constant([int(position == axis) for position in range(operation.inputs[0].shape[1])], "int64")
    moved, shape = [], names[2 * count]
    offset = graph.constant([0, 0], "int64")
    for number in range(count):
        moved.append(graph.add("Add", names[number], offset))
        size = graph.add("Mul", names[2 * count + number], only)
        offset = graph.add("Add", offset, size)
        shape = graph.add("Add", shape, size) if number else shape
    values = graph.add("Concat", *names[count : 2 * count], axis=0)
    return [graph.add("Concat", *moved, axis=0), values, shape]


def _scatter(conversion: Any, operation: Any) -> list[str]:
    graph = conversion.graph
    places, values, shape = conversion.inputs(operation)
    zero = graph.constant(0, operation.outputs[0].dtype.name)
    empty = graph.add("Expand", zero, conversion.integers(shape))
    return [graph.add("ScatterND", empty, conversion.integers(places), values, reduction="add")]


def _update(conversion: Any, operation: Any) -> list[str]:
    value, places, values = conversion.inputs(operation)
    return [conversion.graph.add("ScatterND", value, conversion.integers(places), values)]


OPERATIONS: dict[str, Translate] = {
    "Where": _where,
    "SparseToDense": _to_dense,
    "SparseConcat": _concat,
    "ScatterNd": _scatter,
    "TensorScatterUpdate": _update,
}
