"""Plan of ingestion, made before the first row is written: files, column types and the cuts of a split by time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from components.ingestion import sources
from components.ingestion.discovery import data_files, empty_files, formats, spans
from components.ingestion.discovery.data_files import DataFile
from components.ingestion.ingestion_settings import IngestionSettings
from components.ingestion.omissions import Omissions
from components.ingestion.parsing.casting import DOUBLE, narrowed
from components.ingestion.rows import left_out_columns, row_sample, row_times, split_assignment, stratified
from components.ingestion.rows.row_filter import Keeper
from components.ingestion.rows.split_column import cell_text, named_split
from components.ingestion.write import example_encoding
from errors import ResourceError, UserError
from spec.rows.grouping import ungrouped


@dataclass(frozen=True)
class Plan:
    """Plan that all shards share.

    Attributes:
        files: The data's files that hold rows, each of which becomes a shard.
        found: All resolved files, before a split by spans assigned splits to them.
        columns: Type of each column of any file.
        key: Column whose equal values stay in one split; None for the whole row.
        cut_eval: Whether the eval split is cut out of train.
        cuts: Times at which the splits start, except the first.
        empty: Columns without any value, if the whole row decides the split.
        strata: Labels that are divided by the order of their hashes; None for none.
        taken: Spans of the date column whose rows are read; empty if no column is cut into spans.
        newest: For data.split.by = "span": how the date column is cut, and the number of its newest span; None if each
            file is of one span.
        span: Number of the newest span.
        version: Version of the latest span.
        notes: Remarks for the summary.
        omissions: Files and columns that are skipped.
    """

    files: list[DataFile]
    found: list[DataFile]
    columns: dict[str, str]
    key: str | None = None
    cut_eval: bool = False
    cuts: list[float] = field(default_factory=list)
    empty: frozenset[str] = frozenset()
    strata: stratified.Strata | None = None
    taken: list[spans.Span] = field(default_factory=list)
    newest: tuple[str, int] | None = None
    span: int = 0
    version: int = 0
    notes: list[str] = field(default_factory=list)
    omissions: Omissions = field(default_factory=Omissions)


def plan(settings: IngestionSettings) -> Plan:
    """Make the plan from facts on all files, before the first row is written.

    Args:
        settings: The node's settings.

    Raises:
        UserError: a file does not exist or cannot be read.
    """
    data, split = settings.data, settings.data.split
    if reason := ungrouped(split.by, settings.duties.group):
        raise UserError(reason)
    omissions = Omissions()
    files = data_files.resolve(settings.paths, data, omissions)
    filled = empty_files.without(files, data, omissions)
    columns = sources.types([file.path for file in filled], data, settings.columns, omissions)
    left_out_columns.check(data, omissions, filled[0].path, columns)
    cut_eval = split.by == "files" and not any(file.split == "eval" for file in files)
    planned = Plan(filled, files, columns, _key(settings), cut_eval, omissions=omissions)
    notes = []
    selected_spans = sorted({file.span for file in files if file.span is not None})
    if data.spans:
        selected_spans = spans.chosen(_spans(planned, settings, data.spans.by), data)
        planned = replace(planned, taken=selected_spans)
    versions = [file.version or 0 for file in files if file.span in selected_spans[-1:] and file.version is not None]
    if selected_spans:
        notes.append(spans.sentence(selected_spans, max(versions, default=None)))
    if split.by == "span":
        if len(selected_spans) < 2:
            raise UserError(
                f'data.split.by = "span" tests on the newest span and trains on those before it, but there is only '
                f"{selected_spans[0].shown}: wait for the next one, or divide by hash"
            )
        notes.append(f"test is {selected_spans[-1].shown}")
        if data.spans:
            planned = replace(planned, newest=(data.spans.by, selected_spans[-1].number))
        else:
            assigned = [replace(file, split="test" if file.span == selected_spans[-1] else "train") for file in filled]
            planned = replace(planned, files=assigned, cut_eval=True)
    if split.by == "time":
        cuts = row_times.cuts(_times(planned, settings), split.shares)
        notes.append(f"eval from {row_times.text_of(cuts[0])}, test from {row_times.text_of(cuts[1])}")
        planned = replace(planned, cuts=cuts)
    if split.by == "column" and not _names_eval(planned, settings):
        notes.append(f"eval is cut out of train, because {split.column} names it in no row")
        planned = replace(planned, cut_eval=True)
    if split.by == "hash" and planned.key is None:
        planned = replace(planned, empty=_empty(planned, settings))
    if split.stratify is not None:
        strata = stratified.cuts(_hashed(planned, settings), split.shares, split.stratify)
        notes += stratified.notes(strata, split.stratify)
        planned = replace(planned, strata=stratified.Strata(str(settings.label), strata))
    notes += settings.notes
    if data.sample:
        notes.append(f"a sample of {data.sample:,} rows")
    if split.by == "all":
        notes.append("every row is in every split, so metrics do not show how the model does on unseen rows")
    return replace(
        planned,
        notes=notes,
        span=selected_spans[-1].number if selected_spans else 0,
        version=max([*versions, *(file.version or 0 for file in files if file.span is None)], default=0),
    )


def read(
    file: DataFile, plan: Plan, settings: IngestionSettings, keep: Keeper, omissions: Omissions | None = None
) -> Iterator[pa.RecordBatch]:
    """Read the rows of one file that are kept, in batches.

    Args:
        file: One of the plan's files.
        plan: The plan; only `files`, `columns`, `taken` and `cut_eval` are used.
        settings: The node's settings.
        keep: Drops rows and counts them.
        omissions: Records skipped, dropped, cut and converted parts of the file.

    Raises:
        UserError: the file cannot be read.
    """
    batches = sources.batches(file.path, settings.data, _types(file, plan, settings), omissions)
    if settings.data.sample:
        count = row_sample.part(
            settings.data.sample, file, plan.files, settings.data.split.shares, cut_eval=plan.cut_eval
        )
        batches = row_sample.rows(batches, count)
    for batch in batches:
        yield kept_rows(batch, file, plan, settings, keep)


def _types(file: DataFile, plan: Plan, settings: IngestionSettings) -> Mapping[str, str]:
    """Return the types to read columns in: times in float32 seconds since 1970 would be equal within minutes."""
    name = settings.duties.time
    if settings.data.split.by != "time" or name is None or plan.columns.get(name) != "FLOAT":
        return plan.columns
    form = formats.of(file.path, settings.data.format)
    return {**plan.columns, name: DOUBLE} if form is not None and form.is_cleaned else plan.columns


def kept_rows(
    batch: pa.RecordBatch, file: DataFile, plan: Plan, settings: IngestionSettings, keep: Keeper
) -> pa.RecordBatch:
    """Return the rows of a batch that are kept; arguments as of `read`."""
    rows = keep.keep(batch)
    if not plan.taken:
        return rows
    numbers = [span.number for span in plan.taken]
    is_other = np.isin(span_numbers(rows, file, settings), numbers, invert=True)
    return keep.drop(rows, pa.array(is_other), spans.OTHER)


def keeper(settings: IngestionSettings) -> Keeper:
    """Make the filter that the settings describe."""
    return Keeper(exclude=settings.data.exclude, complete=settings.complete, label=settings.label)


def naming(settings: IngestionSettings, added: Sequence[str] = ()) -> tuple[str | None, ...]:
    """Return the columns that identify a row or its split, and are ignored when rows are compared.

    A column that the model reads is compared in any case.

    Args:
        settings: The node's settings.
        added: Columns that the reader adds to identify a row.
    """
    split = settings.data.split
    names = (settings.duties.id, _key(settings), *added)
    return *(name for name in names if name not in settings.read), *([split.column] if split.by == "column" else [])


def divided(settings: IngestionSettings, added: Sequence[str] = ()) -> bool:
    """Return whether equal rows may be in different splits.

    Args:
        settings: The node's settings.
        added: Columns that the reader adds to identify a row.
    """
    by = settings.data.split.by
    # If the whole row decides, equal rows are in one split, unless the reader added a name to them.
    return by != "all" and (by != "hash" or _key(settings) is not None or bool(added))


def added(settings: IngestionSettings) -> tuple[str, ...]:
    """Return the columns that the data's reader adds to identify a row; none if the data is gone."""
    try:
        first_file = data_files.resolve(settings.paths, settings.data)[0]
    except (UserError, ResourceError):
        return ()
    return sources.added(first_file.path, settings.data)


