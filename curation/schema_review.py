"""`schema infer`, `diff` and `approve`."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.ingestion.discovery.bucket_files import Copies
from components.ingestion.omissions import Omissions
from components.ingestion.parsing import conversions
from components.ingestion.rows import row_filter
from components.query.snapshot import Snapshot
from curation import renamed_columns
from curation.facts import column_facts
from curation.facts.column_facts import Column, Facts
from curation.look.reading import Cells, cells
from curation.new_config import replace
from curation.propose import schema_comments, schema_merge, schema_text
from curation.schema_differences import Difference, differences, new_classes
from errors import UserError
from pipeline import load, query_config
from pipeline.config import Config
from pipeline.load import SCHEMAS

_NUMBER = "row number"
"""A column beside the data's own."""


def approved_path(root: str, name: str) -> str:
    """Return the path of the approved schema."""
    return os.path.join(root, SCHEMAS, f"{name}.pbtxt")


def proposed_path(root: str, name: str) -> str:
    """Return the path of the proposed schema."""
    return os.path.join(root, SCHEMAS, f"{name}.proposed.pbtxt")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Config of a pipeline with the options of the command, as a run would read it.

    Attributes:
        root: The project folder.
        name: The pipeline.
        data_root: Folder that the data's paths are relative to.
        queries: Folder where the rows of a query are kept.
        variant: Name under [variant]; None for none.
        overrides: `key=value` strings.
    """

    root: str
    name: str
    data_root: str
    queries: str = ""
    variant: str | None = None
    overrides: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        """Stem of the schema's file: the variant's if it exists, else the pipeline's."""
        return load.schema_name(self.root, self.name, self.variant)

    def settled(self) -> tuple[Config, Snapshot | Copies | None]:
        """Read the config, and take its rows from a database or a bucket if they are there."""
        config = load.load(self.root, self.name, self.overrides, self.variant)
        return query_config.settle(config, self.data_root, self.queries)


class Inferred(NamedTuple):
    """A proposed schema.

    Attributes:
        text: Text of the .pbtxt file.
        marks: Approved values and columns that the data alone would have removed, one sentence each.
    """

    text: str
    marks: Sequence[str] = ()


def infer(choice: Choice) -> Inferred:
    """Infer a schema from the data of configs/NAME.toml, and merge it with the approved one, which stays allowed.

    A column keeps its approved type if its cells still fit, because roles depend on it.

    Raises:
        UserError: config, schema or data cannot be read, or the files have different columns.
    """
    config, retrieved = choice.settled()
    stem = choice.stem
    path = approved_path(choice.root, stem)
    types = load.schema_columns(choice.root, stem) if os.path.exists(path) else {}
    loaded = _rows(config, choice.data_root, types).cells
    _check_files(loaded, parse(path) if types else schema_pb2.Schema())
    facts = _facts(loaded.table, loaded.typed(types))
    categories = {entry.column for entry in config.features.of("categorical")}
    source = retrieved.where if retrieved else config.data.path
    head = [
        f"Schema of {source}, inferred from {facts.rows:,} rows: one feature per column, in the order of the data.",
        "Every run is validated against this file; edit it to accept a change in the data.",
    ]
    label, complete = config.label.column, config.features.complete()
    text = schema_text.schema(facts, head, categories=categories, label=label, complete=complete)
    if not types:
        return Inferred(text)
    approved, new_comments = parse(path), schema_comments.find(text)
    merged = schema_merge.merge(approved, text_format.Parse(text, schema_pb2.Schema()), facts)
    return Inferred(schema_merge.text(merged, new_comments.head, new_comments, approved), merged.lines())


def _check_files(loaded: Cells, schema: schema_pb2.Schema) -> None:
    """Check that all files have the same columns.

    Raises:
        UserError: they do not; names the files, the columns and the probable new names.
    """
    lines = []
    renamed = renamed_columns.proposals(schema, loaded.table, loaded.columns_of) if loaded.columns_of else {}
    for column in dict.fromkeys(name for names in loaded.columns_of.values() for name in names):
        files_without = [file for file, names in loaded.columns_of.items() if column not in names]
        if files_without:
            question = f": {column} -> {renamed[column]}?" if column in renamed else ""
            more = (
                f" and {len(files_without) - 1} more of {len(loaded.columns_of)} files"
                if len(files_without) > 1
                else ""
            )
            lines.append(f"{files_without[0]}{more}: column {column!r} is missing{question}")
    if lines:
        lines.append(
            "the files have different columns, so no schema fits all of them: give a renamed column one name in all "
            "files, leave out a column with data.drop, or read fewer files (data.window)"
        )
        raise UserError("\n".join(lines))


def diff(choice: Choice, omissions: Omissions | None = None) -> list[Difference]:
    """Compare the data with the approved schema.

    Args:
        choice: Config and paths of the run.
        omissions: Records skipped, dropped and converted parts of the data.

    Raises:
        UserError: config, schema or data cannot be read.
    """
    return compare(choice.settled()[0], choice.root, choice.stem, choice.data_root, omissions)


