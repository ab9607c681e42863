"""Implementation of `runner.py predict`: predictions for the rows of files, one part at a time."""

import contextlib
import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

import printing
import project
from components.ingestion import sources
from components.ingestion.discovery import compression, formats
from components.ingestion.write import example_encoding, record_writer
from components.prefetch import prefetch
from errors import ResourceError, UserError
from orchestration import serving_folders
from orchestration.prediction import input_rows, prediction_table
from orchestration.prediction.explained_rows import RowExplainer
from orchestration.prediction.pushed_model import PushedModel
from orchestration.prediction.resumable_parts import Parts
from pipeline import load
from pipeline.config import Config
from serving import versions
from spec.data import Data
from spec.rows.data_paths import flat

STREAM = "-"
"""Standard input as the source, and standard output as the target."""
PART_BATCHES = 16
"""Number of batches of a part: it is in memory as a whole, and a killed command repeats at most one part."""
EXPLAINED_ROWS = 256
"""Rows of one part whose predictions are explained, for each of which the model predicts thousands of rows."""
NAMED = 5
"""Maximum number of errors that are printed; the output contains all."""


@dataclass(frozen=True)
class Outcome:
    """Result of a prediction.

    Attributes:
        rows: Number of rows.
        errors: Number of rows without a prediction.
        named: Sentences on the first of them.
        version: The version that predicted.
    """

    rows: int
    errors: int
    named: Sequence[str]
    version: int


def predict(
    root: str, name: str, source: str, output: str, version: int | None = None, explain: bool = False
) -> Outcome:
    """Predict the rows of files, and write them with their predictions.

    Args:
        root: The folder of all runs.
        name: The pipeline, PIPELINE-VARIANT or PIPELINE-sample.
        source: Path or pattern of the files; STREAM for standard input.
        output: A file, whose extension tells the format; STREAM for CSV on standard output.
        version: The version; None for the one that serves.
        explain: Whether to write what each column contributes to a prediction.

    Raises:
        UserError: the pipeline, the version or a file does not exist, a file cannot be read or lacks a column, no row
            can be predicted, or the version cannot be explained.
        ResourceError: the model cannot be loaded, or the output cannot be written.
    """
    form = "csv" if output == STREAM else prediction_table.format_of(output)
    config = _config(name)
    number, folder = serving_folders.version(root, name, version)
    with _source(source, config) as path:
        data = input_rows.settings(config.data, path, _config_format(config) if source == STREAM else None)
        model = PushedModel(folder, config.label.kind, [image.column for image in config.features.of("image")])
        explainer = model.explainer() if explain else None
        job = _Job(model, data, input_rows.files(data), config.columns.id, explainer)
        for column, reason in (explainer.unexplained if explainer else {}).items():
            _note(f"column {column!r} has no contribution: {reason}")
        if output == STREAM:
            records: list[dict[str, Any]] = []
            for rows, record in job.parts(0):
                head = b"" if records else prediction_table.head(rows, form)
                printing.block((head + prediction_table.encoded(rows, form)).decode())
                records.append(record)
        else:
            digest = versions.read(os.path.dirname(folder), number).digest
            with Parts(output, form, job.identity() | {"version": number, "digest": digest}).held(_note) as parts:
                for rows, record in job.parts(len(parts.records)):
                    parts.add(rows, record)
                parts.place()
            records = parts.records
    error_texts = [text for record in records for text in record["named"]][:NAMED]
    outcome = Outcome(
        sum(part_record["rows"] for part_record in records),
        sum(part_record["errors"] for part_record in records),
        error_texts,
        number,
    )
    if outcome.errors == outcome.rows:
        raise UserError("\n".join(["no row can be predicted:", *error_texts]))
    return outcome


class _Job:
    """Predicts the rows of files, part by part.

    Args:
        model: The model.
        data: [data] for these files.
        files: The files.
        row_id: Column with the id of a row; None if there is none.
        explainer: What explains the predictions; None not to explain them.
    """

    def __init__(
        self,
        model: PushedModel,
        data: Data,
        files: Sequence[str],
        row_id: str | None,
        explainer: RowExplainer | None = None,
    ) -> None:
        self._model, self._data, self._files, self._explainer = model, data, list(files), explainer
        self._size = model.batch * PART_BATCHES if explainer is None else EXPLAINED_ROWS
        self._id = [row_id] if row_id is not None else []

    def identity(self) -> dict[str, Any]:
        """Return what identifies the parts: the current state of the files, and the settings that read them."""
        states = [os.stat(path) for path in self._files]
        files = [[path, state.st_size, state.st_mtime_ns] for path, state in zip(self._files, states, strict=True)]
        settings = {"data": self._data.model_dump(mode="json"), "explain": self._explainer is not None}
        return {"files": files, "rows": self._size, **settings}

    def parts(self, finished: int) -> Iterator[tuple[pa.Table, dict[str, Any]]]:
        """Predict the parts that follow the finished ones.

        Yields:
            Rows with their predictions; and a record with the numbers of `rows` and `errors`, and the first errors by
            name.
        """
        for number, rows in enumerate(prefetch(self._rows())):
            if number < finished:
                continue
            good = np.setdiff1d(np.arange(len(rows.cells)), list(rows.errors)).astype(np.int64)
            cells = rows.cells.take(pa.array(good)) if rows.errors else rows.cells
            outputs, refused = self._model.predict(record_writer.cut(example_encoding.examples(cells)))
            errors = dict(
                sorted({**rows.errors, **{int(good[place]): text for place, text in refused.items()}}.items())
            )
            contributions = {}
            if self._explainer is not None:
                accepted = np.setdiff1d(np.arange(len(cells)), list(refused)).astype(np.int64)
                contributions = self._explainer.columns(cells.take(pa.array(accepted)) if refused else cells)
            predicted = prediction_table.table(
                rows,
                outputs,
                errors,
                classes=self._model.classes,
                with_file=len(self._files) > 1,
                contributions=contributions,
            )
            error_texts = list(itertools.islice(input_rows.shown_errors(rows, errors), NAMED))
            yield predicted, {"rows": len(rows.cells), "errors": len(errors), "named": error_texts}

    def _rows(self) -> Iterator[input_rows.Rows]:
        for path in self._files:
            names = [*self._id, *sources.added(path, self._data)]
            yield from input_rows.read(path, self._data, self._model.columns, names, self._size)


def _config(name: str) -> Config:
    """Read the config of a run's name."""
    run_name = load.run_name(project.folder(), name)
    return load.load(project.folder(), run_name.pipeline, variant=run_name.variant)


def _config_format(config: Config) -> str:
    """Return the format of the config's data, which standard input must have too."""
    path = flat(config.data.path)[0][1] if config.data.path else ""
    return config.data.format or formats.format_of(path) or "csv"


@contextlib.contextmanager
def _source(source: str, config: Config) -> Iterator[str]:
    """Yield the path of the source; standard input is copied to a temporary file, because it is read twice."""
    if source != STREAM:
        yield source
        return
    path = flat(config.data.path)[0][1] if config.data.path else ""
    extension = os.path.splitext(compression.bare(path))[1]
    with tempfile.TemporaryDirectory(prefix="pipeline-predict-") as folder:
        copy = os.path.join(folder, f"standard-input{extension}")
        try:
            with open(copy, "wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file, 1 << 20)
        except OSError as error:
            raise ResourceError(f"standard input could not be copied to {folder}: {error.strerror or error}") from error
        yield copy


def _note(text: str) -> None:
    printing.line(text, to=sys.stderr)
