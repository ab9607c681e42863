"""Served rows compared with the training rows of the version that served them, by the gates of the config.

The served rows take the place of a run's train split, and the training rows that of an earlier run, so that limits,
sentences and edits are those of the gates. Starts neither TensorFlow nor a stage.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

import project
from components import table_statistics
from components.ingestion import sources
from components.ingestion.discovery import data_files
from components.ingestion.ingestion_settings import IngestionSettings
from components.ingestion.parsing.casting import narrowed
from components.validation import row_locations
from components.validation.distances import column_distances
from components.validation.distances.column_distances import Distance
from components.validation.gate_context import TRAIN, GateContext, PreviousRun, WatchedColumns, row_count
from components.validation.gate_findings import Finding
from components.validation.gates import missing_gate, unseen_gate
from curation import schema_review
from errors import UserError
from inspection.read import column_statistics
from inspection.store import artifact_files, artifact_lookup
from inspection.store.metadata_store import Store, open_store
from orchestration import prediction_drift, serving_folders
from pipeline import load
from pipeline.config import Config
from pipeline.variants import Name
from spec.data import Data

MOST_ROWS = 2_000_000
"""Rows that are compared, the last files first: they are in memory."""
_GATES = {"missing": missing_gate, "unseen": unseen_gate}
"""Gates beside the distances that compare with earlier rows."""


@dataclass(frozen=True)
class Drift:
    """Result of a comparison.

    Attributes:
        version: The version whose training rows were compared.
        rows: Number of served rows.
        trained: Number of training rows.
        files: Number of files with served rows.
        left_out: Number of files that were not read, because the others have enough rows.
        distances: Distance of each column; of the predictions too, if the served rows are a log with enough of them.
        absent: Columns that the model reads and the served rows do not have.
        findings: Values above their limits, as findings of the gates.
    """

    version: int
    rows: int
    trained: int
    files: int
    left_out: int
    distances: Sequence[Distance]
    absent: Sequence[str]
    findings: Sequence[Finding]

    @property
    def blocking(self) -> list[Finding]:
        """Findings that are drift; the others are notes."""
        return [finding for finding in self.findings if finding.action != "warn"]


def compare(root: str, name: str, paths: str, *, metadata: str | None, version: int | None = None) -> Drift:
    """Compare served rows with training rows.

    Args:
        root: Folder of all runs.
        name: The pipeline, PIPELINE-VARIANT or PIPELINE-sample.
        paths: Path or pattern of the files with served rows.
        metadata: URL of the store; None for SQLite under the root.
        version: The version; None for the one that serves.

    Raises:
        UserError: a name does not exist, the rows cannot be read, or there are too few of them.
        ResourceError: the store cannot be read.
    """
    run_name = load.run_name(project.folder(), name)
    config = load.load(project.folder(), run_name.pipeline, variant=run_name.variant)
    stem = load.schema_name(project.folder(), run_name.pipeline, run_name.variant)
    columns = load.schema_columns(project.folder(), stem)
    number, _ = serving_folders.version(root, name, version)
    store = open_store(root, metadata)
    run = artifact_lookup.find_run_of(store, str(number), pipeline=name)
    trained = _trained(store, run, number)
    settings = _settings(config, columns, paths)
    files = [file.path for file in data_files.resolve(settings.paths, settings.data)]
    batches, left_out = _read(files, settings)
    served = table_statistics.proto(batches)
    if row_count(served) < config.gates.skew.min_rows:
        raise UserError(
            f"{paths} has {row_count(served):,} rows, and fewer than {config.gates.skew.min_rows:,} differ by chance "
            "alone: wait for more, or set gates.skew.min_rows in the config"
        )
    context = _context(config, run_name, stem, columns, served, settings, trained)
    previous = context.previous_runs[0]
    findings = _findings(context, config, previous)
    row_locations.locate(findings, settings)
    distances = list(column_distances.distances(context, "skew", config.gates.skew, previous))
    predictions = _predictions(store, run, files[left_out:], number, config)
    if predictions is not None:
        distances.append(predictions)
        if found_one := prediction_drift.finding(predictions, number):
            findings.append(found_one)
    present = set(batches[0].schema.names)
    return Drift(
        number,
        row_count(served),
        row_count(trained),
        len(files) - left_out,
        left_out,
        distances,
        [column for column in context.columns.used if column not in present and column != config.label.column],
        findings,
    )


def _trained(store: Store, run: str, version: int) -> Any:
    """Read the statistics of the train split of the run that trained a version."""
    for artifact, _ in artifact_lookup.of_run(store, run):
        if artifact.type == "ExampleStatistics":
            folders = artifact_files.splits(artifact_files.folder(artifact.uri, "the statistics"))
            if TRAIN in folders:
                return column_statistics.proto(folders[TRAIN])
    raise UserError(f"run {run}, which trained version {version}, has no statistics of its train split")


def _predictions(store: Store, run: str, files: Sequence[str], version: int, config: Config) -> Distance | None:
    """Compare logged predictions with those of the evaluation; None if one of the two has too few."""
    for output, expected in prediction_drift.evaluated(store, run).items():
        served = prediction_drift.logged(files, output, version)
        if expected and len(served) >= config.gates.skew.min_rows:
            return prediction_drift.distance(served, expected, config.gates.skew)
    return None


def _settings(config: Config, columns: Mapping[str, str], paths: str) -> IngestionSettings:
    """Return settings that read the files as ingestion does, without splits, spans and query."""
    plain = config.data.model_dump(include={"csv", "sheet", "strip_whitespace", "null_values", "column_null_values"})
    plain |= config.data.model_dump(include={"dates", "fold_case", "drop"})
    data = Data.model_validate({**plain, "path": paths})
    return IngestionSettings.model_validate(
        {
            "paths": data_files.under(os.getcwd(), paths),
            "data": data.model_dump(),
            "columns": dict(columns),
            "duties": {},
            "label": None,
            "complete": (),
        }
    )


def _read(files: Sequence[str], settings: IngestionSettings) -> tuple[list[pa.RecordBatch], int]:
    """Read files, the last first, until there are enough rows; return the rows, and the number of files left out."""
    parts: list[pa.RecordBatch] = []
    rows = 0
    for position, path in enumerate(reversed(files)):
        if rows >= MOST_ROWS:
            return _aligned(parts), len(files) - position
        for batch in _batches(path, settings):
            parts.append(narrowed(batch))
            rows += len(batch)
    return _aligned(parts), 0


def _batches(path: str, settings: IngestionSettings) -> Iterator[pa.RecordBatch]:
    present = sources.look(path, settings.data)
    columns = {name: kind for name, kind in settings.columns.items() if name in present}
    for batch in sources.batches(path, settings.data, columns):
        arrays = [batch.column(batch.schema.get_field_index(name)) for name in columns]
        yield pa.RecordBatch.from_arrays(arrays, list(columns))


def _aligned(parts: Sequence[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """Give all batches the same columns: those that each of them has."""
    names = [name for name in parts[0].schema.names if all(name in part.schema.names for part in parts)]
    return [
        pa.RecordBatch.from_arrays([part.column(part.schema.get_field_index(name)) for name in names], names)
        for part in parts
    ]


def _context(
    config: Config,
    name: Name,
    stem: str,
    columns: Mapping[str, str],
    served: Any,
    settings: IngestionSettings,
    trained: Any,
) -> GateContext:
    return GateContext(
        schema=schema_review.parse(os.path.join(project.folder(), load.SCHEMAS, f"{stem}.pbtxt")),
        statistics={TRAIN: served},
        label=config.label,
        columns=WatchedColumns.model_validate(config.watched(columns)),
        source=settings,
        schema_path=f"{load.SCHEMAS}/{stem}.pbtxt",
        previous_runs=[PreviousRun(row_count(trained), trained, f"the training rows of {name.run}")],
    )


def _findings(context: GateContext, config: Config, previous: PreviousRun) -> list[Finding]:
    """Judge the rows; a distance above its limit is drift, even if the gate on skew is off in a run."""
    findings = []
    for finding in column_distances.compare(context, "skew", config.gates.skew, previous):
        findings.append(replace(finding, gate="skew", action="block", splits=[]))
    for gate, module in _GATES.items():
        settings = getattr(config.gates, gate)
        if settings.action != "off":
            for finding in module.judge(context, settings):
                action = finding.action or "block"
                findings.append(replace(finding, gate=gate, action=action, splits=[]))
    return findings