def compare(
    config: Config, root: str, stem: str, data_root: str, omissions: Omissions | None = None
) -> list[Difference]:
    """Compare the data of a config with the approved schema.

    Args:
        config: The config; a query is settled.
        root: The project folder.
        stem: Stem of the schema's file.
        data_root: Folder that the data's paths are relative to.
        omissions: Records skipped, dropped and converted parts of the data.

    Raises:
        UserError: schema or data cannot be read.
    """
    types = load.schema_columns(root, stem)
    (loaded, refused), schema = _rows(config, data_root, types), parse(approved_path(root, stem))
    schema_path = f"{SCHEMAS}/{stem}.pbtxt"
    result = [
        *differences(schema, loaded.table, loaded.columns_of or None, loaded.not_numbers),
        *new_classes(schema, loaded.table, config.label, schema_path),
    ]
    if refused:
        result.append(Difference(2, -1.0, str(config.label.column), refused))
    if omissions is not None:
        omissions.merge(loaded.omissions)
        conversions.record(config.data, {name: kind for name, kind in types.items() if kind != "BYTES"}, omissions)
    return sorted(result)


class Proposed(NamedTuple):
    """A written proposal.

    Attributes:
        path: Path of the file.
        marks: Those of `Inferred`.
    """

    path: str
    marks: Sequence[str]


def propose(choice: Choice) -> Proposed:
    """Write the inferred schema to schemas/NAME.proposed.pbtxt; a different one is kept as FILE.previous."""
    target, (text, marks) = proposed_path(choice.root, choice.stem), infer(choice)
    replace(target, text, keep=os.path.exists(target) and _read(target) != text)
    return Proposed(target, marks)


def approve(choice: Choice) -> str:
    """Make the proposed schema the approved one, with the comments of the previous one.

    Returns:
        A sentence for the user.

    Raises:
        UserError: there is no proposal, it is not a schema, or it lacks a column of the config.
    """
    root, stem = choice.root, choice.stem
    proposal, target = proposed_path(root, stem), approved_path(root, stem)
    display_path = os.path.relpath(proposal, root)
    if not os.path.exists(proposal):
        raise UserError(f"{display_path} does not exist: write it with `python runner.py schema infer {choice.name}`")
    columns = {feature.name: schema_pb2.FeatureType.Name(feature.type) for feature in parse(proposal).feature}
    try:
        config = load.load(root, choice.name, choice.overrides, choice.variant)
        load.check_columns(choice.name, config, columns, (), stem)
    except UserError as error:
        # The checked file is the proposal, and the message names the approved file.
        message = str(error).replace(os.path.relpath(target, root), display_path)
        raise UserError(f"{message}\nChange the config first, or keep the column in the proposed schema") from error
    text = _read(proposal)
    if os.path.exists(target):
        text = schema_comments.carry(_read(target), text)
    backup = replace(target, text, keep=True)
    os.remove(proposal)
    backup_note = f"; the previous one is kept as {os.path.relpath(backup, root)}" if backup else ""
    return f"{os.path.relpath(target, root)} is now the approved schema{backup_note}"


def parse(path: str) -> schema_pb2.Schema:
    """Read a schema file.

    Raises:
        UserError: the file is not a schema.
    """
    try:
        return text_format.Parse(_read(path), schema_pb2.Schema())
    except text_format.ParseError as error:
        raise UserError(f"{path}: this is not a schema: {error}") from error


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


class _Rows(NamedTuple):
    """The rows that a run would keep.

    Attributes:
        cells: The rows, without those that are dropped.
        refused: Why the dropped rows would stop a run; empty if they would not.
    """

    cells: Cells
    refused: str = ""


def _rows(config: Config, data_root: str, types: Mapping[str, str]) -> _Rows:
    """Drop the rows that ingestion drops: those that the config excludes, and those without a label."""
    texts = [name for name, kind in types.items() if kind == "BYTES"]
    loaded = cells(data_root, config.data.model_dump(mode="json", exclude_unset=True), texts=texts)
    label = config.label.required
    keep = row_filter.Keeper(exclude=config.data.exclude, complete=config.features.complete(), label=label)
    read_columns = [name for name in keep.columns if name in loaded.table.column_names]
    if not read_columns:
        return _Rows(loaded)
    _, typed = column_facts.table(loaded.table.select(read_columns), loaded.typed(types))
    numbered = typed.append_column(_NUMBER, pa.array(np.arange(len(typed)))).combine_chunks()
    stays = np.zeros(len(typed), bool)
    for batch in numbered.to_batches():
        stays[keep.keep(batch).column(len(read_columns)).to_numpy()] = True
    for reason, number in keep.left_out.items():
        loaded.omissions.add("row", reason, action="left out", count=number)
    kept = loaded._replace(table=loaded.table.filter(pa.array(stays)))
    try:
        if label is not None:
            row_filter.check_labels(keep.left_out, len(kept.table), column=label, most=config.data.max_null_label)
    except UserError as error:
        return _Rows(kept, str(error))
    return _Rows(kept)


def _facts(table: pa.Table, types: Mapping[str, str]) -> Facts:
    columns: list[Column] = []
    for name in table.column_names:
        if types.get(name) == "BYTES":
            columns.append(column_facts.column(name, "BYTES", column_facts.texts(table[name])))
            continue
        kind, typed = column_facts.settle(table[name])
        if types.get(name) == "FLOAT" and kind == "INT":
            kind, typed = "FLOAT", typed.cast(pa.float64(), safe=False)
        columns.append(column_facts.column(name, kind, typed))
    return Facts(table.num_rows, tuple(columns))
