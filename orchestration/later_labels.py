"""Labels that became known after their rows were served, by the id of the row."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from components.inference import input_rows
from components.inference.input_rows import InputColumn
from components.inference.row_model import RowModel
from components.ingestion import sources
from errors import UserError
from pipeline.config import Config

NAMED = 5
"""Errors that are named."""
_ROWS = 65536
"""Rows that are read at once."""


class LaterLabels:
    """Labels by id.

    Args:
        model: The model, which converts labels as it did for its evaluation.
        config: The config.
        types: Column -> type of the approved schema.
        id_column: Column of the ids.

    Attributes:
        of: Id -> label and weight.
        twice: Ids with several equal labels.
        contradictory: Ids with different labels.
        invalid: Number of labels that the model does not know, or that are not valid.
        named: Sentences on the first of them.
    """

    def __init__(self, model: RowModel, config: Config, types: Mapping[str, str], id_column: str) -> None:
        self._model, self._config, self._id, self._types = model, config, id_column, types
        self.of: dict[str, tuple[float, float]] = {}
        self.twice: set[str] = set()
        self.contradictory: set[str] = set()
        self.invalid = 0
        self.named: list[str] = []

    def read(self, paths: str) -> None:
        """Read files with a column of ids and the label; without the column of the weights, each row counts as one.

        Args:
            paths: Path or pattern, in any format that ingestion reads.

        Raises:
            UserError: a file cannot be read or lacks a column.
        """
        label, weight = str(self._config.label.column), self._config.columns.weight
        data = input_rows.settings(self._config.data, paths, None)
        for path in input_rows.files(data):
            present = sources.reader(path, data).look(path, data)
            for column in (self._id, label):
                if column not in present:
                    raise UserError(f"{path}: column {column!r} is missing; known columns: {', '.join(present)}")
            names = [label, *([weight] if weight in present else [])]
            columns = [InputColumn(name, self._types[name], True) for name in names]
            for rows in input_rows.read(path, data, columns, [self._id], _ROWS):
                self._add(rows)

    def _add(self, rows: input_rows.Rows) -> None:
        label, ids = rows.cells.column(0), rows.names.column(0).to_pylist()
        valid = [row for row in range(len(ids)) if row not in rows.errors and ids[row] and label[row].is_valid]
        cells = self._weighted(rows.cells.take(pa.array(valid, pa.int64())))
        labels, weights, refused = self._model.labels(cells)
        errors = {**rows.errors, **{valid[place]: text for place, text in refused.items()}}
        accepted: Sequence[int] = [row for place, row in enumerate(valid) if place not in refused]
        has_classes = self._config.label.kind != "regression"
        for row, number, row_weight in zip(accepted, labels.tolist(), weights.tolist(), strict=True):
            if has_classes and number < 0:
                errors[row] = f"label {label[row].as_py()!r} is none of the model's classes"
            else:
                self._put(str(ids[row]), number, row_weight)
        self.invalid += len(errors)
        self.named = [*self.named, *input_rows.shown_errors(rows, dict(sorted(errors.items())))][:NAMED]

    def _weighted(self, cells: pa.RecordBatch) -> pa.RecordBatch:
        """Add the column of the weights that the model reads, if there is none."""
        weight = self._config.columns.weight
        if weight is None or weight in cells.schema.names:
            return cells
        kind = pa.int64() if self._types[weight] == "INT" else pa.float32()
        ones = pa.array(np.ones(len(cells)), pa.float64()).cast(kind)
        return pa.RecordBatch.from_arrays([*cells.columns, ones], [*cells.schema.names, weight])

    def _put(self, row_id: str, label: float, weight: float) -> None:
        if row_id not in self.of:
            self.of[row_id] = (label, weight)
        elif self.of[row_id] == (label, weight):
            self.twice.add(row_id)
        else:
            self.contradictory.add(row_id)
