"""Layers: products of matrices, convolutions, pooling and normalization."""

from collections.abc import Callable
from typing import Any

import numpy as np

Translate = Callable[[Any, Any], list[str]]
_CHANNELS_FIRST, _CHANNELS_LAST = [0, 3, 1, 2], [0, 2, 3, 1]


def _matmul(transpose_left: str, transpose_right: str) -> Translate:
    def translate(conversion: Any, operation: Any) -> list[str]:
        names = []
        for position, attribute in enumerate((transpose_left, transpose_right)):
            name = conversion.input(operation, position)
            if operation.get_attr(attribute):
                order = list(range(operation.inputs[position].shape.rank))
                order[-2:] = reversed(order[-2:])
                name = conversion.graph.add("Transpose", name, perm=order)
            names.append(name)
        return [conversion.graph.add("MatMul", *names)]

    return translate


def _bias(conversion: Any, operation: Any) -> list[str]:
    _need_channels_last(conversion, operation)
    return [conversion.graph.add("Add", *conversion.inputs(operation))]


def _einsum(conversion: Any, operation: Any) -> list[str]:
    equation = operation.get_attr("equation").decode()
    return [conversion.graph.add("Einsum", *conversion.inputs(operation), equation=equation)]


def _softmax(kind: str) -> Translate:
    return lambda conversion, operation: [conversion.graph.add(kind, conversion.input(operation, 0), axis=-1)]


def _need_channels_last(conversion: Any, operation: Any) -> None:
    if operation.get_attr("data_format") != b"NHWC":
        raise conversion.refusal(operation, "images with the channels first")


def _convolution(conversion: Any, operation: Any) -> list[str]:
    _need_channels_last(conversion, operation)
    graph = conversion.graph
    kernel = graph.constant(np.transpose(conversion.constant(operation, 1), (3, 2, 0, 1)))
    image = graph.add("Transpose", conversion.input(operation, 0), perm=_CHANNELS_FIRST)
    dilations = list(operation.get_attr("dilations"))[1:3]
    convolved = graph.add("Conv", image, kernel, dilations=dilations, **_window(conversion, operation))
    return [graph.add("Transpose", convolved, perm=_CHANNELS_LAST)]


def _pool(kind: str) -> Translate:
    def translate(conversion: Any, operation: Any) -> list[str]:
        _need_channels_last(conversion, operation)
        graph = conversion.graph
        image = graph.add("Transpose", conversion.input(operation, 0), perm=_CHANNELS_FIRST)
        size = list(operation.get_attr("ksize"))[1:3]
        pooled = graph.add(kind, image, kernel_shape=size, **_window(conversion, operation))
        return [graph.add("Transpose", pooled, perm=_CHANNELS_LAST)]

    return translate


def _window(conversion: Any, operation: Any) -> dict[str, Any]:
    padding = operation.get_attr("padding").decode()
    if padding not in ("SAME", "VALID"):
        raise conversion.refusal(operation, f"padding {padding}")
    return {
        "strides": list(operation.get_attr("strides"))[1:3],
        "auto_pad": "SAME_UPPER" if padding == "SAME" else "VALID",
    }


OPERATIONS: dict[str, Translate] = {
    "MatMul": _matmul("transpose_a", "transpose_b"),
    "BatchMatMulV2": _matmul("adj_x", "adj_y"),
    "BatchMatMul": _matmul("adj_x", "adj_y"),
    "BiasAdd": _bias,
    "Einsum": _einsum,
    "Softmax": _softmax("Softmax"),
    "LogSoftmax": _softmax("LogSoftmax"),
    "Conv2D": _convolution,
    "MaxPool": _pool("MaxPool"),
    "AvgPool": _pool("AveragePool"),
}
