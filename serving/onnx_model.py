"""Model exported with `export --format onnx`: one ONNX file for each signature, and export.json, which describes them.

It needs ONNX Runtime, and no TensorFlow.
"""

import ctypes
import hashlib
import importlib.util
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spec.artifacts.signature_names import DEFAULT, ERROR, ROWS

MANIFEST = "export.json"
FILES = {DEFAULT: "model.onnx", ROWS: "rows.onnx"}
"""Signature -> file name."""
TOLERANCE = 1e-5
"""Relative and absolute tolerance of predictions."""
_TEXT = "ai.onnx.contrib"
_OPERATORS = "onnxruntime_extensions"
_OWN_SYMBOLS = getattr(os, "RTLD_DEEPBIND", 0)
"""Flag of glibc's loader: a library calls its own functions before those of the same name that others export."""
_ERRORS_ONLY = 3
INSTALL = "install the group `onnx` of pyproject.toml, with uv: `uv sync --inexact --group onnx`"

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class OnnxSignature:
    """A signature as export.json describes it.

    Attributes:
        name: Name of the signature.
        inputs: Input name -> TensorFlow's name of its dtype; all have shape (rows,).
        outputs: Output name -> TensorFlow's name of its dtype, and its shape without the rows.
        messages: Messages of the checks; check 1 has the first.
        columns: Input name -> column name.
        sample: Input name -> cells of the sample rows.
        answers: Output name -> predictions for the sample rows.
    """

    name: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, tuple[str, tuple[int, ...]]]
    messages: tuple[str, ...]
    columns: Mapping[str, str]
    sample: Mapping[str, Sequence[Any]]
    answers: Mapping[str, Any]


class RowError(ValueError):
    """A row that fails a check of the model.

    Attributes:
        row: Number of the row, from 0.
    """

    def __init__(self, message: str, row: int) -> None:
        super().__init__(message)
        self.row = row


class InferenceError(ValueError):
    """ONNX Runtime fails."""


