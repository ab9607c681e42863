"""Implementation of `runner.py predict`: predictions for the rows of files, part by part."""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import printing
import project
from components.inference import input_rows, prediction_table
from components.inference.prediction_parts import NAMED, PredictionParts
from components.inference.row_model import RowModel
from components.ingestion.discovery import compression, formats
from errors import ResourceError, UserError
from orchestration import serving_folders
from orchestration.prediction.resumable_parts import Parts
from pipeline import load
from pipeline.config import Config
from serving import versions
from spec.rows.data_paths import flat

STREAM = "-"
"""Standard input as the source, and standard output as the target."""
STANDARD_INPUT = "standard input"
"""Name of that source in messages."""


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
        model = RowModel(folder, config.label.kind, [image.column for image in config.features.of("image")])
        explainer = model.explainer() if explain else None
        files = input_rows.files(data)
        parts = PredictionParts(model, data, files, config.columns.id, explainer=explainer)
        for column, reason in (explainer.unexplained if explainer else {}).items():
            _note(f"column {column!r} has no contribution: {reason}")
        if output == STREAM:
            records: list[dict[str, Any]] = []
            for part in parts.after(0):
                head = b"" if records else prediction_table.head(part.table, form)
                printing.block((head + prediction_table.encoded(part.table, form)).decode())
                records.append(part.record)
        else:
            digest = versions.read(os.path.dirname(folder), number).digest
            job = parts.identity() | {"version": number, "digest": digest}
            with Parts(output, form, job).held(_note) as finished:
                for part in parts.after(len(finished.records)):
                    finished.add(part.table, part.record)
                finished.place()
            records = finished.records
        shown_path = STANDARD_INPUT if source == STREAM else path
        error_texts = [text.replace(path, shown_path) for record in records for text in record["named"]][:NAMED]
    outcome = Outcome(
        sum(part_record["rows"] for part_record in records),
        sum(part_record["errors"] for part_record in records),
        error_texts,
        number,
    )
    if outcome.errors == outcome.rows:
        raise UserError("\n".join(["no row can be predicted:", *error_texts]))
    return outcome


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
    """Yield the path of the source; standard input is copied to a temporary file, because it is read twice.

    Raises:
        UserError: as inside the `with` block; messages name standard input instead of the copy.
    """
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
        try:
            yield copy
        except UserError as error:
            raise UserError(str(error).replace(copy, STANDARD_INPUT)) from error


def _note(text: str) -> None:
    printing.line(text, to=sys.stderr)
