"""Translations of element-wise operations: arithmetic, comparisons and activations."""

from collections.abc import Callable
from typing import Any

from models.onnx_export.onnx_graph import TYPES

Translate = Callable[[Any, Any], list[str]]


def _direct(kind: str, **attributes: Any) -> Translate:
    """Return a translation to one ONNX operator with the same inputs."""
    return lambda conversion, operation: [conversion.graph.add(kind, *conversion.inputs(operation), **attributes)]


def _cast(conversion: Any, operation: Any) -> list[str]:
    return [conversion.graph.add("Cast", conversion.input(operation, 0), to=TYPES[operation.outputs[0].dtype.name])]


def _number(conversion: Any, operation: Any, value: float) -> str:
    """Add a constant with the dtype of an operation's first input; return its name."""
    name: str = conversion.graph.constant(value, operation.inputs[0].dtype.name)
    return name


def _log1p(conversion: Any, operation: Any) -> list[str]:
    one = _number(conversion, operation, 1.0)
    return [conversion.graph.add("Log", conversion.graph.add("Add", conversion.input(operation, 0), one))]


def _expm1(conversion: Any, operation: Any) -> list[str]:
    one = _number(conversion, operation, 1.0)
    return [conversion.graph.add("Sub", conversion.graph.add("Exp", conversion.input(operation, 0)), one)]


def _erfc(conversion: Any, operation: Any) -> list[str]:
    one = _number(conversion, operation, 1.0)
    return [conversion.graph.add("Sub", one, conversion.graph.add("Erf", conversion.input(operation, 0)))]


def _rsqrt(conversion: Any, operation: Any) -> list[str]:
    return [conversion.graph.add("Reciprocal", conversion.graph.add("Sqrt", conversion.input(operation, 0)))]


def _square(conversion: Any, operation: Any) -> list[str]:
    value = conversion.input(operation, 0)
    return [conversion.graph.add("Mul", value, value)]


def _squared_difference(conversion: Any, operation: Any) -> list[str]:
    value = conversion.graph.add("Sub", *conversion.inputs(operation))
    return [conversion.graph.add("Mul", value, value)]


def _relu6(conversion: Any, operation: Any) -> list[str]:
    low, high = _number(conversion, operation, 0.0), _number(conversion, operation, 6.0)
    return [conversion.graph.add("Min", conversion.graph.add("Max", conversion.input(operation, 0), low), high)]


def _leaky_relu(conversion: Any, operation: Any) -> list[str]:
    slope = operation.get_attr("alpha")
    return [conversion.graph.add("LeakyRelu", conversion.input(operation, 0), alpha=slope)]


def _clip(conversion: Any, operation: Any) -> list[str]:
    value, low, high = conversion.inputs(operation)
    return [conversion.graph.add("Min", conversion.graph.add("Max", value, low), high)]


def _divide_no_nan(conversion: Any, operation: Any) -> list[str]:
    numerator, denominator = conversion.inputs(operation)
    graph, zero = conversion.graph, _number(conversion, operation, 0.0)
    ratio = graph.add("Div", numerator, denominator)
    return [graph.add("Where", graph.add("Equal", denominator, zero), zero, ratio)]


def _floor_divide(conversion: Any, operation: Any) -> list[str]:
    """Translate division with rounding to minus infinity; ONNX rounds a quotient of integers to zero."""
    numerator, denominator = conversion.inputs(operation)
    graph = conversion.graph
    if operation.inputs[0].dtype.is_floating:
        return [graph.add("Floor", graph.add("Div", numerator, denominator))]
    remainder = graph.add("Mod", numerator, denominator)
    return [graph.add("Div", graph.add("Sub", numerator, remainder), denominator)]


def _floor_modulo(conversion: Any, operation: Any) -> list[str]:
    numerator, denominator = conversion.inputs(operation)
    graph = conversion.graph
    if not operation.inputs[0].dtype.is_floating:
        return [graph.add("Mod", numerator, denominator)]
    quotient = graph.add("Floor", graph.add("Div", numerator, denominator))
    return [graph.add("Sub", numerator, graph.add("Mul", quotient, denominator))]


def _not_equal(conversion: Any, operation: Any) -> list[str]:
    return [conversion.graph.add("Not", conversion.graph.add("Equal", *conversion.inputs(operation)))]


def _is_finite(conversion: Any, operation: Any) -> list[str]:
    graph, value = conversion.graph, conversion.input(operation, 0)
    is_not_finite = graph.add("Or", graph.add("IsNaN", value), graph.add("IsInf", value))
    return [graph.add("Not", is_not_finite)]


def _select(conversion: Any, operation: Any) -> list[str]:
    graph = conversion.graph
    condition, true, false = conversion.inputs(operation)
    if operation.outputs[0].dtype.name != "bool":
        return [graph.add("Where", condition, true, false)]
    # ONNX Runtime has no Where for booleans.
    from_true, from_false = graph.add("And", condition, true), graph.add("And", graph.add("Not", condition), false)
    return [graph.add("Or", from_true, from_false)]


def _alias(conversion: Any, operation: Any) -> list[str]:
    # References to tables have no value.
    if operation.outputs[0].dtype.name == "resource":
        return []
    return [conversion.input(operation, 0)]


def _aliases(conversion: Any, operation: Any) -> list[str]:
    names: list[str] = conversion.inputs(operation)
    return names


def _nothing(conversion: Any, operation: Any) -> list[str]:
    return []


OPERATIONS: dict[str, Translate] = {
    **dict.fromkeys(("Identity", "StopGradient", "PreventGradient", "Snapshot", "EnsureShape"), _alias),
    **dict.fromkeys(("NoOp", "Const"), _nothing),
    **dict.fromkeys(("Add", "AddV2"), _direct("Add")),
    **dict.fromkeys(("RealDiv", "Div"), _direct("Div")),
    **dict.fromkeys(("Select", "SelectV2"), _select),
    **{kind: _direct(kind) for kind in ("Sub", "Mul", "Pow", "Neg", "Abs", "Exp", "Log", "Sqrt", "Reciprocal", "Sign")},
    **{kind: _direct(kind) for kind in ("Floor", "Ceil", "Round", "Sin", "Cos", "Tan", "Tanh", "Sigmoid", "Erf")},
    **{kind: _direct(kind) for kind in ("Relu", "Elu", "Selu", "Softplus", "Softsign", "Equal", "Less", "Greater")},
    "IdentityN": _aliases,
    "Maximum": _direct("Max"),
    "Minimum": _direct("Min"),
    "LessEqual": _direct("LessOrEqual"),
    "GreaterEqual": _direct("GreaterOrEqual"),
    "LogicalAnd": _direct("And"),
    "LogicalOr": _direct("Or"),
    "LogicalNot": _direct("Not"),
    "IsNan": _direct("IsNaN"),
    "IsInf": _direct("IsInf"),
    "Cast": _cast,
    "Log1p": _log1p,
    "Expm1": _expm1,
    "Erfc": _erfc,
    "Rsqrt": _rsqrt,
    "Square": _square,
    "SquaredDifference": _squared_difference,
    "Relu6": _relu6,
    "LeakyRelu": _leaky_relu,
    "ClipByValue": _clip,
    "DivNoNan": _divide_no_nan,
    "FloorDiv": _floor_divide,
    "FloorMod": _floor_modulo,
    "NotEqual": _not_equal,
    "IsFinite": _is_finite,
}
