"""The gates of a run, judged before it: its rows in their splits, compared with those of earlier runs."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from components import table_statistics
from components.ingestion import planning
from components.ingestion.discovery import data_files, formats
from components.ingestion.ingestion_settings import IngestionSettings
from components.ingestion.node_parameters import parameters
from components.ingestion.parsing.casting import narrowed
from components.ingestion.rows import row_division, row_profile
from components.ingestion.write import example_encoding
from components.validation import row_locations
from components.validation.gate_context import GateContext, WatchedColumns
from curation import schema_review
from errors import GateError
from orchestration.preflight import earlier_runs
from pipeline.config import Config
from pipeline.load import SCHEMAS
from pipeline.variants import Name
from spec.columns.label import CLASSED

MOST_ROWS = 2_000_000
"""Rows up to which the gates are judged in memory."""
_LATER = "the run judges them"


@dataclass(frozen=True)
class Run:
    """What the run would read.

    Attributes:
        name: The run.
        config: Its config; a query is settled.
        columns: Column -> type of the approved schema.
        schema: Path of the approved schema.
        paths: Absolute paths of the data.
        skew: Those of served rows; None where [gates] names none.
        root: Folder of all runs.
        metadata: URL of the store; None for SQLite under the root.
    """

    name: Name
    config: Config
    columns: dict[str, str]
    schema: str
    paths: Any
    skew: Any
    root: str
    metadata: str | None


def check(run: Run, rejected: Collection[str]) -> str:
    """Judge all rows by the gates, as the validation of a run does.

    Args:
        run: What the run would read.
        rejected: Columns that differ from the schema, about which gates report nothing further.

    Returns:
        What the rows were compared with, and the warnings.

    Raises:
        GateError: a gate would block the run; names the edit that accepts the data.
        UserError: the data cannot be read.
    """
    settings = _settings(run)
    first = data_files.resolve(settings.paths, settings.data)[0].path
    form = formats.of(first, settings.data.format)
    if form is None or "image" in form.keys:
        return f"gates on images: {_LATER}"
    plan = planning.plan(settings)
    parts, profile = _divided(settings, plan)
    if parts is None:
        return f"more than {MOST_ROWS:,} rows: {_LATER}"
    statistics = {split: table_statistics.proto(batches) for split, batches in parts.items()}
    previous = earlier_runs.read(
        run.root, run.name.run, run.metadata, statistics=statistics, span=plan.span, runs=run.config.gates.rows.runs
    )
    context = GateContext(
        schema=schema_review.parse(run.schema),
        statistics=statistics,
        label=run.config.label,
        columns=WatchedColumns.model_validate(run.config.watched(run.columns)),
        weight=run.config.columns.weight,
        source=settings,
        schema_path="/".join((SCHEMAS, run.schema.rpartition("/")[2])),
        facts=profile.facts,
        digests=profile.digests,
        features=profile.features,
        names=profile.names,
        previous_runs=previous,
        served_paths=run.skew,
    )
    # A gate of the user's own may import anything; see docs/decisions/0035-preflight-does-not-import.md.
    gates = run.config.gates.model_copy(update={"custom": {}})
    findings = gates.findings(context, advisory=run.name.sample, rejected=rejected)
    blocking = [finding for finding in findings if finding.action == "block"]
    if blocking:
        row_locations.locate(blocking, settings)
        lines = ["a gate would block the data:", *(f"  {finding.line()}" for finding in blocking)]
        raise GateError("\n".join([*lines, "Fix the data, or accept it with the edit above"]))
    compared = f"compared with {previous[0].name}" if previous else "no earlier run to compare with"
    if run.config.gates.custom:
        compared += f"; {', '.join(run.config.gates.custom)}: {_LATER}"
    return "\n".join([compared, *(f"warning: {finding.line()}" for finding in findings)])


def _settings(run: Run) -> IngestionSettings:
    """Return the settings that the ingestion node would have; see pipeline/create_pipeline.py."""
    config = run.config
    return IngestionSettings.model_validate(
        parameters(
            paths=run.paths,
            data=config.data,
            columns=run.columns,
            duties=config.columns,
            label=config.label.required,
            complete=config.features.complete(),
            read=config.watched(run.columns)["used"],
            classes=config.label.kind in CLASSED,
        )
    )


def _divided(
    settings: IngestionSettings, plan: planning.Plan
) -> tuple[dict[str, list[pa.RecordBatch]] | None, row_profile.Marked]:
    """Read the rows that ingestion would keep, by split, with their profile; None if there are too many."""
    splitter = row_division.splitter(settings, plan)
    marks = row_division.marks(settings, planning.added(settings))
    parts: dict[str, list[pa.RecordBatch]] = {}
    rows = 0
    for file in plan.files:
        for batch in planning.read(file, plan, settings, planning.keeper(settings)):
            narrow = narrowed(batch)
            divided = splitter.divide(batch, example_encoding.examples(narrow), path=file.path, ready=file.split)
            marks.add(narrow, divided)
            for split, numbers in divided.items():
                parts.setdefault(split, []).append(narrow.take(pa.array(numbers)))
            rows += len(batch)
            if rows > MOST_ROWS:
                return None, marks.marked()
    return parts, marks.marked()
