"""Conversion of a signature's graph to an ONNX graph: operations are translated in order, and checks collected."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from models.onnx_export.frozen_function import FrozenFunction, Table, source
from models.onnx_export.onnx_graph import TYPES, Array, OnnxGraph
from models.onnx_export.operations import arithmetic, arrays, checks, layers, reductions, sparse, texts
from spec.artifacts.signature_names import ERROR

Translate = Callable[["Conversion", Any], "list[str]"]
_OPERATIONS: dict[str, Translate] = {
    **arithmetic.OPERATIONS,
    **arrays.OPERATIONS,
    **checks.OPERATIONS,
    **layers.OPERATIONS,
    **reductions.OPERATIONS,
    **sparse.OPERATIONS,
    **texts.OPERATIONS,
}
_UNKNOWN = {
    "StringNGrams": "the role text",
    "StringSplitV2": "the role text",
    "DecodeImage": "the role image",
    "DecodePng": "the role image",
    "DecodeJpeg": "the role image",
    "While": "a loop, as the role image has",
    "StatelessWhile": "a loop, as the role image has",
    "StringToHashBucketFast": "hash buckets, of the role hashed, of oov above 1 or of a cross that is hashed",
}
"""Operation without a counterpart in ONNX -> the feature of a config that needs it."""
_MAX_NAMED = 3


class NotConvertibleError(ValueError):
    """An operation that ONNX cannot express; the message names the columns or the layer."""


class Conversion:
    """Conversion of one signature.

    Args:
        function: Signature to convert.

    Attributes:
        graph: ONNX graph of all translated operations.

    Raises:
        NotConvertibleError: ONNX cannot express an operation.
    """

    def __init__(self, function: FrozenFunction) -> None:
        self.graph = OnnxGraph()
        self._function = function
        self._values: dict[str, str] = {tensor.name: name for name, tensor in function.inputs.items()}
        self._checks: list[tuple[str, list[str]]] = []
        for operation in self._ordered():
            self._translate(operation)

    def _ordered(self) -> Iterator[Any]:
        """Yield the operations that the outputs need, also by control, each after its inputs."""
        visited: set[str] = set()
        waiting = [tensor.op for tensor in self._function.outputs.values()]
        operations = waiting[0].graph.get_operations() if waiting else []
        place = {operation.name: number for number, operation in enumerate(operations)}
        while waiting:
            operation = waiting[-1]
            dependencies = [
                tensor.op for tensor in self._read(operation) if tensor.name not in self._function.constants
            ]
            # TensorFlow's control inputs are a set. In the graph's order, a row fails by the same check each time.
            controls = sorted(operation.control_inputs, key=lambda control: place[control.name], reverse=True)
            dependencies = [dependency for dependency in (*dependencies, *controls) if dependency.name not in visited]
            if operation.name in visited or not dependencies:
                waiting.pop()
                if operation.name not in visited:
                    visited.add(operation.name)
                    yield operation
            else:
                waiting += dependencies

    def _read(self, operation: Any) -> list[Any]:
        """Return the inputs of an operation that its translation reads."""
        if operation.type in checks.CONDITIONS:
            return checks.read(operation, self.branches(operation))
        return list(operation.inputs)

    def _translate(self, operation: Any) -> None:
        values = operation.outputs
        if operation.type == "Placeholder" or (
            values and all(value.name in self._function.constants for value in values)
        ):
            return
        translate = _OPERATIONS.get(operation.type)
        if translate is None:
            raise self.refusal(operation)
        names = translate(self, operation)
        self._values |= {tensor.name: name for tensor, name in zip(operation.outputs, names, strict=False)}

    def refusal(self, operation: Any, reason: str = "") -> NotConvertibleError:
        """Make the error for an operation that ONNX cannot express.

        Args:
            operation: The operation.
            reason: Name of the unsupported feature; "" for the name of the role or the operation.
        """
        columns = self._columns(operation)
        location = f"layer {operation.name.split('/')[-2]}" if "/" in operation.name else operation.name
        if columns and len(columns) <= _MAX_NAMED:
            location = f"column {', '.join(map(repr, columns))}"
        kind = "While" if operation.type.startswith("TensorList") else operation.type
        feature = reason or _UNKNOWN.get(kind) or f"the operation {operation.type}"
        return NotConvertibleError(f"{location}: ONNX cannot express {feature}")

    def _columns(self, operation: Any) -> list[str]:
        """Return the names of the signature's inputs that an operation depends on, sorted."""
        names = {tensor.op.name: name for name, tensor in self._function.inputs.items()}
        visited: set[str] = set()
        waiting = [operation]
        while waiting:
            ancestor = waiting.pop()
            if ancestor.name not in visited:
                visited.add(ancestor.name)
                waiting += [tensor.op for tensor in ancestor.inputs]
        return sorted(name for operation_name, name in names.items() if operation_name in visited)

    def input(self, operation: Any, position: int) -> str:
        """Return the name of an operation's input in the ONNX graph."""
        tensor = operation.inputs[position]
        value = self._function.constants.get(tensor.name)
        return self._values[tensor.name] if value is None else self.graph.constant(value, tensor.dtype.name)

    def inputs(self, operation: Any) -> list[str]:
        """Return the names of all inputs of an operation in the ONNX graph."""
        return [self.input(operation, position) for position in range(len(operation.inputs))]

    def known(self, operation: Any, position: int) -> Array | None:
        """Return the value of an operation's input that is constant; None if it is computed."""
        value = self._function.constants.get(operation.inputs[position].name)
        return None if value is None else np.asarray(value)

    def constant(self, operation: Any, position: int) -> Array:
        """Return the value of an operation's input that must be constant.

        Raises:
            NotConvertibleError: the input is computed.
        """
        value = self.known(operation, position)
        if value is None:
            raise self.refusal(operation, f"{operation.type} with computed arguments")
        return value

    def table(self, operation: Any) -> Table:
        """Return the lookup table of an operation."""
        return self._function.tables[source(operation.inputs[0]).name]

    def branches(self, operation: Any) -> list[Any]:
        """Return the bodies of a condition as FunctionDefs: (for true, for false)."""
        return self._function.branches(operation)

    def integers(self, name: str, dtype: str = "int64") -> str:
        """Cast a value to integers, of 64 bits as most ONNX operators require; return its name."""
        return self.graph.add("Cast", name, to=TYPES[dtype])

    def check(self, good: str, messages: list[str]) -> None:
        """Add a check of rows.

        Args:
            good: Name of a bool value of (rows, number of messages): which columns are valid.
            messages: Message for an invalid value of each column.
        """
        self._checks.append((good, messages))

    @property
    def messages(self) -> list[str]:
        """Messages of all checks; check 1 has the first."""
        return [message for _, messages in self._checks for message in messages]

    def model(self, notes: dict[str, str]) -> Any:
        """Build the ONNX model, whose outputs are those of the signature and `error`, int64 (rows,).

        Args:
            notes: Metadata of the model: key -> text.

        Raises:
            NotConvertibleError: an input has the name of an output, or a value has no known rank.
        """
        tensors = self._function.outputs
        for name in self._function.inputs:
            if name in (*tensors, ERROR):
                raise NotConvertibleError(f"column {name!r}: ONNX cannot express an input and an output of one name")
        outputs = {name: (self._output(tensor), tensor.dtype.name, _shape(tensor)) for name, tensor in tensors.items()}
        outputs[ERROR] = (self._error(), "int64", [None])
        inputs = {name: (tensor.dtype.name, _shape(tensor)) for name, tensor in self._function.inputs.items()}
        return self.graph.model(inputs, outputs, notes)

    def _output(self, tensor: Any) -> str:
        value = self._function.constants.get(tensor.name)
        return self._values[tensor.name] if value is None else self.graph.constant(value, tensor.dtype.name)

    def _error(self) -> str:
        """Add the nodes of `error`: the number of the first check that each row fails, 0 for none."""
        graph = self.graph
        first_input = next(iter(self._function.inputs))
        rows = graph.add("Slice", graph.add("Shape", first_input), graph.constant([0]), graph.constant([1]))
        error = graph.add("Expand", graph.constant([0], "int64"), rows)
        number = len(self.messages)
        for is_valid, messages in reversed(self._checks):
            number -= len(messages)
            table = graph.add("Reshape", is_valid, graph.constant([-1, len(messages)], "int64"))
            numbers = graph.add("Cast", table, to=TYPES["int32"])
            failed_position = graph.add("ArgMin", numbers, axis=1, keepdims=0)
            failed_check = graph.add("Add", failed_position, graph.constant(number + 1, "int64"))
            holds = graph.add("ReduceMin", numbers, graph.constant([1], "int64"), keepdims=0)
            error = graph.add("Where", graph.add("Cast", holds, to=TYPES["bool"]), error, failed_check)
        return error


def _shape(tensor: Any) -> list[int | None]:
    if tensor.shape.rank is None:
        raise NotConvertibleError(f"{tensor.op.name}: ONNX cannot express a value of unknown rank")
    return [None if position == 0 else size for position, size in enumerate(tensor.shape.as_list())]
