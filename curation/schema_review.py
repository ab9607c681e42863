"""`schema infer`, `diff` and `approve`."""

import os
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.ingestion.omissions import Omissions
from components.ingestion.rows import row_filter
from curation.facts import column_facts
from curation.facts.column_facts import Column, Facts
from curation.look.reading import Cells, cells
from curation.new_config import replace
from curation.propose import schema_comments, schema_text
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


def infer(root: str, name: str, data_root: str, queries: str = "") -> str:
    """Infer a schema from the data of configs/NAME.toml.

    A column keeps its approved type if its cells still fit, because roles depend on it.

    Args:
        root: The project folder.
        name: The pipeline.
        data_root: Folder that the data's paths are relative to.
        queries: Folder where the rows of a query are kept.

    Raises:
        UserError: config, schema or data cannot be read.
    """
    config, taken = query_config.settle(load.load(root, name), data_root, queries)
    path = approved_path(root, name)
    types = load.schema_columns(root, name) if os.path.exists(path) else {}
    found = _rows(config, data_root, types).cells
    known = _facts(found.table, {**found.kinds, **types})
    categories = {entry.column for entry in config.features.of("categorical")}
    where = taken.query.database if taken else config.data.path
    head = [
        f"Schema of {where}, inferred from {known.rows:,} rows: one feature per column, in the order of the data.",
        "Every run is validated against this file; edit it to accept a change in the data.",
    ]
    label, complete = config.label.column, config.features.complete()
    return schema_text.schema(known, head, categories=categories, label=label, complete=complete)


def diff(
    root: str, name: str, data_root: str, omissions: Omissions | None = None, queries: str = ""
) -> list[Difference]:
    """Compare the data with the approved schema.

    Args:
        root: The project folder.
        name: The pipeline.
        data_root: Folder that the data's paths are relative to.
        omissions: Records what of the data is skipped, dropped or converted.
        queries: Folder where the rows of a query are kept.

    Raises:
        UserError: config, schema or data cannot be read.
    """
    config, _ = query_config.settle(load.load(root, name), data_root, queries)
    types = load.schema_columns(root, name)
    (found, refused), schema = _rows(config, data_root, types), parse(approved_path(root, name))
    shown = f"{SCHEMAS}/{name}.pbtxt"
    told = [*differences(schema, found.table), *new_classes(schema, found.table, config.label, shown)]
    if refused:
        told.append(Difference(2, -1.0, str(config.label.column), refused))
    if omissions is not None:
        omissions.merge(found.omissions)
    return sorted(told)


def propose(root: str, name: str, data_root: str, queries: str = "") -> str:
    """Write the inferred schema to schemas/NAME.proposed.pbtxt, and return its path.

    A different existing proposal, which may have been edited, is kept as FILE.previous.
    """
    target, text = proposed_path(root, name), infer(root, name, data_root, queries)
    replace(target, text, keep=os.path.exists(target) and _read(target) != text)
    return target


def approve(root: str, name: str) -> str:
    """Make the proposed schema the approved one, with the comments of the previous one.

    Returns:
        A sentence for the user.

    Raises:
        UserError: there is no proposal, it is not a schema, or it lacks a column of the config.
    """
    proposal, target = proposed_path(root, name), approved_path(root, name)
    shown = os.path.relpath(proposal, root)
    if not os.path.exists(proposal):
        raise UserError(f"{shown} does not exist: write it with `python runner.py schema infer {name}`")
    columns = {feature.name: schema_pb2.FeatureType.Name(feature.type) for feature in parse(proposal).feature}
    try:
        load.check_columns(name, load.load(root, name), columns)
    except UserError as error:
        # It is the proposal that is looked at, and not the approved file.
        told = str(error).replace(os.path.relpath(target, root), shown)
        raise UserError(f"{told}\nChange the config first, or keep the column in the proposed schema") from error
    text = _read(proposal)
    if os.path.exists(target):
        text = schema_comments.carry(_read(target), text)
    before = replace(target, text, keep=True)
    os.remove(proposal)
    kept = f"; the previous one is kept as {os.path.relpath(before, root)}" if before else ""
    return f"{os.path.relpath(target, root)} is now the approved schema{kept}"


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
    found = cells(data_root, config.data.model_dump(mode="json", exclude_unset=True), texts=texts)
    label = config.label.column if config.label.task != "clusters" else None
    keep = row_filter.Keeper(exclude=config.data.exclude, complete=config.features.complete(), label=label)
    wanted = [name for name in keep.columns if name in found.table.column_names]
    if not wanted:
        return _Rows(found)
    _, typed = column_facts.table(found.table.select(wanted), {**found.kinds, **types})
    numbered = typed.append_column(_NUMBER, pa.array(np.arange(len(typed)))).combine_chunks()
    stays = np.zeros(len(typed), bool)
    for batch in numbered.to_batches():
        stays[keep.keep(batch).column(len(wanted)).to_numpy()] = True
    table = found.table.filter(pa.array(stays))
    try:
        if label is not None:
            row_filter.check_labels(keep.left_out, len(table), column=label, most=config.data.max_null_label)
    except UserError as error:
        return _Rows(found._replace(table=table), str(error))
    return _Rows(found._replace(table=table))


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
