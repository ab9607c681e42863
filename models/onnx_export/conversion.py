"""The walk over a signature's graph: each operation is translated after its inputs, and checks of rows are gathered."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from models.onnx_export.frozen_function import FrozenFunction, Table, source
from models.onnx_export.onnx_graph import TYPES, Array, OnnxGraph
from models.onnx_export.operations import arithmetic, arrays, checks, layers, reductions, sparse, texts

ERROR = "error"
"""The output that says which check a row fails: 0 for none, else its number, from 1."""

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
"""Operation -> what of a config needs it."""
_MOST_NAMED = 3


class NotConvertibleError(ValueError):
    """ONNX cannot express an operation."""


class Conversion:
    """The conversion of one signature.

    Args:
        function: The signature.

    Attributes:
        graph: The ONNX graph.
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
        done: set[str] = set()
        waiting = [tensor.op for tensor in self._function.outputs.values()]
        operations = waiting[0].graph.get_operations() if waiting else []
        place = {operation.name: number for number, operation in enumerate(operations)}
        while waiting:
            operation = waiting[-1]
            before = [tensor.op for tensor in self._read(operation) if tensor.name not in self._function.constants]
            # In the order of the graph, as TensorFlow has them as a set: a row must always fail by the same check.
            controls = sorted(operation.control_inputs, key=lambda control: place[control.name], reverse=True)
            before = [one for one in (*before, *controls) if one.name not in done]
            if operation.name in done or not before:
                waiting.pop()
                if operation.name not in done:
                    done.add(operation.name)
                    yield operation
            else:
                waiting += before

    def _read(self, operation: Any) -> list[Any]:
        """Return the inputs that the translation reads."""
        if operation.type in checks.CONDITIONS:
            return checks.read(operation, self.branches(operation))
        return list(operation.inputs)

    def _translate(self, operation: Any) -> None:
        values = operation.outputs
        if operation.type == "Placeholder" or (values and all(one.name in self._function.constants for one in values)):
            return
        translate = _OPERATIONS.get(operation.type)
        if translate is None:
            raise self.refusal(operation)
        names = translate(self, operation)
        self._values |= {tensor.name: name for tensor, name in zip(operation.outputs, names, strict=False)}

    def refusal(self, operation: Any, reason: str = "") -> NotConvertibleError:
        """Return the error of an operation that has no counterpart; it names the columns or the layer."""
        columns = self._columns(operation)
        place = f"layer {operation.name.split('/')[-2]}" if "/" in operation.name else operation.name
        if columns and len(columns) <= _MOST_NAMED:
            place = f"column {', '.join(map(repr, columns))}"
        kind = "While" if operation.type.startswith("TensorList") else operation.type
        what = reason or _UNKNOWN.get(kind) or f"the operation {operation.type}"
        return NotConvertibleError(f"{place}: ONNX cannot express {what}")

    def _columns(self, operation: Any) -> list[str]:
        """Return the inputs that an operation depends on."""
        names = {tensor.op.name: name for name, tensor in self._function.inputs.items()}
        done: set[str] = set()
        waiting = [operation]
        while waiting:
            one = waiting.pop()
            if one.name not in done:
                done.add(one.name)
                waiting += [tensor.op for tensor in one.inputs]
        return sorted(name for operation_name, name in names.items() if operation_name in done)

    def input(self, operation: Any, place: int) -> str:
        """Return the name of an operation's input in the ONNX graph."""
        tensor = operation.inputs[place]
        value = self._function.constants.get(tensor.name)
        return self._values[tensor.name] if value is None else self.graph.constant(value, tensor.dtype.name)

    def inputs(self, operation: Any) -> list[str]:
        """Return the names of all its inputs."""
        return [self.input(operation, place) for place in range(len(operation.inputs))]

    def known(self, operation: Any, place: int) -> Array | None:
        """Return the value of an input that is constant; None if it is not."""
        value = self._function.constants.get(operation.inputs[place].name)
        return None if value is None else np.asarray(value)

    def constant(self, operation: Any, place: int) -> Array:
        """Return the value of an input that must be constant.

        Raises:
            NotConvertibleError: it is not.
        """
        value = self.known(operation, place)
        if value is None:
            raise self.refusal(operation, f"{operation.type} with computed arguments")
        return value

    def table(self, operation: Any) -> Table:
        """Return the lookup table of an operation."""
        return self._function.tables[source(operation.inputs[0]).name]

    def branches(self, operation: Any) -> list[Any]:
        """Return the bodies of a condition, for true and for false."""
        return self._function.branches(operation)

    def integers(self, name: str, dtype: str = "int64") -> str:
        """Convert a value to integers of 64 bits, which most ONNX operators take."""
        return self.graph.add("Cast", name, to=TYPES[dtype])

    def check(self, good: str, messages: list[str]) -> None:
        """Add a check: bool of (rows, messages), and the messages for a row that fails it."""
        self._checks.append((good, messages))

    @property
    def messages(self) -> list[str]:
        """Messages for rows that fail a check, by number of the check from 1."""
        return [message for _, messages in self._checks for message in messages]

    def model(self, notes: dict[str, str]) -> Any:
        """Return the ONNX model, with one more output than the signature: `error`, int64 (rows,)."""
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
        """Return the number of the first check that each row fails; of a later one if an earlier one holds."""
        graph = self.graph
        first = next(iter(self._function.inputs))
        rows = graph.add("Slice", graph.add("Shape", first), graph.constant([0]), graph.constant([1]))
        error = graph.add("Expand", graph.constant([0], "int64"), rows)
        number = len(self.messages)
        for good, messages in reversed(self._checks):
            number -= len(messages)
            table = graph.add("Reshape", good, graph.constant([-1, len(messages)], "int64"))
            numbers = graph.add("Cast", table, to=TYPES["int32"])
            place = graph.add("ArgMin", numbers, axis=1, keepdims=0)
            bad = graph.add("Add", place, graph.constant(number + 1, "int64"))
            holds = graph.add("ReduceMin", numbers, graph.constant([1], "int64"), keepdims=0)
            error = graph.add("Where", graph.add("Cast", holds, to=TYPES["bool"]), error, bad)
        return error


def _shape(tensor: Any) -> list[int | None]:
    if tensor.shape.rank is None:
        raise NotConvertibleError(f"{tensor.op.name}: ONNX cannot express a value of unknown rank")
    return [None if place == 0 else size for place, size in enumerate(tensor.shape.as_list())]