def _key(settings: IngestionSettings) -> str | None:
    """Return the column whose equal values stay in one split."""
    split = settings.data.split
    # With by = "column" the column names the split, and keeps no rows together.
    column = None if split.by == "column" else split.column
    return column or settings.duties.group or settings.duties.id


def _spans(plan: Plan, settings: IngestionSettings, by: str) -> set[spans.Span]:
    """Return the spans of the rows that are kept."""
    keep = keeper(settings)
    numbers = {
        number
        for file in plan.files
        for batch in read(file, plan, settings, keep)
        for number in np.unique(span_numbers(batch, file, settings)).tolist()
    }
    return {spans.from_number(number, by) for number in numbers}


def _empty(plan: Plan, settings: IngestionSettings) -> frozenset[str]:
    """Return the columns that are null in every row: stock TFX has no type for them.

    Usually the first batch shows that there are none.
    """
    empty: frozenset[str] | None = None
    keep = keeper(settings)
    for file in plan.files:
        for batch in read(file, plan, settings, keep):
            cells = zip(batch.schema.names, batch.columns, strict=True)
            nulls = frozenset(name for name, column in cells if column.null_count == len(column))
            empty = nulls if empty is None else empty & nulls
            if not empty:
                return empty
    return empty or frozenset()


def _hashed(plan: Plan, settings: IngestionSettings) -> Iterator[stratified.Hashed]:
    """Yield labels, splits and hashes of the rows that are kept, as `stratified.cuts` takes them."""
    split = settings.data.split
    keep = keeper(settings)
    for file in plan.files:
        for batch in read(file, plan, settings, keep):
            examples = example_encoding.examples(narrowed(batch))
            yield split_assignment.hashed(batch, examples, split, settings.label, plan.empty)


