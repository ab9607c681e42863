"""Predicts the rows of [inference] with the blessed model of the run."""

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import path_utils

import project
from components import summary
from components.fingerprints import code_digest
from components.inference import input_rows, prediction_table
from components.inference.inference_settings import InferenceSettings
from components.inference.input_rows import InputColumn
from components.inference.prediction_logs import PredictionLogs
from components.inference.prediction_parts import NAMED, PredictionParts
from components.inference.row_model import RowModel
from components.ingestion.discovery import bucket_data, data_files
from components.ingestion.write import example_encoding, record_writer
from errors import UserError
from models import progress
from spec import settings
from spec.data import Data
from spec.file_names import PREDICTED, PREDICTIONS

_BLOCK_BYTES = 1 << 20


class Executor(base_executor.BaseExecutor):  # type: ignore[misc]
    """Executor of the node inference."""

    @code_digest.checked
    def Do(  # noqa: N802  TFX's name
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """Predict the rows if the model is blessed.

        Raises:
            UserError: a file cannot be read or lacks a column, or no row can be predicted.
            ResourceError: the files have changed since their digest was computed, or the model cannot be loaded.
        """
        artifact = artifact_utils.get_single_instance(output_dict["inference_result"])
        fileio.makedirs(artifact.uri)
        blessing = artifact_utils.get_single_instance(input_dict["blessing"])
        if not blessing.get_int_custom_property("blessed"):
            summary.put(artifact, "nothing predicted: the model is not blessed")
            return
        values = settings.unpack(json.loads(exec_properties["settings"]))
        config = InferenceSettings.under(project.folder(), values)
        model = artifact_utils.get_single_instance(input_dict["model"])
        content = exec_properties.get("content") or ""
        with _found(config, content) as data, progress.doing("predicting"):
            facts = _predict(config, data, content, path_utils.serving_model_path(model.uri), artifact.uri)
        with fileio.open(f"{artifact.uri}/{PREDICTED}", "w") as file:
            file.write(json.dumps(facts, indent=1))
        summary.put(artifact, line(facts))


def line(facts: dict[str, Any]) -> str:
    """Return the number of rows that were predicted, and of those that were not, as one line."""
    errors = f", {facts['errors']:,} more have an error" if facts["errors"] else ""
    return f"{facts['rows'] - facts['errors']:,} rows predicted{errors}"


@contextlib.contextmanager
def _found(config: InferenceSettings, content: str) -> Iterator[Data]:
    """Yield [data] with the paths of the rows on this machine, downloaded if they are in a bucket."""
    with bucket_data.of_job(config.paths, config.data, content) as bucket:
        if bucket is None:
            yield config.data
            return
        bucket.verify(content)
        bucket.fill()
        with bucket.named():
            yield config.data.model_copy(update={"path": bucket.paths})


def _predict(config: InferenceSettings, data: Data, content: str, model_folder: str, target: str) -> dict[str, Any]:
    """Write predictions and prediction logs; return the numbers of rows and of errors, and the first errors."""
    files = input_rows.files(data)
    if not content.startswith(bucket_data.CONTENT):
        data_files.verify(data_files.resolve(data.paths, data), content)
    model = RowModel(model_folder, config.kind, config.images)
    label = None if config.label is None else InputColumn(config.label, config.label_type, True)
    parts = PredictionParts(model, data, files, config.identifier, label=label)
    facts: dict[str, Any] = {"rows": 0, "errors": 0, "named": [], "files": len(files)}
    # Written here first: TFX's files lack what the writer of Parquet needs.
    with tempfile.TemporaryFile() as file:
        with PredictionLogs(target) as logs, prediction_table.TableWriter(file, config.output) as writer:
            for part in parts.after(0):
                writer.write(part.table)
                logs.add(record_writer.cut(example_encoding.examples(part.cells)), part.outputs)
                facts["rows"] += part.record["rows"]
                facts["errors"] += part.record["errors"]
                facts["named"] = [*facts["named"], *part.record["named"]][:NAMED]
        file.seek(0)
        with fileio.open(f"{target}/{PREDICTIONS.format(output=config.output)}", "wb") as table:
            shutil.copyfileobj(file, table, _BLOCK_BYTES)
    if facts["errors"] == facts["rows"] and facts["rows"]:
        raise UserError("\n".join(["no row can be predicted:", *facts["named"]]))
    return facts
