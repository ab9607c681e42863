"""The data's files: that they are there, can be read, hold the schema's columns, rows, and a label to learn from."""

import contextlib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from components.ingestion import sources
from components.ingestion.discovery import (
    compression,
    data_files,
    empty_files,
    formats,
    hive_partitions,
    image_folders,
    opening,
)
from components.ingestion.omissions import Omissions
from components.ingestion.parsing import casting
from components.ingestion.readers import csv as csv_source
from components.ingestion.readers import images
from components.ingestion.rows import left_out_columns
from errors import UserError
from orchestration.preflight import csv_blocks
from orchestration.preflight.first_rows import Table, numbered
from orchestration.preflight.preflight_findings import short
from pipeline.load import nearest
from spec.data import Data
from spec.rows import data_paths

WHOLE_BYTES = 64 << 20
"""Longest Parquet or TFRecord file that is read as a whole; of a longer one the first rows are."""


def check_data(
    paths: data_paths.Paths,
    data: Data,
    *,
    config: str,
    columns: Iterable[str],
    label: str | None,
    table: Table | None = None,
    omissions: Omissions | None = None,
    read: Collection[str] = (),
) -> int:
    """See that the data's files are there, can be read, and hold the schema's columns and rows.

    Args:
        paths: Paths and patterns under the data root.
        data: [data].
        config: The config's name, for the message.
        columns: Columns of the schema.
        label: The label's column, if there is one.
        table: Also looks at types and the label.
        omissions: Takes what is skipped, left out or converted.
        read: Columns that the model reads.

    Returns:
        Bytes of data, unpacked where that was seen.

    Raises:
        UserError: all findings, one a line.
    """
    try:
        found = data_files.resolve(paths, data, omissions)
    except UserError as error:
        raise UserError(f"{config}: {error}") from error
    wanted, size, lines = list(columns), 0, []
    for name in sources.added(found[0].path, data):
        if name in read:
            lines.append(
                f"{config}: the model is to read {name!r}, the path of each image: its folder is the class, so the "
                f'answer would be read off. Write id = "{name}" under [columns], and take {name!r} out of [features] '
                "and [label]"
            )
    omissions = Omissions() if omissions is None else omissions
    found = empty_files.without(found, data, omissions)
    for file in found:
        told = list(_check_file(file.path, data, wanted, label, table, omissions))
        size += sum(one for one in told if isinstance(one, int))
        lines += short([one for one in told if isinstance(one, str)], file.path)
    if wanted and not lines:
        try:
            left_out_columns.check(data, omissions, found[0].path, wanted)
        except UserError as error:
            lines.append(f"{config}: {error}")
    if table is not None and not lines:
        shown = found[0].path + (f" and {len(found) - 1} more" if len(found) > 1 else "")
        lines += table.verdict(shown)
    if lines:
        raise UserError("\n".join(lines))
    return size


def _check_file(
    path: str,
    data: Data,
    columns: list[str],
    label: str | None,
    table: Table | None,
    omissions: Omissions | None,
) -> Iterator[str | int]:
    """What is wrong with a file, and its size."""
    try:
        names = sources.look(path, data, omissions)
    except UserError as error:
        yield from str(error).splitlines()
        return
    try:
        left_out_columns.check_names(path, names)
    except UserError as error:
        yield str(error)
    for column in columns:
        if column not in names:
            word = "the label column" if column == label else "column"
            yield f"{path}: {word} {column!r} of the schema is missing.{nearest(column, names, 'columns')}"
    if data_paths.is_remote(path):
        if table is not None:
            table.whole = False
        return
    form = formats.of(path, data.format)
    is_table = form is not None and form.is_table
    try:
        if form is not None and form.is_csv:
            is_table = "image" not in form.keys
            yield from _text(path, data, table if is_table else None, omissions)
        elif table is not None and is_table:
            yield from _typed(path, data, table)
        else:
            yield sum(map(_unpacked, opening.within(path)))
            if table is not None and (data.format or formats.format_of(path)) == formats.FOLDER_OF_IMAGES:
                is_table = True
                yield from _folder(path, table)
    except UserError as error:
        yield from str(error).splitlines()
    if table is not None and not is_table:
        table.whole = False


def _text(path: str, data: Data, table: Table | None, omissions: Omissions | None) -> Iterator[str | int]:
    text = csv_blocks.scan(path, data)
    yield text.size
    header = csv_source.read_header(path, data)
    rows = csv_blocks.parse(path, data, text, header, omissions)
    yield from rows.findings
    names = header.names
    places = [place for place, name in enumerate(names) if left_out_columns.reason(name, data) is None]
    kept = [names[place] for place in places]
    if table is None or len(set(kept)) < len(kept) or rows.findings:
        return
    table.whole &= rows.whole
    added = [hive_partitions.value(path, name) or "" for name in data.partitions]
    read = rows.cells
    if added or len(kept) < len(names):
        read = [[*(row[place] for place in places), *added] for row in rows.cells]
    yield from table.add(path, [*kept, *data.partitions], read, rows.lines, data)


def _typed(path: str, data: Data, table: Table) -> Iterator[str | int]:
    size = os.path.getsize(path)
    yield size
    with contextlib.closing(_batches(path, data, table.columns)) as batches:
        for number, batch in enumerate(batches):
            if size > WHOLE_BYTES and number:
                table.whole = False
                break
            yield from table.take(path, numbered(batch), [f", row {row + 1}" for row in range(len(batch))])


def _folder(path: str, table: Table) -> Iterator[str]:
    """Rows of a folder of images, by its classes: the images themselves are not decoded."""
    found = [name for names in image_folders.survey(path, Omissions()).values() for name in names]
    names = [name.encode("utf-8", "backslashreplace").decode() for name in found]
    kind, labels = table.columns.get("label", "BYTES"), [name.split("/")[0] for name in names]
    try:
        column = casting.convert(pa.array(labels, pa.string()), kind)
    except casting.BadCellError as error:
        yield images.misfit(path, error.value, kind)
        table.whole = False
        return
    parts = {"image": pa.array([b""] * len(names), pa.binary()), "label": column, "file": pa.array(names, pa.string())}
    batch = pa.RecordBatch.from_arrays(list(parts.values()), list(parts))
    yield from table.take(path, numbered(batch), [f"/{name}" for name in names])


def _unpacked(path: str) -> int:
    """Size of a file; of a packed one what its end says, up to 4 GB."""
    if not os.path.exists(path):
        # A link to nothing, which the look has named.
        return 0
    return compression.size(path)


def _batches(path: str, data: Data, columns: Mapping[str, str]) -> Any:
    return sources.reader(path, data).batches(path, data, columns)
