"""Translations of checks of rows: ONNX cannot fail with a message, so a failed check is a number in `error`."""

from typing import Any

from models.onnx_export.frozen_function import source
from spec.artifacts.check_messages import FINDING

CONDITIONS = ("If", "StatelessIf")
_OTHER = "a check of the model fails"


def read(operation: Any, branches: list[Any]) -> list[Any]:
    """Return the inputs of a condition that its translation reads: the predicate of a check, or the passed-on value."""
    position = _passed_on(branches)
    return list(operation.inputs[:1] if position is None else operation.inputs[position : position + 1])


def _condition(conversion: Any, operation: Any) -> list[str]:
    """Translate a condition of `raw_columns.require`, or of `text_cells`, which shortens long numbers."""
    branches = conversion.branches(operation)
    if any(node.op == "Assert" for node in branches[1].node_def):
        _check(conversion, operation.inputs[0], _messages(branches[1]))
        return [conversion.input(operation, 0) for _ in operation.outputs]
    position = _passed_on(branches)
    if position is None:
        raise conversion.refusal(operation, "a condition")
    return [conversion.input(operation, position)]


def _passed_on(branches: list[Any]) -> int | None:
    """Return the place of the input that a condition returns unless it shortens texts; None for another condition.

    TensorFlow cannot parse a number of 32 characters, so the graph shortens long ones; ONNX Runtime parses any length.
    """
    true, false = branches
    if not any(node.op == "Substr" for node in true.node_def):
        return None
    names = [argument.name for argument in false.signature.input_arg]
    passed = _identity(false)
    return names.index(passed) + 1 if passed in names else None


def _assertion(conversion: Any, operation: Any) -> list[str]:
    _check(conversion, operation.inputs[0], [])
    return []


def _check(conversion: Any, condition: Any, messages: list[str]) -> None:
    operation = source(condition).op
    messages = messages or [_OTHER]
    if operation.type == "All":
        good = operation.inputs[0]
        width = good.shape[-1] if good.shape.rank == 2 else 1
        if good.shape.rank in (1, 2) and width == len(messages):
            conversion.check(conversion.input(operation, 0), messages)
            return
    raise conversion.refusal(operation, "a check that is not one of rows")


def _messages(body: Any) -> list[str]:
    """Return the messages of a failing branch, one for each column; empty if it has none."""
    for node in body.node_def:
        if node.op == "Const" and node.attr["value"].tensor.string_val:
            texts = [text.decode() for text in node.attr["value"].tensor.string_val]
            if all(text.startswith(FINDING) for text in texts):
                return [text.removeprefix(f"{FINDING}: ") for text in texts]
    return []


def _identity(body: Any) -> str:
    """Return the name of the node behind a function's output and its Identity operations."""
    [name] = body.ret.values()
    nodes = {node.name: node for node in body.node_def}
    name = name.partition(":")[0]
    while name in nodes and nodes[name].op == "Identity":
        name = nodes[name].input[0].partition(":")[0]
    return str(name)


OPERATIONS = {**dict.fromkeys(CONDITIONS, _condition), "Assert": _assertion}
