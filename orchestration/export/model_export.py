"""`export`: a pushed version in the format of another runtime; the folder is complete or does not exist."""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass

from errors import ResourceError, UserError
from orchestration import serving_folders
from orchestration.paths import Root
from serving.onnx_model import MANIFEST

FORMATS = ("saved_model", "onnx", "tflite")

TFLITE_LACKS = (
    "--format tflite is not available: the built-in operators of TensorFlow Lite have no float64, in which columns are "
    "scaled and regressions are converted to their unit, no regular expressions, which clean cells, no conversion from "
    "text to numbers, and no hash of a text. Use --format onnx, which needs no TensorFlow either"
)

Write = Callable[[str, str, str, int], list[str]]


@dataclass(frozen=True)
class Exported:
    """An exported model.

    Attributes:
        folder: Folder of the export.
        version: The exported version.
        notes: Notes for the user, one sentence each.
    """

    folder: str
    version: int
    notes: list[str]


def export(root: str, name: str, format_name: str, number: int | None, output: str | None) -> Exported:
    """Export a pushed version.

    Args:
        root: The folder of all runs.
        name: The pipeline, PIPELINE-VARIANT or PIPELINE-sample.
        format_name: One of FORMATS.
        number: The version; None for the one that serves.
        output: The folder to write; None for exports/FORMAT/VERSION in the pipeline's folder.

    Raises:
        UserError: there is no such version, the format cannot express the model, or the folder holds other files.
        ResourceError: the folder cannot be written, or the predictions of the converted model differ.
    """
    if format_name == "tflite":
        raise UserError(TFLITE_LACKS)
    number, source = serving_folders.version(root, name, number)
    target = output or os.path.join(Root(os.path.abspath(root)).exports(name, format_name), str(number))
    target = os.path.abspath(target)
    if os.path.lexists(target) and not _replaceable(target):
        raise UserError(f"{target} holds other files than an export: name another folder with -o")
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".export-", dir=os.path.dirname(target)) as folder:
            draft = os.path.join(folder, "made")
            os.makedirs(draft)
            notes = _writer(format_name)(source, draft, name, number)
            if os.path.lexists(target):
                os.rename(target, os.path.join(folder, "replaced"))
            os.rename(draft, target)
    except OSError as error:
        failed_path = f": {error.filename}" if error.filename not in (None, target) else ""
        raise ResourceError(f"{target} cannot be written: {error.strerror or error}{failed_path}") from error
    return Exported(target, number, notes)


def _writer(form: str) -> Write:
    if form == "onnx":
        from orchestration.export import onnx_export

        return onnx_export.write_files
    from orchestration.export import saved_model_export

    return saved_model_export.write_files


def _replaceable(target: str) -> bool:
    """Return whether a folder is an earlier export, or empty."""
    return os.path.isdir(target) and (not os.listdir(target) or os.path.isfile(os.path.join(target, MANIFEST)))
