"""The engine ONNX Runtime: the files of an export, without TensorFlow.

The files have no signature for tf.Examples. `serving_examples` parses them here, with the rules of TensorFlow's parser,
and runs `serving_default`.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from serving.onnx_model import InferenceError, OnnxModel, RowError
from serving.server import example_messages
from serving.server.engines.session import Signature
from serving.server.example_messages import Example
from serving.server.json_api.json_values import Input
from serving.server.statuses import RequestError
from spec.artifacts.signature_names import DEFAULT, EXAMPLES
from spec.file_names import REQUESTS

_INPUT = "examples"
_TYPES = {
    "float32": "DT_FLOAT",
    "float64": "DT_DOUBLE",
    "int32": "DT_INT32",
    "string": "DT_STRING",
    "int64": "DT_INT64",
    "bool": "DT_BOOL",
}
_KINDS = {"float32": "float_list", "int64": "int64_list", "string": "bytes_list"}
_SHOWN = {"float_list": "float", "int64_list": "int64", "bytes_list": "string"}
_NULLS = {"float32": float("nan"), "int64": -(2**63), "string": b""}

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class _Column:
    """A column of tf.Examples, and the input that it becomes."""

    name: str
    column: str
    dtype: str
    nullable: bool


class OnnxSession:
    """A loaded export.

    Args:
        folder: Folder of the version.
        exported: Folder of its export.
        cores: Number of cores that ONNX Runtime may use.

    Raises:
        ValueError: the export cannot be loaded.
    """

    def __init__(self, folder: str, exported: str, cores: int) -> None:
        self.folder = folder
        self._model = OnnxModel(exported, cores)
        self._columns = _columns(folder)
        signatures: dict[str, Signature] = {}
        for name, signature in sorted(self._model.signatures.items()):
            signatures[name] = _signature(name, signature.inputs, signature.outputs)
            if name == DEFAULT and self._columns:
                signatures[EXAMPLES] = _signature(EXAMPLES, {_INPUT: "string"}, signature.outputs)
        for name, constants in self._model.constants.items():
            shapes = {output: (value.dtype.name, value.shape) for output, value in constants.items()}
            signatures[name] = _signature(name, {}, shapes)
        self.signatures: Mapping[str, Signature] = signatures

    def run(self, signature: Signature, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run a signature; arguments as of `Session`.

        Raises:
            RequestError: the model refuses a row, a text is not UTF-8, or ONNX Runtime fails.
        """
        name = signature.name
        if name in self._model.constants:
            return {output: _plain(value) for output, value in self._model.constants[name].items()}
        if name == EXAMPLES:
            name, inputs = DEFAULT, _parsed(inputs[_INPUT].tolist(), self._columns)
        try:
            outputs = self._model.run(name, inputs)
        except RowError as error:
            raise RequestError(str(error)) from error
        except InferenceError as error:
            raise RequestError(str(error), "INTERNAL") from error
        except ValueError as error:
            raise RequestError(str(error)) from error
        return {output: _plain(value) for output, value in outputs.items()}

    def warm_up(self) -> int:
        """Predict the rows that the export kept, compare, and return the number of requests.

        Raises:
            ValueError: a prediction is not that of the export.
        """
        self._model.check()
        return len(self._model.signatures)

    def close(self) -> None:
        """Leave the memory to Python: it is freed with the last reference."""


class OnnxEngine:
    """Loads exports.

    Args:
        find: Returns the folder of the export of a model's version, and raises ValueError if there is none.
        stop: Ends `find` where it takes long.
    """

    def __init__(self, find: Callable[[str, int], str], stop: Callable[[], object]) -> None:
        self._find = find
        self._stop = stop

    def load(self, name: str, number: int, folder: str, cores: int) -> OnnxSession:
        """Load a version; arguments and errors as of `Engine`."""
        return OnnxSession(folder, self._find(name, number), cores)

    def stop(self) -> None:
        """End a load that takes long."""
        self._stop()


