"""What is known before the first row is written: the files, the columns' types, and where time is cut."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from components.ingestion import sources
from components.ingestion.discovery import data_files, empty_files, spans
from components.ingestion.discovery.data_files import DataFile
from components.ingestion.omissions import Omissions
from components.ingestion.parsing.casting import DOUBLE
from components.ingestion.rows import left_out_columns, row_sample, row_times
from components.ingestion.rows.row_filter import Keeper
from components.ingestion.rows.split_column import cell_text, named_split
from errors import UserError
from spec.rows.data_paths import SPLITS
from spec.rows.grouping import ungrouped


@dataclass(frozen=True)
class Plan:
    """What every shard needs to know.

    Attributes:
        files: The data's files that hold rows; each makes a shard.
        found: All of them as they were found, before a split by spans made ready-made splits of them.
        columns: Type of every column of any file.
        split: [data.split], its `key` and `cut_eval` added, as `Splitter` takes it.
        cuts: Times with which splits begin.
        empty: Columns without any value, where the whole row decides its split.
        taken: Spans of the column of dates whose rows are taken; empty where none cuts.
        newest: With data.split.by = "span", how a column is cut and its newest span's number; None where files tell.
        span: Number of the newest span.
        version: Its version.
        notes: What the summary should say.
        omissions: What the paths name and is passed over.
    """

    files: list[DataFile]
    found: list[DataFile]
    columns: dict[str, str]
    split: dict[str, Any]
    cuts: list[float] = field(default_factory=list)
    empty: frozenset[str] = frozenset()
    taken: list[spans.Span] = field(default_factory=list)
    newest: tuple[str, int] | None = None
    span: int = 0
    version: int = 0
    notes: list[str] = field(default_factory=list)
    omissions: Omissions = field(default_factory=Omissions)


def plan(config: Mapping[str, Any]) -> Plan:
    """Look at the data before it is divided.

    Args:
        config: The node's settings: `paths`, `data`, `columns`, `duties`, `label`, `complete`.

    Raises:
        UserError: a file is not there or cannot be read.
    """
    data = config["data"]
    if reason := ungrouped(data["split"]["by"], config["duties"]["group"]):
        raise UserError(reason)
    omissions = Omissions()
    found = data_files.resolve(config["paths"], data, omissions)
    filled = empty_files.without(found, data, omissions)
    columns = sources.types([file.path for file in filled], data, config["columns"], omissions)
    left_out_columns.check(data, omissions, filled[0].path, columns)
    split = {
        **data["split"],
        "key": _key(config),
        "cut_eval": data["split"]["by"] == "files" and not any(file.split == "eval" for file in found),
    }
    made = Plan(filled, found, columns, split, omissions=omissions)
    notes = []
    taken = sorted({file.span for file in found if file.span is not None})
    if data["spans"]:
        taken = spans.chosen(_spans(made, config), data)
        made = replace(made, taken=taken)
    versions = [file.version or 0 for file in found if file.span in taken[-1:] and file.version is not None]
    if taken:
        notes.append(spans.sentence(taken, max(versions, default=None)))
    if split["by"] == "span":
        if len(taken) < 2:
            raise UserError(
                f'data.split.by = "span" tests on the newest span and trains on those before it, but there is only '
                f"{taken[0].shown}: wait for the next one, or divide by hash"
            )
        notes.append(f"test is {taken[-1].shown}")
        if data["spans"]:
            made = replace(made, newest=(data["spans"]["by"], taken[-1].number))
        else:
            ready = [replace(file, split="test" if file.span == taken[-1] else "train") for file in filled]
            made = replace(made, files=ready, split={**split, "cut_eval": True})
    if split["by"] == "time":
        cuts = row_times.cuts(_times(made, config), {name: split[name] for name in SPLITS})
        notes.append(f"eval from {row_times.shown(cuts[0])}, test from {row_times.shown(cuts[1])}")
        made = replace(made, cuts=cuts)
    if split["by"] == "column" and not _names_eval(made, config):
        notes.append(f"eval is cut out of train, as no row's {split['column']} names it")
        made = replace(made, split={**split, "cut_eval": True})
    if split["by"] == "hash" and split["key"] is None:
        made = replace(made, empty=_empty(made, config))
    notes += config["notes"]
    if data["sample"]:
        notes.append(f"a sample of {data['sample']:,} rows")
    if split["by"] == "all":
        notes.append("every row is in every split, so that nothing shows how the model does on rows it has not seen")
    return replace(
        made,
        notes=notes,
        span=taken[-1].number if taken else 0,
        version=max([*versions, *(file.version or 0 for file in found if file.span is None)], default=0),
    )


def read(
    file: data_files.DataFile,
    plan: Plan,
    config: Mapping[str, Any],
    keep: Keeper,
    omissions: Omissions | None = None,
) -> Iterator[pa.RecordBatch]:
    """Rows of one file that stay, a batch at a time.

    Args:
        file: One of the plan's files.
        plan: Of which only `files` and `columns` are asked.
        config: The node's settings.
        keep: Leaves rows out, and counts them.
        omissions: Takes what of the file is not read as it is there.

    Raises:
        UserError: the file cannot be read.
    """
    batches = sources.batches(file.path, config["data"], _types(file, plan, config), omissions)
    if config["data"]["sample"]:
        batches = row_sample.rows(batches, row_sample.part(config["data"]["sample"], file, plan.files, plan.split))
    for batch in batches:
        yield kept(batch, file, plan, config, keep)


def _types(file: data_files.DataFile, plan: Plan, config: Mapping[str, Any]) -> Mapping[str, str]:
    """Types to read a file's columns in: seconds since 1970 with a fraction are equal in float32 within minutes."""
    name = config["duties"]["time"]
    if plan.split["by"] != "time" or plan.columns.get(name) != "FLOAT":
        return plan.columns
    if (config["data"]["format"] or data_files.format_of(file.path)) not in ("csv", "jsonl", "xlsx", "parquet"):
        return plan.columns
    return {**plan.columns, name: DOUBLE}


