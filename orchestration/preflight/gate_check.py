"""The gates of a run, evaluated before it: its rows in their splits, compared with those of earlier runs."""

import os
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from components import table_statistics
from components.baseline import reference
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
from orchestration.paths import Root
from orchestration.preflight import earlier_runs
from pipeline.config import Config
from pipeline.load import SCHEMAS
from pipeline.variants import Name
from serving import versions
from serving.server.row_log import logged_columns
from spec.columns.label import CLASSED

MAX_ROWS = 2_000_000
"""Maximum number of rows for which the gates are evaluated in memory."""
_JUDGED_LATER = "the run judges them"


@dataclass(frozen=True)
class Run:
    """Inputs of the run that is checked.

    Attributes:
        name: The run.
        config: Its config; a query is settled.
        columns: Column -> type of the approved schema.
        schema: Path of the approved schema.
        paths: Absolute paths of the data.
        skew: Absolute paths of served rows; None if [gates] names none.
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
    """Evaluate the gates on all rows, as the validation of a run does.

    Args:
        run: Inputs of the run.
        rejected: Columns that differ from the schema, about which gates report nothing further.

    Returns:
        The run with which the rows were compared, and the warnings; also those of `_not_pushed`.

    Raises:
        GateError: a gate would block the run; names the edit that accepts the data.
        UserError: the data cannot be read.
    """
    settings = _settings(run)
    first_path = data_files.resolve(settings.paths, settings.data)[0].path
    form = formats.of(first_path, settings.data.format)
    if form is None or "image" in form.keys:
        return f"gates on images: {_JUDGED_LATER}"
    plan = planning.plan(settings)
    batches_of, profile = _divided(settings, plan)
    if batches_of is None:
        return f"more than {MAX_ROWS:,} rows: {_JUDGED_LATER}"
    statistics = {split: table_statistics.proto(batches) for split, batches in batches_of.items()}
    previous = earlier_runs.read(
        run.root,
        run.name.run,
        run.metadata,
        statistics=statistics,
        span=plan.span,
        unit=settings.data.span_unit,
        runs=run.config.gates.rows.runs,
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
        labels=profile.labels,
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
    comparison = f"compared with {previous[0].name}" if previous else "no earlier run to compare with"
    if run.config.gates.custom:
        comparison += f"; {', '.join(run.config.gates.custom)}: {_JUDGED_LATER}"
    warnings = [*(finding.line() for finding in findings), *_not_pushed(run, plan.span)]
    return "\n".join([comparison, *(f"warning: {warning}" for warning in warnings)])


def _not_pushed(run: Run, span: int) -> list[str]:
    """Return why the model of this run would not be pushed: its span is older, or columns are missing."""
    folder = Root(os.path.abspath(run.root)).serving(run.name.run)
    serving = reference.served(folder)
    if serving is None or run.name.sample:
        return []
    reasons = []
    if not run.config.push.older_span:
        reasons += [reference.older_span_reason(serving, span, run.config.data.span_unit)]
    inputs = logged_columns.columns_of(versions.path(folder, serving.number))
    missing = sorted({column for _, column in inputs} - set(run.columns))
    if missing and not run.config.push.uncompared:
        names = ", ".join(map(repr, missing))
        reasons += [
            f"the serving version {serving.number} cannot be compared with it, because these rows have no column "
            f"{names}. {reference.OVERRIDE}: push.uncompared = true"
        ]
    return [f"a run would not push its model: {reason}" for reason in reasons if reason]


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
    batches_of: dict[str, list[pa.RecordBatch]] = {}
    rows = 0
    for file in plan.files:
        for batch in planning.read(file, plan, settings, planning.keeper(settings)):
            narrow_batch = narrowed(batch)
            rows_of_split = splitter.divide(
                batch, example_encoding.examples(narrow_batch), path=file.path, ready=file.split
            )
            marks.add(narrow_batch, rows_of_split)
            for split, numbers in rows_of_split.items():
                batches_of.setdefault(split, []).append(narrow_batch.take(pa.array(numbers)))
            rows += len(batch)
            if rows > MAX_ROWS:
                return None, marks.marked()
    return batches_of, marks.marked()