def _names_eval(plan: Plan, settings: IngestionSettings) -> bool:
    """Return whether the config or a row names the split eval."""
    name, values = str(settings.data.split.column), settings.data.split.values
    if "eval" in values.values():
        return True
    keep = keeper(settings)
    return any(
        named_split(cell_text(cell), values) == "eval"
        for file in plan.files
        for batch in read(file, plan, settings, keep)
        for cell in column(batch, name, file.path).unique().to_pylist()
    )


def span_numbers(batch: pa.RecordBatch, file: DataFile, settings: IngestionSettings) -> Any:
    """Return the span number of each row, int64 (rows,), if a date column is cut into spans."""
    assert settings.data.spans is not None, "no column is cut into spans"
    name = str(settings.duties.time)
    keys = row_times.keys(column(batch, name, file.path), name, file.path)
    return spans.numbers(keys, settings.data.spans.by, name)


def _times(plan: Plan, settings: IngestionSettings) -> Iterator[Any]:
    """Yield the times of the rows that are kept, in batches."""
    name = str(settings.duties.time)
    keep = keeper(settings)
    for file in plan.files:
        for batch in read(file, plan, settings, keep):
            yield row_times.keys(column(batch, name, file.path), name, file.path)


def column(batch: pa.RecordBatch, name: str, path: str) -> pa.Array:
    """Return one column of a batch.

    Raises:
        UserError: the batch has no column of this name.
    """
    index = batch.schema.get_field_index(name)
    if index < 0:
        raise UserError(f"{path}: column {name!r} is missing. Known columns: {', '.join(batch.schema.names)}")
    return batch.column(index)
