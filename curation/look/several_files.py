"""Data of several files: their common columns form one table."""

import os
from collections.abc import Sequence

import pyarrow as pa

from components.ingestion import sources
from components.ingestion.rows import left_out_columns
from errors import UserError
from spec.data import Data
from spec.rows import data_paths

SHOWN = 4
"""Maximum number of column names in a message."""


def columns(paths: Sequence[str], data: Data, root: str) -> dict[str, list[str]]:
    """Return the columns of each file that are read.

    Args:
        paths: The files.
        data: [data] with all defaults.
        root: Folder: a file in it is named relative to it.

    Returns:
        Name of the file -> its columns, in order.

    Raises:
        UserError: a file cannot be read.
    """
    columns_of = {}
    for path in paths:
        inside = os.path.relpath(path, root)
        name_shown = path if data_paths.is_remote(path) or inside.startswith(os.pardir) else inside
        names = [name for name in sources.look(path, data) if left_out_columns.reason(name, data) is None]
        columns_of[name_shown] = [*names, *(name for name in data.partitions if name not in names)]
    return columns_of


def uncommon(paths: Sequence[str], data: Data) -> dict[str, str]:
    """Find columns that some files lack.

    Args:
        paths: The files.
        data: [data] with all defaults.

    Returns:
        Column -> reason, without a final period.

    Raises:
        UserError: a file cannot be read, or its columns differ from those of the first file.
    """
    if len(paths) < 2:
        return {}
    columns_of = {path: sources.look(path, data) for path in paths}
    first_columns, *other_files = columns_of.items()
    for path, names in other_files:
        shared = len(set(names).intersection(first_columns[1]))
        if not shared or (len(names) == len(first_columns[1]) and 2 * shared < len(names)):
            listed = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
            raise UserError(
                f"{path}: its columns ({listed}) differ from those of {first_columns[0]}. If they are values, because "
                f"only the first part of a table has a header line, join the parts: `cat {first_columns[0]} {path} ... "
                "> whole.csv`"
            )
    reasons: dict[str, str] = {}
    for name in dict.fromkeys(name for names in columns_of.values() for name in names):
        files_without = [os.path.basename(path) for path, names in columns_of.items() if name not in names]
        if files_without:
            listed = files_without[0] + (", ..." if files_without[1:] else "")
            reasons[name] = f"{len(files_without)} of {len(paths)} files lack it ({listed})"
    return reasons


def together(batches: Sequence[pa.RecordBatch]) -> pa.Table:
    """Join batches whose columns are in any order; a column that a batch lacks is null."""
    fields = {field.name: field.type for batch in batches for field in batch.schema}
    groups = []
    for batch in batches:
        column_of = dict(zip(batch.schema.names, batch.columns, strict=True))
        columns = [
            column_of[name] if name in column_of else pa.nulls(len(batch), kind) for name, kind in fields.items()
        ]
        groups.append(pa.RecordBatch.from_arrays(columns, list(fields)))
    return pa.Table.from_batches(groups)