def kept(
    batch: pa.RecordBatch, file: data_files.DataFile, plan: Plan, config: Mapping[str, Any], keep: Keeper
) -> pa.RecordBatch:
    """Rows of a batch that stay; arguments as of `read`."""
    found = keep.keep(batch)
    if not plan.taken:
        return found
    wanted = [span.number for span in plan.taken]
    others = np.isin(span_numbers(found, file, config), wanted, invert=True)
    return keep.drop(found, pa.array(others), spans.OTHER)


def keeper(config: Mapping[str, Any]) -> Keeper:
    """Leaves rows out as the settings say."""
    return Keeper(exclude=config["data"]["exclude"], complete=config["complete"], label=config["label"])


def naming(config: Mapping[str, Any], added: Sequence[str] = ()) -> tuple[str | None, ...]:
    """Columns that name a row or its split, and so do not count when rows are compared.

    What the model reads always counts, also where it divides the rows.

    Args:
        config: The node's settings.
        added: Columns that the reader adds to name a row.
    """
    split, read = config["data"]["split"], config["read"]
    names = (config["duties"]["id"], _key(config), *added)
    return *(name for name in names if name not in read), *([split["column"]] if split["by"] == "column" else [])


def divided(config: Mapping[str, Any], added: Sequence[str] = ()) -> bool:
    """Whether equal rows may be on both sides of the split.

    Args:
        config: The node's settings.
        added: Columns that the reader adds to name a row.
    """
    split = config["data"]["split"]
    # Where the whole row decides, equal rows are on one side, but for a name that the reader gave them.
    return split["by"] != "all" and (split["by"] != "hash" or _key(config) is not None or bool(added))


def added(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Columns that the reader of the data adds to name a row; none where the data is gone."""
    try:
        first = data_files.resolve(config["paths"], config["data"])[0]
    except UserError:
        return ()
    return sources.added(first.path, config["data"])


def _key(config: Mapping[str, Any]) -> str | None:
    """The column whose equal cells stay on one side."""
    duties = config["duties"]
    split = config["data"]["split"]
    by_column = split["by"] == "column"  # its column names splits, and holds no rows together
    key: str | None = (None if by_column else split["column"]) or duties["group"] or duties["id"]
    return key


def _spans(plan: Plan, config: Mapping[str, Any]) -> set[spans.Span]:
    """Spans of the rows that stay."""
    keep, by = keeper(config), config["data"]["spans"]["by"]
    found = {
        number
        for file in plan.files
        for batch in read(file, plan, config, keep)
        for number in np.unique(span_numbers(batch, file, config)).tolist()
    }
    return {spans.named(number, by) for number in found}


def _empty(plan: Plan, config: Mapping[str, Any]) -> frozenset[str]:
    """Columns that are blank in every row: stock knows no type of them. Where none is, the first batch tells."""
    found: frozenset[str] | None = None
    keep = keeper(config)
    for file in plan.files:
        for batch in read(file, plan, config, keep):
            names = zip(batch.schema.names, batch.columns, strict=True)
            blank = frozenset(name for name, cells in names if cells.null_count == len(cells))
            found = blank if found is None else found & blank
            if not found:
                return found
    return found or frozenset()


def _names_eval(plan: Plan, config: Mapping[str, Any]) -> bool:
    """Whether the config or a row names the split eval."""
    name, values = plan.split["column"], plan.split["values"]
    if "eval" in values.values():
        return True
    keep = keeper(config)
    return any(
        named_split(cell_text(cell), values) == "eval"
        for file in plan.files
        for batch in read(file, plan, config, keep)
        for cell in column(batch, name, file.path).unique().to_pylist()
    )


def span_numbers(batch: pa.RecordBatch, file: data_files.DataFile, config: Mapping[str, Any]) -> Any:
    """Span of each row, where a column of dates cuts spans: int64 (rows,)."""
    name = config["duties"]["time"]
    keys = row_times.keys(column(batch, name, file.path), name, file.path)
    return spans.numbers(keys, config["data"]["spans"]["by"], name)


def _times(plan: Plan, config: Mapping[str, Any]) -> Iterator[Any]:
    """Times of the rows that stay, a batch at a time."""
    name = config["duties"]["time"]
    keep = keeper(config)
    for file in plan.files:
        for batch in read(file, plan, config, keep):
            yield row_times.keys(column(batch, name, file.path), name, file.path)


def column(batch: pa.RecordBatch, name: str, path: str) -> pa.Array:
    """One column of a batch.

    Raises:
        UserError: it has none of that name.
    """
    at = batch.schema.get_field_index(name)
    if at < 0:
        raise UserError(f"{path}: column {name!r} is missing. There is: {', '.join(batch.schema.names)}")
    return batch.column(at)