def _signature(name: str, inputs: Mapping[str, str], outputs: Mapping[str, tuple[str, tuple[int, ...]]]) -> Signature:
    rows = () if not inputs else (-1,)
    input_infos = {tensor_name: _info(tensor_name, kind, rows) for tensor_name, kind in sorted(inputs.items())}
    output_infos = {
        tensor_name: _info(tensor_name, kind, (*rows, *sizes)) for tensor_name, (kind, sizes) in sorted(outputs.items())
    }
    return Signature(
        name=name,
        inputs=tuple(
            Input(tensor_name, "object" if kind == "string" else kind, kind, rows)
            for tensor_name, kind in sorted(inputs.items())
        ),
        outputs=tuple(sorted(outputs)),
        batches=bool(inputs),
        definition={
            "inputs": input_infos,
            "outputs": output_infos,
            "method_name": "tensorflow/serving/predict",
            "defaults": {},
        },
    )


def _info(name: str, kind: str, shape: Sequence[int]) -> dict[str, Any]:
    """Describe a tensor as a TensorInfo; its name is that of the ONNX file."""
    dims = [{"size": str(size), "name": ""} for size in shape]
    return {
        "dtype": _TYPES["string" if kind == "object" else kind],
        "tensor_shape": {"dim": dims, "unknown_rank": False},
        "name": name,
    }


def _columns(folder: str) -> tuple[_Column, ...]:
    """Return the columns that the version reads; empty if its folder does not list them."""
    try:
        with open(os.path.join(folder, REQUESTS), encoding="utf-8") as file:
            inputs = json.load(file)["inputs"]
        return tuple(
            _Column(column["name"], column["column"], column["dtype"], column["nullable"]) for column in inputs
        )
    except (OSError, ValueError, LookupError, TypeError):
        return ()


def _parsed(records: Sequence[bytes], columns: Sequence[_Column]) -> dict[str, Array]:
    """Parse serialized tf.Examples.

    Raises:
        RequestError: a record is not a tf.Example, or a column has no value of its type.
    """
    rows = []
    for position, record in enumerate(records):
        try:
            rows.append(Example.FromString(record).features.feature)
        except Exception as error:  # protobuf's class for it depends on its implementation
            raise RequestError(f"Could not parse example input, at row {position}") from error
    parsed = {}
    for column in columns:
        cells = np.empty(len(rows), object)
        for position, row in enumerate(rows):
            cells[position] = _cell(row, column, position)
        parsed[column.name] = cells if column.dtype == "string" else cells.astype(column.dtype)
    return parsed


def _cell(row: Any, column: _Column, row_number: int) -> Any:
    kind, values = example_messages.values(row[column.column]) if column.column in row else ("", [])
    location = f"Name: <unknown>, Key: {column.column}, Index: {row_number}."
    expected_kind = _KINDS[column.dtype]
    type_name = _SHOWN[expected_kind]
    if kind not in ("", expected_kind):
        raise RequestError(
            f"{location}  Data types don't match. Data type: {_SHOWN[kind]} but expected type: {type_name}"
        )
    if not kind and not column.nullable:
        raise RequestError(
            f"Name: <unknown>, Feature: {column.column} (data type: {type_name}) is required but could not be found."
        )
    if len(values) > 1 or not (values or column.nullable):
        raise RequestError(
            f"{location}  Number of {type_name} values != expected.  Values size: {len(values)} but output shape: [1]"
        )
    return values[0] if values else _NULLS[column.dtype]


def _plain(value: Array) -> Array:
    """Return texts as bytes, and numbers as NumPy's usual types: orjson does not know C's long long."""
    if value.dtype.kind != "O":
        return value.view(np.dtype(value.dtype.name))
    texts = np.empty(value.size, object)
    texts[:] = [cell.encode() if isinstance(cell, str) else cell for cell in value.ravel().tolist()]
    return texts.reshape(value.shape)
