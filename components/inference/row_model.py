"""An exported model that predicts rows; rows that it rejects are isolated, and the others are predicted."""

import base64
import json
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf

from components.evaluator.metrics.calibration_error import UNCALIBRATED
from components.evaluator.prediction import Model
from components.inference import dense_columns
from components.inference.explained_rows import RowExplainer
from components.inference.input_rows import InputColumn
from components.ingestion.write import example_encoding, record_writer
from components.transformation import transform_errors
from errors import ResourceError
from models.export import self_check
from spec.file_names import REQUESTS

_Values = dict[str, np.ndarray[Any, Any]]
_KINDS = {"int64": "INT", "float32": "FLOAT", "string": "BYTES"}


class RowModel:
    """An exported model that predicts rows.

    Args:
        folder: Folder of the SavedModel, such as a pushed version.
        kind: Kind of the label's task.
        image_columns: Columns with encoded images, for messages.

    Attributes:
        columns: Raw columns that the model reads.
        batch: Largest number of rows to predict at once.
        classes: Names of the classes in the order of the probabilities; None for other tasks.

    Raises:
        ResourceError: it cannot be loaded, or lacks the files that name its columns.
    """

    def __init__(self, folder: str, kind: str, image_columns: Sequence[str] = ()) -> None:
        self._folder = folder
        try:
            inputs = _read(folder, REQUESTS)["inputs"]
            self.columns = [
                InputColumn(column["column"], _KINDS[column["dtype"]], column["nullable"]) for column in inputs
            ]
            self._inputs = {column["column"]: column["name"] for column in inputs}
            self._model = Model(folder, kind)
            # A convolution fails on an empty batch, so the outputs of no rows are taken from the outputs of one row.
            [row] = _read(folder, self_check.SAMPLE)["rows"][:1]
            outputs = self._outputs_of_examples([base64.b64decode(row)])
            self._sample = tf.train.Example.FromString(base64.b64decode(row))
            self._of_no_rows = {name: values[:0] for name, values in outputs.items()}
        except (FileNotFoundError, tf.errors.NotFoundError) as error:
            raise ResourceError(
                f"{folder} lacks {REQUESTS} or {self_check.SAMPLE}, which tell the model's columns and outputs: push a "
                "new model"
            ) from error
        except (OSError, ValueError, KeyError, tf.errors.OpError) as error:
            raise ResourceError(f"{folder} cannot be loaded: {error}") from error
        self.batch = self._model.batch
        self.classes = self._model.classes
        self._subject = transform_errors.Subject(images=tuple(image_columns))

    def predict(self, cells: pa.RecordBatch) -> tuple[dict[str, np.ndarray[Any, Any]], dict[int, str]]:
        """Predict rows.

        Args:
            cells: n rows of the columns that the model reads.

        Returns:
            Output -> its values for the rows without errors, in order; row number -> why it has no prediction.

        Raises:
            ResourceError: the model fails for another reason than a row.
        """
        parts, errors = self._isolated(self._outputs, cells)
        parts.append(self._of_no_rows)
        return {name: np.concatenate([part[name] for part in parts]) for name in self._of_no_rows}, errors

    @property
    def outputs(self) -> dict[str, int]:
        """Output of numbers -> its number of values in a row; 0 for one value that is not in a list."""
        numbers = {name: values for name, values in self._of_no_rows.items() if values.dtype != object}
        return {name: values.shape[1] if values.ndim > 1 else 0 for name, values in numbers.items()}

    def labels(self, cells: pa.RecordBatch) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], dict[int, str]]:
        """Compute labels, as the evaluator compares them with predictions.

        Args:
            cells: n rows with the label, and the weight if the model has one. The model parses its other columns too,
                which have no effect: they are those of its first sample row.

        Returns:
            Labels and weights of the rows without errors, in order; row number -> why it has no label.

        Raises:
            ResourceError: the model fails for another reason than a row.
        """
        columns = dict(zip(cells.schema.names, cells.columns, strict=True))
        for column in self.columns:
            feature = self._sample.features.feature[column.name]
            value = list(getattr(feature, feature.WhichOneof("kind") or "bytes_list").value)[:1] or [None]
            columns.setdefault(column.name, pa.array(value * len(cells), dense_columns.TYPES[column.kind]))
        complete = pa.RecordBatch.from_arrays(list(columns.values()), list(columns))
        parts, errors = self._isolated(self._labels, complete)
        labels = np.concatenate([values["label"] for values in parts]) if parts else np.zeros(0)
        weights = np.concatenate([values["weight"] for values in parts]) if parts else np.zeros(0)
        return labels, weights, errors

    def explainer(self) -> RowExplainer:
        """Return the explainer of its predictions.

        Raises:
            UserError: it carries no background rows, or has no column to explain.
        """
        kinds = {column.name: column.kind for column in self.columns}
        return RowExplainer(self._folder, kinds, self._model.predict_columns)

    def _outputs(self, cells: pa.RecordBatch) -> _Values:
        dense = self._dense(cells)
        if dense is None:
            return self._outputs_of_examples(record_writer.cut(example_encoding.examples(cells)))
        return self._model.predict_columns(dense)

    def _dense(self, cells: pa.RecordBatch) -> _Values | None:
        """Return the inputs of `serving_default`, which needs no tf.Examples; None if they cannot express the cells."""
        if self._model.inputs != set(self._inputs.values()):
            return None
        inputs = {}
        for column in self.columns:
            array = cells.column(cells.schema.get_field_index(column.name))
            if pa.types.is_fixed_size_list(array.type):
                return None
            values = dense_columns.dense(array, column.kind)
            if column.nullable and not dense_columns.is_exact(array, values, column.kind):
                return None
            inputs[self._inputs[column.name]] = values
        return inputs

    def _outputs_of_examples(self, examples: Sequence[bytes]) -> _Values:
        outputs = self._model.predict(tf.constant(list(examples), tf.string))
        # What the evaluator compares calibrated probabilities with is no prediction.
        outputs.pop(UNCALIBRATED, None)
        return outputs

    def _labels(self, cells: pa.RecordBatch) -> _Values:
        label, weight = self._model.label(tf.constant(record_writer.cut(example_encoding.examples(cells)), tf.string))
        return {"label": label, "weight": weight}

    def _isolated(
        self, compute: Callable[[pa.RecordBatch], _Values], rows: pa.RecordBatch
    ) -> tuple[list[_Values], dict[int, str]]:
        """Compute values of rows in batches; return those of each batch, and the errors of rows that are rejected.

        A batch that the model rejects is halved, down to the single rows that it rejects.
        """
        parts: list[_Values] = []
        errors: dict[int, str] = {}
        # A stack, because a function that calls itself would hold the rows until the next garbage collection.
        pending = [(start, min(start + self.batch, len(rows))) for start in range(0, len(rows), self.batch)][::-1]
        while pending:
            start, stop = pending.pop()
            try:
                parts.append(compute(rows.slice(start, stop - start)))
            except tf.errors.InvalidArgumentError as error:
                if stop - start == 1:
                    errors[start] = self._reason(error)
                    continue
                middle = (start + stop) // 2
                pending += [(middle, stop), (start, middle)]
        return parts, errors

    def _reason(self, error: tf.errors.OpError) -> str:
        explained = transform_errors.explain(error, self._subject)
        text = str(explained) if explained is not None else str(error.message)
        return text.removesuffix(transform_errors.ADVICE).partition("\n")[0]


def _read(folder: str, name: str) -> Any:
    """Read a JSON file of a model, which may be in a bucket."""
    with tf.io.gfile.GFile(os.path.join(folder, name)) as file:
        return json.loads(file.read())
