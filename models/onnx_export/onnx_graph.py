"""Builder of an ONNX graph."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ML, TEXT = "ai.onnx.ml", "ai.onnx.contrib"
"""Domain of the lookup operators, and of the text operators of onnxruntime-extensions."""
VERSIONS = {"": 20, ML: 2, TEXT: 1}
"""Domain -> version of its operators; onnxruntime 1.17 supports them, and 20 is the first with regular expressions."""
_FORMAT = 9
"""Version of ONNX's file format (IR) for these operators."""
TYPES = {
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "bool": TensorProto.BOOL,
    "string": TensorProto.STRING,
}
"""TensorFlow's name of a dtype -> ONNX's number."""

Array = np.ndarray[Any, Any]


class OnnxGraph:
    """Graph under construction; a node or constant is referred to by the name of its output."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._made: dict[Any, list[str]] = {}
        self._joined: dict[str, tuple[int, list[str]]] = {}
        self._constants: dict[Any, str] = {}
        self._initializers: list[Any] = []
        self._count = 0
        self._domains = {""}

    @property
    def domains(self) -> set[str]:
        """Domains of the operators in the graph; "" is ONNX's own."""
        return self._domains

    def add(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output; return the name of the output."""
        [output] = self.add_many(kind, inputs, 1, domain, **attributes)
        return output

    def add_many(
        self, kind: str, inputs: Sequence[str], outputs: int, domain: str = "", **attributes: Any
    ) -> list[str]:
        """Add a node with several outputs unless the graph has an equal one; return the names of the outputs."""
        if kind == "Split" and (parts := self._parts(inputs, outputs, attributes)):
            return parts
        node = helper.make_node(kind, list(inputs), [], domain=domain, **attributes)
        key = node.SerializeToString(deterministic=True), outputs
        if key not in self._made:
            self._made[key] = [self._name(kind) for _ in range(outputs)]
            node.output.extend(self._made[key])
            self._nodes.append(node)
            self._domains.add(domain)
            if kind == "Concat":
                self._joined[self._made[key][0]] = attributes["axis"], list(inputs)
        return self._made[key]

    def _parts(self, inputs: Sequence[str], outputs: int, attributes: Mapping[str, Any]) -> list[str]:
        """Return the parts of a split that undoes a join of single columns; nothing for any other split."""
        axis, joined = self._joined.get(inputs[0], (None, []))
        if axis != attributes["axis"] or len(inputs) > 1 or len(joined) != outputs:
            return []
        columns = {node.output[0] for node in self._nodes if node.op_type == "Unsqueeze"}
        axis_constant = self.constant([axis], "int64")
        single = all(
            node.input[1] == axis_constant
            for node in self._nodes
            if node.op_type == "Unsqueeze" and node.output[0] in joined
        )
        return joined if single and columns.issuperset(joined) else []

    def constant(self, value: Any, dtype: str | None = None) -> str:
        """Add a constant unless the graph has an equal one; return its name.

        Args:
            value: Array, or value that NumPy converts to one; text as bytes or str.
            dtype: TensorFlow's name of the dtype; None for that of the array.
        """
        array = np.asarray(value) if dtype in (None, "string") else np.asarray(value, dtype)
        if array.dtype.kind in "OSU":
            texts = [text.encode() if isinstance(text, str) else bytes(text) for text in array.ravel().tolist()]
            key: Any = (array.shape, tuple(texts))
        else:
            array = np.ascontiguousarray(array).reshape(array.shape)
            key = (array.shape, array.dtype.str, array.tobytes())
        if key not in self._constants:
            self._constants[key] = name = self._name("constant")
            if array.dtype.kind in "OSU":
                tensor = helper.make_tensor(name, TensorProto.STRING, array.shape, texts)
            else:
                tensor = numpy_helper.from_array(array, name)
            self._initializers.append(tensor)
        return self._constants[key]

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{kind}_{self._count}"

    def model(
        self,
        inputs: Mapping[str, tuple[str, Sequence[Any]]],
        outputs: Mapping[str, tuple[str, str, Sequence[Any]]],
        notes: Mapping[str, str],
    ) -> Any:
        """Build and check the ONNX model.

        Args:
            inputs: Input name -> (dtype, shape); None in a shape is the number of rows.
            outputs: Output name -> (name of the value, dtype, shape).
            notes: Metadata of the model: key -> text.

        Returns:
            An onnx.ModelProto.
        """
        output_nodes = [helper.make_node("Identity", [value], [name]) for name, (value, _, _) in outputs.items()]
        used = {name for node in output_nodes for name in node.input}
        nodes = []
        for node in reversed(self._nodes):
            if used.intersection(node.output):
                nodes.append(node)
                used.update(node.input)
        graph = helper.make_graph(
            [*reversed(nodes), *output_nodes],
            "model",
            [helper.make_tensor_value_info(name, TYPES[kind], _shape(shape)) for name, (kind, shape) in inputs.items()],
            [
                helper.make_tensor_value_info(name, TYPES[kind], _shape(shape))
                for name, (_, kind, shape) in outputs.items()
            ],
            initializer=[initializer for initializer in self._initializers if initializer.name in used],
        )
        versions = [helper.make_opsetid(domain, VERSIONS[domain]) for domain in sorted(self._domains)]
        model = helper.make_model(graph, opset_imports=versions, ir_version=_FORMAT, producer_name="keras-pipeline")
        helper.set_model_props(model, dict(notes))
        onnx.checker.check_model(model)
        return model


def _shape(shape: Sequence[Any]) -> list[Any]:
    return ["rows" if size is None else int(size) for size in shape]
