"""Columns that are not read: those in data.drop, and the row index of pandas."""

import collections
import json
import re
from collections.abc import Iterable, Sequence

import pyarrow as pa

from components.ingestion.omissions import Omissions
from errors import UserError
from spec.data import Data

DROPPED = "listed in data.drop"
INDEX = "row index written by pandas; to read it, give it a name there"
NAMELESS = "it has no name"
_INDEX = re.compile(r"__index_level_\d+__")


def reason(name: str, data: Data) -> str | None:
    """Return why a column is not read; None if it is read.

    Args:
        name: The column.
        data: [data].
    """
    if name in data.drop:
        return DROPPED
    return INDEX if _INDEX.fullmatch(name) else None


def read_columns(names: Iterable[str], data: Data, omissions: Omissions | None = None) -> list[str]:
    """Return the columns that are read, in order.

    Args:
        names: All columns of a file.
        data: [data].
        omissions: Records the others.
    """
    names_kept = []
    for name in names:
        cause = reason(name, data)
        if cause is None:
            names_kept.append(name)
        elif omissions is not None:
            omissions.add("column", cause, name, action="left out")
    return names_kept


def select(batch: pa.RecordBatch, data: Data) -> pa.RecordBatch:
    """Drop the columns that are not read."""
    names = batch.schema.names
    positions = [position for position, name in enumerate(names) if reason(name, data) is None]
    if len(positions) == len(names):
        return batch
    return pa.RecordBatch.from_arrays(
        [batch.column(position) for position in positions], [names[position] for position in positions]
    )


def check_names(path: str, names: Sequence[str]) -> None:
    """Check that each column has a name and that names are unique.

    Args:
        path: The file.
        names: Columns that are read.

    Raises:
        UserError: a column has no name, or two have the same.
    """
    if nameless := [position for position, name in enumerate(names, 1) if not name.strip()]:
        raise UserError(
            f"{path}: column {nameless[0]} of {len(names)} has no name: name it in the file, or {advice('')}"
        )
    if duplicate_names := sorted(name for name, count in collections.Counter(names).items() if count > 1):
        raise UserError(
            f"{path}: two columns are named {duplicate_names[0]!r}: rename one, or {advice(duplicate_names[0])}"
        )


def advice(name: str) -> str:
    """Return the edit that drops a column."""
    return f"drop it with drop = [{json.dumps(name, ensure_ascii=False)}] under [data]"


def check(data: Data, omissions: Omissions, path: str, names: Iterable[str]) -> None:
    """Check that the columns in data.drop exist.

    Args:
        data: [data].
        omissions: Omissions of all files.
        path: The data, for the message.
        names: Columns that are read.

    Raises:
        UserError: no file has such a column.
    """
    dropped = {
        name
        for omission in omissions
        if (omission.kind, omission.reason) == ("column", DROPPED)
        for name in omission.names
    }
    for name in data.drop:
        if name not in dropped:
            raise UserError(
                f"data.drop: {path} has no column {name!r}: remove it from data.drop. Known columns: "
                f"{', '.join([*names, *dropped])}"
            )
