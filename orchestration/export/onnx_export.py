"""A pushed version as ONNX files, compared with it before they are kept."""

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
        Notes on the files, as sentences.

    Raises:
        UserError: ONNX cannot express a part of the model.
        ResourceError: the predictions of the files differ from those of the model.
    """
    model = tf.saved_model.load(source)
    described: dict[str, Any] = {}
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
        answers = _compared(signature, function, content, inputs, count)
        needs_text = needs_text or TEXT in conversion.graph.domains
        write(os.path.join(target, file), content)
        specs = function.structured_input_signature[1]
        described[signature] = {
            "file": file,
            "digest": onnx_model.digest(content),
            "inputs": {column: specs[column].dtype.name for column in sorted(specs)},
            "outputs": {
                output: [spec.dtype.name, spec.shape.as_list()[1:]]
                for output, spec in sorted(function.structured_outputs.items())
            },
            "messages": conversion.messages,
            "columns": sample_inputs.columns(source),
            "sample": {column: values[:count].tolist() for column, values in inputs.items()},
            "answers": {output: values.tolist() for output, values in answers.items()},
        }
    manifest = {
        "format": "onnx",
        "name": name,
        "version": version,
        "signatures": described,
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
        predicted = onnx_model.run(onnx_model.session(content, 1), inputs, [*outputs, signature_names.ERROR])
    except ValueError as error:
        raise ResourceError(f"the ONNX form of {signature} cannot be run: {error}") from error
    errors = predicted.pop(signature_names.ERROR)

    def check(start: int, stop: int) -> None:
        """Compare some rows; halve them while TensorFlow refuses one of them."""
        block = {name: values[start:stop] for name, values in inputs.items()}
        expected = _answers(function, block)
        if expected is None and stop - start > 1:
            middle = (start + stop) // 2
            check(start, middle)
            check(middle, stop)
            return
        refused = np.full(stop - start, expected is None)
        equal = ((errors[start:stop] != 0) == refused).all() and (
            expected is None or all(onnx_model.same(expected[name], predicted[name][start:stop]) for name in outputs)
        )
        if not equal:
            raise ResourceError(_difference(signature, start, block, expected, predicted, errors[start:stop]))

    check(0, count)
    check(count, rows)
    return {name: values[:count] for name, values in predicted.items()}


def _answers(function: Callable[..., Any], inputs: Mapping[str, Array]) -> dict[str, Array] | None:
    """Return the SavedModel's predictions, text as str; None if it refuses a row."""
    try:
        outputs = function(**{name: tf.constant(values) for name, values in inputs.items()})
    except tf.errors.InvalidArgumentError:
        return None
    return {name: _plain(value.numpy()) for name, value in outputs.items()}


def _plain(value: Array) -> Array:
    if value.dtype.kind != "O":
        return value
    return np.array([text.decode(errors="replace") for text in value.ravel().tolist()], object).reshape(value.shape)


def _difference(
    signature: str,
    start: int,
    inputs: Mapping[str, Array],
    expected: Mapping[str, Array] | None,
    predicted: Mapping[str, Array],
    errors: Array,
) -> str:
    rows = f"{signature}: the predictions of the ONNX model differ from those of the SavedModel"
    for row in range(len(errors)):
        cells = ", ".join(f"{name}={values[row]!r}" for name, values in inputs.items())
        refused = errors[row] != 0
        if expected is None or refused:
            if refused != (expected is None):
                return f"{rows}: it {'refuses' if refused else 'accepts'} the row {cells}"
            continue
        for name, values in expected.items():
            if not onnx_model.same(values[row : row + 1], predicted[name][start + row : start + row + 1]):
                return f"{rows}: {name} is {predicted[name][start + row]}, not {values[row]}, for the row {cells}"
    return rows
