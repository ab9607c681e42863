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
"""Names of a first line in a message."""


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
        shown = path if data_paths.is_remote(path) or inside.startswith(os.pardir) else inside
        names = [name for name in sources.look(path, data) if left_out_columns.reason(name, data) is None]
        columns_of[shown] = [*names, *(name for name in data.partitions if name not in names)]
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
    every = {path: sources.look(path, data) for path in paths}
    first, *others = every.items()
    for path, names in others:
        shared = len(set(names).intersection(first[1]))
        if not shared or (len(names) == len(first[1]) and 2 * shared < len(names)):
            shown = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
            raise UserError(
                f"{path}: its columns ({shown}) differ from those of {first[0]}. If they are values, because only the "
                f"first part of a table has a header line, join the parts: `cat {first[0]} {path} ... > whole.csv`"
            )
    kinds: dict[str, str] = {}
    for name in dict.fromkeys(name for names in every.values() for name in names):
        lacking = [os.path.basename(path) for path, names in every.items() if name not in names]
        if lacking:
            kinds[name] = f"{len(lacking)} of {len(paths)} files lack it ({lacking[0]}{', ...' if lacking[1:] else ''})"
    return kinds


def together(batches: Sequence[pa.RecordBatch]) -> pa.Table:
    """Join batches whose columns are in any order; a column that a batch lacks is null."""
    fields = {field.name: field.type for batch in batches for field in batch.schema}
    groups = []
    for batch in batches:
        own = dict(zip(batch.schema.names, batch.columns, strict=True))
        columns = [own[name] if name in own else pa.nulls(len(batch), kind) for name, kind in fields.items()]
        groups.append(pa.RecordBatch.from_arrays(columns, list(fields)))
    return pa.Table.from_batches(groups)