class OnnxModel:
    """A model in ONNX Runtime.

    Args:
        folder: Folder of the exported model.
        cores: Number of cores that ONNX Runtime may use.

    Attributes:
        signatures: Signature name -> signature.
        constants: Values of the signatures without inputs, by signature and output; text as str.
        version: Version of the exported model.

    Raises:
        ValueError: a file is missing, was changed after the export, or cannot be loaded.
    """

    def __init__(self, folder: str, cores: int = 1) -> None:
        manifest = read_manifest(folder)
        self.version = int(manifest["version"])
        self.constants = {
            name: {output: array(values, kind) for output, (kind, values) in outputs.items()}
            for name, outputs in manifest["constants"].items()
        }
        self.signatures: dict[str, OnnxSignature] = {}
        self._sessions: dict[str, Any] = {}
        for name, described in manifest["signatures"].items():
            content = _content(folder, described)
            self.signatures[name] = _signature(name, described)
            self._sessions[name] = session(content, cores)

    def run(self, name: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run a signature.

        Args:
            name: Name of the signature.
            inputs: Input name -> array of (rows,), text as str or UTF-8 bytes.

        Returns:
            Output name -> array of (rows, ...).

        Raises:
            RowError: a row fails a check of the model.
            InferenceError: ONNX Runtime fails.
            ValueError: a text is not UTF-8.
        """
        signature = self.signatures[name]
        arrays = {key: _fed(key, inputs[key], kind) for key, kind in signature.inputs.items()}
        outputs = run(self._sessions[name], arrays, [*signature.outputs, ERROR])
        errors = outputs.pop(ERROR)
        if errors.any():
            row = int(np.flatnonzero(errors)[0])
            raise RowError(_message(signature, arrays, int(errors[row]), row), row)
        return outputs

    def check(self) -> int:
        """Run each signature on the sample rows, and compare the predictions with those of the export.

        Returns:
            Number of rows.

        Raises:
            ValueError: a prediction differs.
        """
        rows = 0
        for name, signature in self.signatures.items():
            inputs = {key: array(signature.sample[key], kind) for key, kind in signature.inputs.items()}
            outputs = self.run(name, inputs)
            for output, (kind, _) in signature.outputs.items():
                if not same(array(signature.answers[output], kind), outputs[output]):
                    raise ValueError(f"{name}: {output} of the sample rows is not what it was at the export")
            rows += len(next(iter(inputs.values())))
        return rows


def installed() -> bool:
    """Return whether ONNX Runtime is installed."""
    return importlib.util.find_spec("onnxruntime") is not None


def read_manifest(folder: str) -> dict[str, Any]:
    """Read export.json.

    Raises:
        ValueError: it is missing, describes no ONNX files, or is of an older export without constants.
    """
    path = os.path.join(folder, MANIFEST)
    try:
        with open(path, encoding="utf-8") as file:
            manifest: dict[str, Any] = json.load(file)
        if manifest["format"] != "onnx" or not manifest["signatures"] or "constants" not in manifest:
            raise ValueError("it describes no ONNX files, or not all that they need")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} cannot be read: {error}: export the model again") from error
    return manifest


def digest(content: bytes) -> str:
    """Return the SHA-256 digest of a file's content, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def session(content: bytes, cores: int) -> Any:
    """Load an ONNX model.

    Args:
        content: Content of the model's file.
        cores: Number of cores that ONNX Runtime may use.

    Returns:
        An onnxruntime.InferenceSession.

    Raises:
        ValueError: ONNX Runtime, or its operators for text, are not installed, or the file is no model for it.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ValueError(f"the package onnxruntime is missing: {INSTALL}") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    # Threads that wait for work in a loop take a core each, which requests need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if _TEXT.encode() in content:
        options.register_custom_ops_library(_text_operators())
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no common class
        raise ValueError(f"ONNX Runtime cannot load it: {_line(error)}") from error


def run(loaded: Any, inputs: Mapping[str, Array], outputs: Sequence[str]) -> dict[str, Array]:
    """Run a session; inputs and outputs are arrays by name.

    Raises:
        InferenceError: ONNX Runtime refuses the inputs, or fails.
    """
    try:
        return dict(zip(outputs, loaded.run(list(outputs), dict(inputs)), strict=True))
    except Exception as error:  # ONNX Runtime's errors have no common class
        raise InferenceError(_line(error)) from error


def array(values: Any, kind: str) -> Array:
    """Convert values to an array of a dtype by TensorFlow's name; text becomes an object array."""
    return np.array(values, object if kind == "string" else kind)


def same(expected: Array, actual: Array) -> bool:
    """Return whether outputs are equal: numbers within the tolerance, text and integers exactly."""
    if expected.shape != actual.shape:
        return False
    if expected.dtype.kind == "f":
        return bool(np.allclose(expected, actual, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True))
    return bool((expected == actual).all())


def _text_operators() -> str:
    """Load the library with the operators for text; the package itself would import more than it needs.

    TensorFlow exports the functions of its RE2. With those of TensorFlow 2.21 the library, which has another RE2, finds
    no match in any text, without an error.

    Returns:
        Path of the library; ONNX Runtime, which opens it again, gets the loaded one.

    Raises:
        ValueError: it is missing, or cannot be loaded.
    """
    package = importlib.util.find_spec(_OPERATORS)
    for folder in (package.submodule_search_locations or ()) if package else ():
        for name in sorted(os.listdir(folder)):
            if name.startswith("_extensions_pydll") and name.endswith(".so"):
                path = os.path.join(folder, name)
                try:
                    ctypes.CDLL(path, os.RTLD_NOW | os.RTLD_LOCAL | _OWN_SYMBOLS)
                except OSError as error:
                    raise ValueError(f"the package onnxruntime-extensions cannot be loaded: {error}") from error
                return path
    raise ValueError(f"the package onnxruntime-extensions is missing, which this model needs for text: {INSTALL}")


def _content(folder: str, described: Mapping[str, Any]) -> bytes:
    path = os.path.join(folder, os.path.basename(described["file"]))
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}: export the model again") from error
    if digest(content) != described["digest"]:
        raise ValueError(f"{path} was changed after the export: export the model again")
    return content


def _signature(name: str, described: Mapping[str, Any]) -> OnnxSignature:
    return OnnxSignature(
        name=name,
        inputs=described["inputs"],
        outputs={output: (kind, tuple(sizes)) for output, (kind, sizes) in described["outputs"].items()},
        messages=tuple(described["messages"]),
        columns=described["columns"],
        sample=described["sample"],
        answers=described["answers"],
    )


def _fed(name: str, values: Array, kind: str) -> Array:
    if kind != "string":
        return values
    try:
        return np.array([cell.decode() if isinstance(cell, bytes) else cell for cell in values.tolist()], object)
    except UnicodeDecodeError as error:
        raise ValueError(f"input {name} holds bytes that are not UTF-8 text") from error


def _message(signature: OnnxSignature, inputs: Mapping[str, Array], number: int, row: int) -> str:
    """Return the message of a failed check, with the invalid cell if the message names a column."""
    message = signature.messages[number - 1]
    for name, column in signature.columns.items():
        start = f"column {column!r} "
        if message.startswith(start):
            return f"{message} {inputs[name][row]}"
    return message.partition(";")[0]


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:500]
