"""An ONNX graph under construction."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ML, TEXT = "ai.onnx.ml", "ai.onnx.contrib"
"""Domains of lookups, and of onnxruntime-extensions' operators for text."""
VERSIONS = {"": 20, ML: 2, TEXT: 1}
"""Operators that onnxruntime 1.17 and newer know; 20 is the first with regular expressions."""
_FORMAT = 9
"""Version of the file format of these operators."""
TYPES = {
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "bool": TensorProto.BOOL,
    "string": TensorProto.STRING,
}
"""TensorFlow's name of a type -> ONNX's number."""

Array = np.ndarray[Any, Any]


class OnnxGraph:
    """Nodes and constants; each is known by the name of its output."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: dict[Any, str] = {}
        self._initializers: list[Any] = []
        self._count = 0
        self._domains = {""}

    @property
    def domains(self) -> set[str]:
        """The domains of the operators."""
        return self._domains

    def add(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output, and return its name."""
        [output] = self.add_many(kind, inputs, 1, domain, **attributes)
        return output

    def add_many(
        self, kind: str, inputs: Sequence[str], outputs: int, domain: str = "", **attributes: Any
    ) -> list[str]:
        """Add a node with several outputs, and return their names."""
        names = [self._name(kind) for _ in range(outputs)]
        self._nodes.append(helper.make_node(kind, list(inputs), names, domain=domain, **attributes))
        self._domains.add(domain)
        return names

    def constant(self, value: Any, dtype: str | None = None) -> str:
        """Return the name of a constant, which equal ones share.

        Args:
            value: An array, or what NumPy makes one of; text as bytes or str.
            dtype: TensorFlow's name of its type; None for that of the array.
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
        """Return the model.

        Args:
            inputs: Name -> type and shape; None is the number of rows.
            outputs: Name -> name of the value, type and shape.
            notes: Properties to keep in the file.
        """
        named = [helper.make_node("Identity", [value], [name]) for name, (value, _, _) in outputs.items()]
        used = {name for node in (*self._nodes, *named) for name in node.input}
        graph = helper.make_graph(
            [*self._nodes, *named],
            "model",
            [helper.make_tensor_value_info(name, TYPES[kind], _shape(shape)) for name, (kind, shape) in inputs.items()],
            [
                helper.make_tensor_value_info(name, TYPES[kind], _shape(shape))
                for name, (_, kind, shape) in outputs.items()
            ],
            initializer=[one for one in self._initializers if one.name in used],
        )
        versions = [helper.make_opsetid(domain, VERSIONS[domain]) for domain in sorted(self._domains)]
        made = helper.make_model(graph, opset_imports=versions, ir_version=_FORMAT, producer_name="keras-pipeline")
        helper.set_model_props(made, dict(notes))
        onnx.checker.check_model(made)
        return made


def _shape(shape: Sequence[Any]) -> list[Any]:
    return ["rows" if size is None else int(size) for size in shape]
