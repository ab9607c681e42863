"""Conversion of a pushed version to ONNX files, whose predictions are compared with those of the version."""

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from errors import ResourceError, UserError
from models.onnx_export.conversion import Conversion, NotConvertibleError
from models.onnx_export.frozen_function import freeze
from models.onnx_export.onnx_graph import TEXT
from orchestration.export import sample_inputs
from serving import onnx_model
from serving.version_files import write
from spec.artifacts import signature_names

Array = np.ndarray[Any, Any]


def write_files(source: str, target: str, name: str, version: int) -> list[str]:
    """Convert a version.

    Args:
        source: Its folder.
        target: Folder to write to.
        name: The pipeline.
        version: Its number.

    Returns:
        Notes for the user, one sentence each.

    Raises:
        UserError: ONNX cannot express a part of the model.
        ResourceError: the predictions of the files differ from those of the model.
    """
    model = tf.saved_model.load(source)
    signatures: dict[str, Any] = {}
    needs_text = False
    rows = {signature_names.DEFAULT: sample_inputs.typed, signature_names.ROWS: sample_inputs.texts}
    for signature, file in onnx_model.FILES.items():
        function = model.signatures[signature]
        try:
            conversion = Conversion(freeze(function))
            content = conversion.model({"pipeline": name, "version": str(version)}).SerializeToString()
        except NotConvertibleError as error:
            raise UserError(f"{name} has no ONNX form: {error}. Use --format saved_model") from error
        inputs, count = rows[signature](source)
        predictions = _compared(signature, function, content, inputs, count)
        needs_text = needs_text or TEXT in conversion.graph.domains
        write(os.path.join(target, file), content)
        specs = function.structured_input_signature[1]
        signatures[signature] = {
            "file": file,
            "digest": onnx_model.digest(content),
            "inputs": {key: specs[key].dtype.name for key in sorted(specs)},
            "outputs": {
                key: [spec.dtype.name, spec.shape.as_list()[1:]]
                for key, spec in sorted(function.structured_outputs.items())
            },
            "messages": conversion.messages,
            "columns": sample_inputs.columns(source),
            "sample": {key: values[:count].tolist() for key, values in inputs.items()},
            "answers": {key: values.tolist() for key, values in predictions.items()},
        }
    manifest = {
        "format": "onnx",
        "name": name,
        "version": version,
        "signatures": signatures,
        "constants": _constants(model),
    }
    write(os.path.join(target, onnx_model.MANIFEST), json.dumps(manifest, indent=1).encode())
    try:
        onnx_model.OnnxModel(target).check()
    except ValueError as error:
        raise ResourceError(f"the files cannot be read again: {error}") from error
    return ["model.onnx needs onnxruntime-extensions for text"] if needs_text else []


def _constants(model: Any) -> dict[str, Any]:
    """Return the type and the values of each output of the signatures without inputs, such as the names of classes."""
    constants = {}
    for signature, function in model.signatures.items():
        if not function.structured_input_signature[1]:
            values = {output: _plain(value.numpy()) for output, value in function().items()}
            constants[signature] = {
                output: ["string" if value.dtype.kind == "O" else value.dtype.name, value.tolist()]
                for output, value in sorted(values.items())
            }
    return constants


def _compared(
    signature: str, function: Any, content: bytes, inputs: Mapping[str, Array], count: int
) -> Mapping[str, Array]:
    """Compare the predictions for all rows; return those for the first `count`."""
    rows = len(next(iter(inputs.values())))
    outputs = sorted(function.structured_outputs)
    try:
        onnx_outputs = onnx_model.run(onnx_model.session(content, 1), inputs, [*outputs, signature_names.ERROR])
    except ValueError as error:
        raise ResourceError(f"the ONNX form of {signature} cannot be run: {error}") from error
    errors = onnx_outputs.pop(signature_names.ERROR)

    def check(start: int, stop: int) -> None:
        """Compare some rows; halve them while TensorFlow refuses one of them."""
        columns = {column: values[start:stop] for column, values in inputs.items()}
        expected = _answers(function, columns)
        if expected is None and stop - start > 1:
            middle = (start + stop) // 2
            check(start, middle)
            check(middle, stop)
            return
        refused = np.full(stop - start, expected is None)
        equal = ((errors[start:stop] != 0) == refused).all() and (
            expected is None
            or all(onnx_model.same(expected[column], onnx_outputs[column][start:stop]) for column in outputs)
        )
        if not equal:
            raise ResourceError(_difference(signature, start, columns, expected, onnx_outputs, errors[start:stop]))

    check(0, count)
    check(count, rows)
    return {column: values[:count] for column, values in onnx_outputs.items()}


def _answers(function: Callable[..., Any], inputs: Mapping[str, Array]) -> dict[str, Array] | None:
    """Return the SavedModel's predictions, text as str; None if it refuses a row."""
    try:
        outputs = function(**{column: tf.constant(values) for column, values in inputs.items()})
    except tf.errors.InvalidArgumentError:
        return None
    return {column: _plain(value.numpy()) for column, value in outputs.items()}


def _plain(value: Array) -> Array:
    if value.dtype.kind != "O":
        return value
    return np.array([text.decode(errors="replace") for text in value.ravel().tolist()], object).reshape(value.shape)


def _difference(
    signature: str,
    start: int,
    inputs: Mapping[str, Array],
    expected: Mapping[str, Array] | None,
    onnx_outputs: Mapping[str, Array],
    errors: Array,
) -> str:
    message = f"{signature}: the ONNX form does not predict what the SavedModel does"
    for row in range(len(errors)):
        cells = ", ".join(f"{column}={values[row]!r}" for column, values in inputs.items())
        refused = errors[row] != 0
        if expected is None or refused:
            if refused != (expected is None):
                return f"{message}: it {'refuses' if refused else 'accepts'} the row {cells}"
            continue
        for column, values in expected.items():
            actual = onnx_outputs[column][start + row : start + row + 1]
            if not onnx_model.same(values[row : row + 1], actual):
                return f"{message}: {column} is {actual[0]}, not {values[row]}, for the row {cells}"
    return message
