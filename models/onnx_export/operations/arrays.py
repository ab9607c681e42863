"""Translations of operations on arrays: shapes, slices, concatenation and lookups by position."""

from collections.abc import Callable
from typing import Any

import numpy as np

from models.onnx_export.onnx_graph import TYPES

Translate = Callable[[Any, Any], list[str]]
_END = np.iinfo(np.int64).max


def _shape(conversion: Any, operation: Any) -> list[str]:
    shape = conversion.graph.add("Shape", conversion.input(operation, 0))
    output = operation.outputs[0].dtype.name
    return [shape if output == "int64" else conversion.integers(shape, output)]


def _reshape(conversion: Any, operation: Any) -> list[str]:
    value, shape = conversion.inputs(operation)
    return [conversion.graph.add("Reshape", value, conversion.integers(shape), allowzero=0)]


def _expand_dims(conversion: Any, operation: Any) -> list[str]:
    axis = conversion.graph.constant(conversion.constant(operation, 1).reshape(1), "int64")
    return [conversion.graph.add("Unsqueeze", conversion.input(operation, 0), axis)]


def _squeeze(conversion: Any, operation: Any) -> list[str]:
    axes = list(operation.get_attr("squeeze_dims"))
    names = [conversion.graph.constant(axes, "int64")] if axes else []
    return [conversion.graph.add("Squeeze", conversion.input(operation, 0), *names)]


def _pack(conversion: Any, operation: Any) -> list[str]:
    axis = int(operation.get_attr("axis"))
    graph = conversion.graph
    axis_constant = graph.constant([axis], "int64")
    parts = [graph.add("Unsqueeze", name, axis_constant) for name in conversion.inputs(operation)]
    return [graph.add("Concat", *parts, axis=axis)]


def _unpack(conversion: Any, operation: Any) -> list[str]:
    axis, count = int(operation.get_attr("axis")), len(operation.outputs)
    graph = conversion.graph
    parts = graph.add_many("Split", [conversion.input(operation, 0)], count, axis=axis, num_outputs=count)
    return [graph.add("Squeeze", part, graph.constant([axis], "int64")) for part in parts]


def _split(conversion: Any, operation: Any) -> list[str]:
    axis, count = int(conversion.constant(operation, 0)), len(operation.outputs)
    value = conversion.input(operation, 1)
    names: list[str] = conversion.graph.add_many("Split", [value], count, axis=axis, num_outputs=count)
    return names


def _split_sizes(conversion: Any, operation: Any) -> list[str]:
    sizes, axis = conversion.constant(operation, 1), int(conversion.constant(operation, 2))
    if (sizes < 0).any():
        sizes = np.where(sizes < 0, operation.inputs[0].shape[axis] - sizes[sizes >= 0].sum(), sizes)
    names = [conversion.input(operation, 0), conversion.graph.constant(sizes, "int64")]
    outputs: list[str] = conversion.graph.add_many("Split", names, len(sizes), axis=axis)
    return outputs


def _concat(conversion: Any, operation: Any) -> list[str]:
    *parts, _ = conversion.inputs(operation)
    axis = int(conversion.constant(operation, len(parts)))
    return [conversion.graph.add("Concat", *parts, axis=axis)]


def _slice(conversion: Any, operation: Any) -> list[str]:
    begin, size = conversion.constant(operation, 1), conversion.constant(operation, 2)
    end = np.where(size < 0, _END, begin + size)
    graph = conversion.graph
    names = [graph.constant(value, "int64") for value in (begin, end, range(len(begin)))]
    return [graph.add("Slice", conversion.input(operation, 0), *names)]


def _strided_slice(conversion: Any, operation: Any) -> list[str]:
    begin, end, stride = (conversion.constant(operation, position) for position in (1, 2, 3))
    masks = {
        name: operation.get_attr(f"{name}_mask") for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
    }
    starts: list[int] = []
    ends: list[int] = []
    axes: list[int] = []
    steps: list[int] = []
    shrunk: list[int] = []
    new_axes: list[int] = []
    axis = position = 0
    for number in range(len(begin)):
        bit = 1 << number
        if masks["ellipsis"] & bit:
            later = [
                later_number
                for later_number in range(number + 1, len(begin))
                if not masks["new_axis"] & (1 << later_number)
            ]
            if not later and not axes:
                # Only new axes follow; counted from the end, they do not depend on the rank.
                new_axes = list(range(number + 1 - len(begin), 0))
                break
            skipped = operation.inputs[0].shape.rank - axis - len(later)
            axis, position = axis + skipped, position + skipped
            continue
        if masks["new_axis"] & bit:
            new_axes.append(position)
            position += 1
            continue
        step = int(stride[number])
        if masks["shrink_axis"] & bit:
            start = int(begin[number])
            stop = start + 1 if start != -1 else _END
            shrunk.append(axis)
        else:
            start = (0 if step > 0 else _END) if masks["begin"] & bit else int(begin[number])
            stop = (_END if step > 0 else -_END) if masks["end"] & bit else int(end[number])
            position += 1
        starts, ends, axes, steps = [*starts, start], [*ends, stop], [*axes, axis], [*steps, step]
        axis += 1
    graph = conversion.graph
    value = conversion.input(operation, 0)
    if axes:
        value = graph.add("Slice", value, *(graph.constant(bounds, "int64") for bounds in (starts, ends, axes, steps)))
    if shrunk:
        value = graph.add("Squeeze", value, graph.constant(shrunk, "int64"))
    if new_axes:
        value = graph.add("Unsqueeze", value, graph.constant(new_axes, "int64"))
    return [value]


