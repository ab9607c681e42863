"""Contributions of the columns to the predictions of `runner.py predict --explain`."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf

from components.inference import dense_columns
from errors import UserError
from serving.explanation import background
from serving.explanation.shapley import Explainer

BASE_VALUE, CONTRIBUTION = "base_value", "contribution_"
"""Column of the mean prediction of the background rows, and prefix of a column's contribution to the difference."""

Array = np.ndarray[Any, Any]


class RowExplainer:
    """Explains the predictions of rows, one row after the other.

    Args:
        folder: Folder of the version.
        kinds: Column -> INT, FLOAT or BYTES.
        predict: Predicts rows by input of `serving_default`.

    Raises:
        UserError: the version cannot be explained; the message says what to do.
    """

    def __init__(
        self, folder: str, kinds: Mapping[str, str], predict: Callable[[Mapping[str, Array]], Mapping[str, Array]]
    ) -> None:
        try:
            rows = background.read(folder)
            self._explainer = Explainer(rows)
        except background.NotExplainableError as error:
            raise UserError(str(error)) from error
        self._inputs = dict(rows.columns)
        self._explained = [rows.columns[name] for name in rows.cells]
        self.unexplained = {rows.columns[name]: reason for name, reason in rows.unexplained.items()}
        """Column without contributions -> reason."""
        self._kinds = kinds
        self._predict = predict

    def columns(self, cells: pa.RecordBatch) -> dict[str, Array]:
        """Explain rows that the model predicts.

        Args:
            cells: m rows with the columns that the model reads.

        Returns:
            Name of an output column -> its values, float64 (m,): the base value, and the contribution of each column.

        Raises:
            UserError: the model refuses the cells of a row together with those of background rows.
        """
        dense = {
            name: dense_columns.dense(cells.column(cells.schema.get_field_index(column)), self._kinds[column])
            for name, column in self._inputs.items()
        }
        names = [BASE_VALUE, *(f"{CONTRIBUTION}{column}" for column in self._explained)]
        values = np.empty((len(cells), len(names)))
        for place in range(len(cells)):
            mixed = self._explainer.mixed({name: column[place] for name, column in dense.items()})
            try:
                explanation = self._explainer.explanation(self._predict(mixed))
            except background.NotExplainableError as error:
                raise UserError(str(error)) from error
            except tf.errors.InvalidArgumentError as error:
                reason = str(error.message).partition("\n")[0]
                raise UserError(
                    "--explain: the model refuses a row in which some cells are those of a training row, so that its "
                    f"predictions cannot be explained: {reason}. Predict without --explain"
                ) from error
            values[place] = [explanation.base_value, *(explanation.contributions[name] for name in self._explained)]
        return {name: values[:, place] for place, name in enumerate(names)}
