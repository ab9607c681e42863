"""Which columns of a file are not read: those that the config drops, and pandas' row index."""

import json
import re
from collections.abc import Iterable, Sequence

import pyarrow as pa

from components.ingestion.omissions import Omissions
from errors import UserError
from spec.data import Data

DROPPED = "data.drop names it"
INDEX = "the row index that pandas writes; to read it, give it a name there"
NAMELESS = "it has no name"
_INDEX = re.compile(r"__index_level_\d+__")


def reason(name: str, data: Data) -> str | None:
    """Why a column is not read; None where it is.

    Args:
        name: The column.
        data: [data].
    """
    if name in data.drop:
        return DROPPED
    return INDEX if _INDEX.fullmatch(name) else None


def kept(names: Iterable[str], data: Data, omissions: Omissions | None = None) -> list[str]:
    """Columns that are read, in order.

    Args:
        names: All columns of a file.
        data: [data].
        omissions: Takes the others.
    """
    found = []
    for name in names:
        why = reason(name, data)
        if why is None:
            found.append(name)
        elif omissions is not None:
            omissions.add("column", why, name, action="left out")
    return found


def select(batch: pa.RecordBatch, data: Data) -> pa.RecordBatch:
    """A batch without the columns that are not read."""
    names = batch.schema.names
    places = [place for place, name in enumerate(names) if reason(name, data) is None]
    if len(places) == len(names):
        return batch
    return pa.RecordBatch.from_arrays([batch.column(place) for place in places], [names[place] for place in places])


def check_names(path: str, names: Sequence[str]) -> None:
    """See that columns can be told apart.

    Args:
        path: The file.
        names: Columns that are read.

    Raises:
        UserError: one has no name, or two have the same.
    """
    if nameless := [place for place, name in enumerate(names, 1) if not name.strip()]:
        raise UserError(
            f"{path}: column {nameless[0]} of {len(names)} has no name: give it one in the file, or {advice('')}"
        )
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"{path}: two columns are named {twice[0]!r}: rename one, or {advice(twice[0])}")


def advice(name: str) -> str:
    """The edit that leaves a column out."""
    return f"leave it out with drop = [{json.dumps(name, ensure_ascii=False)}] under [data]"


def check(data: Data, omissions: Omissions, path: str, names: Iterable[str]) -> None:
    """See that what the config drops was there.

    Args:
        data: [data].
        omissions: What all files left out.
        path: The data, for the message.
        names: Columns that are read.

    Raises:
        UserError: no file has such a column.
    """
    dropped = {name for each in omissions if (each.kind, each.reason) == ("column", DROPPED) for name in each.names}
    for name in data.drop:
        if name not in dropped:
            raise UserError(
                f"data.drop names {name!r}, a column that {path} does not have: take it out of data.drop. There is: "
                f"{', '.join([*names, *dropped])}"
            )
