"""Checks of the data files: they exist, can be read, and contain the schema's columns, rows and valid labels."""

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
"""Maximum size of a Parquet or TFRecord file to read as a whole; of a larger one only the first batch is read."""


_MISSING = " of the schema is missing"


class MissingColumnError(UserError):
    """A file lacks a column of the schema."""


def check_data(
    paths: data_paths.Paths,
    data: Data,
    *,
    config: str,
    columns: Iterable[str],
    label: str | None,
    table: Table | None = None,
    omissions: Omissions | None = None,
    model_columns: Collection[str] = (),
) -> int:
    """Check that the data files exist, can be read, and contain the schema's columns and rows.

    Args:
        paths: Paths and patterns under the data root.
        data: [data].
        config: The config's path, for messages.
        columns: Columns of the schema.
        label: The label's column; None if there is none.
        table: Checks of types and labels; None to skip them.
        omissions: Counts skipped, dropped and converted parts.
        model_columns: Columns that the model reads.

    Returns:
        Bytes of data, uncompressed where known.

    Raises:
        UserError: all findings, one per line.
    """
    try:
        files = data_files.resolve(paths, data, omissions)
    except UserError as error:
        raise UserError(f"{config}: {error}") from error
    schema_columns, size, lines = list(columns), 0, []
    for name in sources.added(files[0].path, data):
        if name in model_columns:
            lines.append(
                f"{config}: the model would read {name!r}, the path of each image, whose folder is the class: the "
                f'label would leak. Write id = "{name}" under [columns], and remove {name!r} from [features] '
                "and [label]"
            )
    omissions = Omissions() if omissions is None else omissions
    files = empty_files.without(files, data, omissions)
    for file in files:
        results = list(_check_file(file.path, data, schema_columns, label, table, omissions))
        size += sum(result for result in results if isinstance(result, int))
        lines += short([result for result in results if isinstance(result, str)], file.path)
    if schema_columns and not lines:
        try:
            left_out_columns.check(data, omissions, files[0].path, schema_columns)
        except UserError as error:
            lines.append(f"{config}: {error}")
    if table is not None and not lines:
        files_shown = files[0].path + (f" and {len(files) - 1} more" if len(files) > 1 else "")
        lines += table.verdict(files_shown)
    if lines:
        error_type = MissingColumnError if any(_MISSING in line for line in lines) else UserError
        raise error_type("\n".join(lines))
    return size


def _check_file(
    path: str,
    data: Data,
    columns: list[str],
    label: str | None,
    table: Table | None,
    omissions: Omissions | None,
) -> Iterator[str | int]:
    """Yield the errors of a file, and its size."""
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
            role = "the label column" if column == label else "column"
            yield f"{path}: {role} {column!r}{_MISSING}.{nearest(column, names, 'columns')}"
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
    positions = [position for position, name in enumerate(names) if left_out_columns.reason(name, data) is None]
    kept_names = [names[position] for position in positions]
    if table is None or len(set(kept_names)) < len(kept_names) or rows.findings:
        return
    table.whole &= rows.whole
    added = [hive_partitions.value(path, name) or "" for name in data.partitions]
    cells = rows.cells
    if added or len(kept_names) < len(names):
        cells = [[*(row[position] for position in positions), *added] for row in rows.cells]
    yield from table.add(path, [*kept_names, *data.partitions], cells, rows.lines, data)


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
    """Check the classes of a folder of images, without decoding the images."""
    paths = [name for names in image_folders.survey(path, Omissions()).values() for name in names]
    names = [name.encode("utf-8", "backslashreplace").decode() for name in paths]
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
    """Return the uncompressed size of a file; of a gzipped one from its trailer, modulo 4 GB."""
    if not os.path.exists(path):
        # A broken link, which `sources.look` has reported.
        return 0
    return compression.size(path)


def _batches(path: str, data: Data, columns: Mapping[str, str]) -> Any:
    return sources.reader(path, data).batches(path, data, columns)
