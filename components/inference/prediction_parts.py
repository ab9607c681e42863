"""Predictions for the rows of files, part by part, so that the files need not fit in memory."""

import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.inference import input_rows, prediction_table
from components.inference.explained_rows import RowExplainer
from components.inference.input_rows import InputColumn
from components.inference.row_model import RowModel
from components.ingestion import sources
from components.prefetch import map_ahead, prefetch
from spec.data import Data

PART_BATCHES = 16
"""Number of batches of a part, which is in memory as a whole."""
THREADS = 2
"""Number of parts that are predicted at once: one keeps one core busy for most of its time. A killed command repeats
those that are not written, at most one more than this."""
EXPLAINED_ROWS = 256
"""Rows of one part whose predictions are explained, for each of which the model predicts thousands of rows."""
NAMED = 5
"""Maximum number of errors that are named; the table contains all."""


@dataclass(frozen=True)
class Part:
    """Some rows with their predictions.

    Attributes:
        table: The rows; see `prediction_table.table`.
        record: `rows` and `errors`, their numbers, and `named`, sentences on the first errors.
        cells: The columns that the model reads, of the rows without errors, in order.
        outputs: Output of the model -> its values for these rows.
    """

    table: pa.Table
    record: dict[str, Any]
    cells: pa.RecordBatch
    outputs: Mapping[str, np.ndarray[Any, Any]]


class PredictionParts:
    """Predicts the rows of files, part by part.

    Args:
        model: The model.
        data: [data] for these files.
        files: The files.
        row_id: Column with the id of a row; None if there is none.
        label: Column whose null cells mark the rows to predict; None to predict all.
        explainer: What explains the predictions; None not to explain them.
    """

    def __init__(
        self,
        model: RowModel,
        data: Data,
        files: Sequence[str],
        row_id: str | None,
        *,
        label: InputColumn | None = None,
        explainer: RowExplainer | None = None,
    ) -> None:
        self._model, self._data, self._files, self._explainer = model, data, list(files), explainer
        self._size = model.batch * PART_BATCHES if explainer is None else EXPLAINED_ROWS
        self._id = [row_id] if row_id is not None else []
        self._label = label

    def identity(self) -> dict[str, Any]:
        """Return what identifies the parts: the current state of the files, and the settings that read them."""
        states = [os.stat(path) for path in self._files]
        files = [[path, state.st_size, state.st_mtime_ns] for path, state in zip(self._files, states, strict=True)]
        settings = {"data": self._data.model_dump(mode="json"), "explain": self._explainer is not None}
        return {"files": files, "rows": self._size, **settings}

    def after(self, finished: int) -> Iterator[Part]:
        """Predict the parts that follow the finished ones."""
        rows = itertools.islice(prefetch(self._rows()), finished, None)
        yield from map_ahead(self._predicted, rows, THREADS)

    def _predicted(self, rows: input_rows.Rows) -> Part:
        count = len(rows.cells)
        wanted = np.setdiff1d(np.arange(count), rows.labeled)
        good = np.setdiff1d(wanted, list(rows.errors)).astype(np.int64)
        cells = rows.cells.take(pa.array(good)) if len(good) < count else rows.cells
        outputs, refused = self._model.predict(cells)
        labeled = set(rows.labeled)
        errors = {place: text for place, text in rows.errors.items() if place not in labeled}
        errors = dict(sorted({**errors, **{int(good[place]): text for place, text in refused.items()}}.items()))
        if refused:
            cells = cells.take(pa.array(np.setdiff1d(np.arange(len(cells)), list(refused)).astype(np.int64)))
        contributions = {} if self._explainer is None else self._explainer.columns(cells)
        table = prediction_table.table(
            rows,
            outputs,
            {**dict.fromkeys(labeled, ""), **errors},
            classes=self._model.classes,
            with_file=len(self._files) > 1,
            contributions=contributions,
        )
        if labeled:
            table = pc.take(table, pa.array(wanted))
        named = list(itertools.islice(input_rows.shown_errors(rows, errors), NAMED))
        record = {"rows": len(wanted), "errors": len(errors), "named": named}
        return Part(table, record, cells, outputs)

    def _rows(self) -> Iterator[input_rows.Rows]:
        for path in self._files:
            names = [*self._id, *sources.added(path, self._data)]
            yield from input_rows.read(path, self._data, self._model.columns, names, self._size, self._label)