def _gather(conversion: Any, operation: Any) -> list[str]:
    if operation.get_attr("batch_dims"):
        raise conversion.refusal(operation, "a lookup by row")
    axis, table = int(conversion.constant(operation, 2)), conversion.known(operation, 0)
    graph = conversion.graph
    value, indices = conversion.inputs(operation)[:2]
    if table is not None and conversion.known(operation, 1) is None:
        # An index that is out of range, as of the month 13, would fail the batch; a check of its row reports it.
        dtype = operation.inputs[1].dtype.name
        low, high = graph.constant(0, dtype), graph.constant(max(table.shape[axis] - 1, 0), dtype)
        indices = graph.add("Min", graph.add("Max", indices, low), high)
    return [graph.add("Gather", value, indices, axis=axis)]


def _gather_nd(conversion: Any, operation: Any) -> list[str]:
    value, places = conversion.inputs(operation)
    return [conversion.graph.add("GatherND", value, conversion.integers(places))]


def _fill(conversion: Any, operation: Any) -> list[str]:
    shape, value = conversion.inputs(operation)
    return [conversion.graph.add("Expand", value, conversion.integers(shape))]


def _broadcast(conversion: Any, operation: Any) -> list[str]:
    value, shape = conversion.inputs(operation)
    return [conversion.graph.add("Expand", value, conversion.integers(shape))]


def _like(number: int) -> Translate:
    def translate(conversion: Any, operation: Any) -> list[str]:
        dtype = operation.inputs[0].dtype.name
        value = conversion.graph.constant("" if dtype == "string" else number, dtype)
        return [conversion.graph.add("Expand", value, conversion.graph.add("Shape", conversion.input(operation, 0)))]

    return translate


def _transpose(conversion: Any, operation: Any) -> list[str]:
    order = conversion.constant(operation, 1).tolist()
    return [conversion.graph.add("Transpose", conversion.input(operation, 0), perm=order)]


def _tile(conversion: Any, operation: Any) -> list[str]:
    value, times = conversion.inputs(operation)
    return [conversion.graph.add("Tile", value, conversion.integers(times))]


def _pad(conversion: Any, operation: Any) -> list[str]:
    widths = conversion.constant(operation, 1)
    value, _, *filling = conversion.inputs(operation)
    pads = conversion.graph.constant([*widths[:, 0], *widths[:, 1]], "int64")
    return [conversion.graph.add("Pad", value, pads, *filling)]


def _one_hot(conversion: Any, operation: Any) -> list[str]:
    """Translate by comparison with all indices, because ONNX's OneHot counts negative indices from the end."""
    graph = conversion.graph
    depth, axis = int(conversion.constant(operation, 1)), int(operation.get_attr("axis"))
    dtype = operation.inputs[0].dtype.name
    indices = graph.add("Unsqueeze", conversion.input(operation, 0), graph.constant([-1], "int64"))
    equal = graph.add("Equal", indices, graph.constant(np.arange(depth), dtype))
    on, off = conversion.known(operation, 2), conversion.known(operation, 3)
    if axis != -1 or on is None or on != 1 or off is None or off != 0:
        raise conversion.refusal(operation, "one-hot values other than 0 and 1")
    return [graph.add("Cast", equal, to=TYPES[operation.outputs[0].dtype.name])]


OPERATIONS: dict[str, Translate] = {
    "Shape": _shape,
    "Reshape": _reshape,
    "ExpandDims": _expand_dims,
    "Squeeze": _squeeze,
    "Pack": _pack,
    "Unpack": _unpack,
    "Split": _split,
    "SplitV": _split_sizes,
    "ConcatV2": _concat,
    "Slice": _slice,
    "StridedSlice": _strided_slice,
    "GatherV2": _gather,
    "GatherNd": _gather_nd,
    "Fill": _fill,
    "BroadcastTo": _broadcast,
    "ZerosLike": _like(0),
    "OnesLike": _like(1),
    "Transpose": _transpose,
    "Tile": _tile,
    "Pad": _pad,
    "PadV2": _pad,
    "OneHot": _one_hot,
}
