"""A pushed model that predicts rows; rows that it rejects are isolated, and the others are predicted."""

import base64
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from components.evaluator.prediction import Model
from components.transformation import transform_errors
from errors import ResourceError
from models.export import self_check
from orchestration.prediction.explained_rows import RowExplainer
from spec.file_names import REQUESTS

_KINDS = {"int64": "INT", "float32": "FLOAT", "string": "BYTES"}


@dataclass(frozen=True)
class InputColumn:
    """A raw column that the model reads.

    Attributes:
        name: Its name in the data.
        kind: INT, FLOAT or BYTES.
        nullable: Whether a cell may be null.
    """

    name: str
    kind: str
    nullable: bool


class PushedModel:
    """A pushed model.

    Args:
        folder: Folder of the version.
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
            with open(os.path.join(folder, REQUESTS), encoding="utf-8") as file:
                inputs = json.load(file)["inputs"]
            self.columns = [
                InputColumn(column["column"], _KINDS[column["dtype"]], column["nullable"]) for column in inputs
            ]
            self._model = Model(folder, kind)
            # A convolution fails on an empty batch, so the outputs of no rows are taken from the outputs of one row.
            with open(os.path.join(folder, self_check.SAMPLE), encoding="utf-8") as file:
                [row] = json.load(file)["rows"][:1]
            outputs = self._model.predict(tf.constant([base64.b64decode(row)]))
            self._of_no_rows = {name: values[:0] for name, values in outputs.items()}
        except FileNotFoundError as error:
            raise ResourceError(
                f"{folder} lacks {REQUESTS} or {self_check.SAMPLE}, which tell the model's columns and outputs: push a "
                "new model"
            ) from error
        except (OSError, ValueError, KeyError, tf.errors.OpError) as error:
            raise ResourceError(f"{folder} cannot be loaded: {error}") from error
        self.batch = self._model.batch
        self.classes = self._model.classes
        self._subject = transform_errors.Subject(images=tuple(image_columns))

    def predict(self, examples: Sequence[bytes]) -> tuple[dict[str, np.ndarray[Any, Any]], dict[int, str]]:
        """Predict rows.

        Args:
            examples: n serialized tf.Examples with the columns that the model reads.

        Returns:
            Output -> its values for the rows without errors, in order; row number -> why it has no prediction.

        Raises:
            ResourceError: the model fails for another reason than a row.
        """
        errors: dict[int, str] = {}
        parts: list[Mapping[str, np.ndarray[Any, Any]]] = []
        for start in range(0, len(examples), self.batch):
            self._predict(examples[start : start + self.batch], start, parts, errors)
        parts.append(self._of_no_rows)
        return {name: np.concatenate([part[name] for part in parts]) for name in self._of_no_rows}, errors

    def explainer(self) -> RowExplainer:
        """Return the explainer of its predictions.

        Raises:
            UserError: it carries no background rows, or has no column to explain.
        """
        kinds = {column.name: column.kind for column in self.columns}
        return RowExplainer(self._folder, kinds, self._model.predict_columns)

    def _predict(
        self,
        examples: Sequence[bytes],
        first: int,
        parts: list[Mapping[str, np.ndarray[Any, Any]]],
        errors: dict[int, str],
    ) -> None:
        """Predict rows; if the model rejects them, predict each half, down to the single rows that it rejects."""
        try:
            parts.append(self._model.predict(tf.constant(list(examples), tf.string)))
            return
        except tf.errors.InvalidArgumentError as error:
            if len(examples) == 1:
                errors[first] = self._reason(error)
                return
        middle = len(examples) // 2
        self._predict(examples[:middle], first, parts, errors)
        self._predict(examples[middle:], first + middle, parts, errors)

    def _reason(self, error: tf.errors.OpError) -> str:
        explained = transform_errors.explain(error, self._subject)
        text = str(explained) if explained is not None else str(error.message)
        return text.removesuffix(transform_errors.ADVICE).partition("\n")[0]
