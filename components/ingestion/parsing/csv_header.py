"""Names of a CSV file's columns: those of its header, and one for each column that has none."""

import csv
import itertools
from collections.abc import Sequence
from typing import NamedTuple

from components.ingestion.parsing import csv_text
from spec.data import Data

LOOKED_AT = 20
"""Rows that tell whether they have one cell more, or one less, than the header."""
UNNAMED = "column_{}"
"""Name of a column that has none, by its place from 1."""
AGAIN = "the header line again, as where files were put together"
"""Why rows are left out."""
_MARK = "\ufeff"
"""The byte order mark, which a file in the middle of others that were put together still has."""


class Header(NamedTuple):
    """The names of a file's columns.

    Attributes:
        names: In order; none where the file is empty.
        written: Those of the header line, where there is one: names of the config stand instead of them.
        has_rows: Whether anything is below it.
    """

    names: list[str]
    written: list[str]
    has_rows: bool


def read(path: str, data: Data) -> Header:
    """Names of the columns.

    A column without a name is column_N, by its place. Rows may have one cell more than the header: an empty one behind
    a delimiter at the line's end, or the names of the rows before the first column, as R writes them. They may have
    one less where the header ends in a delimiter.

    Args:
        path: The file.
        data: [data]: `csv` and `trim`.

    Raises:
        UnicodeDecodeError, csv.Error: the first row cannot be read.
    """
    dialect = data.csv
    first: list[list[str]] = []
    broken = False
    try:
        with csv_text.rows(path, data) as rows:
            first.extend(itertools.islice((cells for _, cells in rows if cells), LOOKED_AT + 1))
    except csv.Error:
        # A later row that cannot be read is named with its place, by who reads it.
        if not first:
            raise
        broken = True
    has_rows = broken or len(first) > bool(dialect.header)
    if not first or not dialect.header:
        return Header(list(dialect.names) if first else [], [], has_rows)
    written = named(_fitted(first[0], first[1:]), data.strip_whitespace)
    return Header(list(dialect.names) or written, written, has_rows)


def named(header: Sequence[str], trim: bool) -> list[str]:
    """Names for all columns of a header line."""
    written = [_bare(name) if trim else name.removeprefix(_MARK) for name in header]
    taken, made = {name for name in written if name.strip()}, []
    for number, name in enumerate(written, 1):
        if not name.strip():
            name = UNNAMED.format(number)
            while name in taken:
                name += "_"
            taken.add(name)
        made.append(name)
    return made


def is_repeated(cells: Sequence[str | None], written: Sequence[str]) -> bool:
    """Whether a row is the header line again, as where files were put together.

    A cell of a column without a name is blank. A table of one column may hold its own name.

    Args:
        cells: The row.
        written: As `Header` has it.
    """
    equal = sum(_bare(cell) == name.strip() for cell, name in zip(cells, written, strict=False) if cell)
    blank = sum(not (cell and cell.strip()) for cell in cells)
    return len(cells) == len(written) == equal + blank and equal > max(1, blank)


def _bare(name: str) -> str:
    return name.removeprefix(_MARK).strip()


def _fitted(header: list[str], rows: list[list[str]]) -> list[str]:
    """A header as long as the rows are."""
    if rows and all(len(row) == len(header) + 1 for row in rows):
        if all(not row[-1].strip() for row in rows):
            return [*header, ""]
        if len({row[0] for row in rows}) == len(rows) > 1:
            return ["", *header]
    if rows and len(header) > 1 and not header[-1].strip() and all(len(row) == len(header) - 1 for row in rows):
        return header[:-1]
    return header
