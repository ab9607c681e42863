"""Column names of a CSV file: from its header, and generated for columns without a name."""

import csv
import itertools
from collections.abc import Sequence
from typing import NamedTuple

from components.ingestion.parsing import csv_text
from spec.data import Data

LOOKED_AT = 20
"""Number of rows read to see whether rows have one cell more or less than the header."""
UNNAMED = "column_{}"
"""Generated name of an unnamed column, by its position from 1."""
AGAIN = "the header line again, as where files were put together"
"""Why rows are dropped."""
_MARK = "\ufeff"
"""The byte order mark, which each part of a concatenated file may start with."""


class Header(NamedTuple):
    """The column names of a file.

    Attributes:
        names: Names in order; empty if the file is empty.
        written: Names of the header line, if there is one; names in the config replace them in `names`.
        has_rows: Whether there are rows below the header.
        unnamed: Those of `names` that are generated, because the header line has none.
    """

    names: list[str]
    written: list[str]
    has_rows: bool
    unnamed: Sequence[str] = ()


def read(path: str, data: Data) -> Header:
    """Read the column names of a file.

    A column without a name becomes column_N, by its position. Rows may have one cell more than the header: an empty one
    after a trailing delimiter, or row names before the first column, as R writes them. They may have one cell less if
    the header ends in a delimiter.

    Args:
        path: The file.
        data: [data]: `csv` and `strip_whitespace`.

    Raises:
        UnicodeDecodeError, csv.Error: the first row cannot be read.
    """
    dialect = data.csv
    first_rows: list[list[str]] = []
    broken = False
    try:
        with csv_text.rows(path, data) as rows:
            first_rows.extend(itertools.islice((cells for _, cells in rows if cells), LOOKED_AT + 1))
    except csv.Error:
        # The reader reports a later row that cannot be read, with its location.
        if not first_rows:
            raise
        broken = True
    has_rows = broken or len(first_rows) > bool(dialect.header)
    if not first_rows or not dialect.header:
        return Header(list(dialect.names) if first_rows else [], [], has_rows)
    return of(_fitted(first_rows[0], first_rows[1:]), data, has_rows=has_rows)


def of(cells: Sequence[str], data: Data, *, has_rows: bool = True) -> Header:
    """Return the header of the cells of its line; names in the config replace them."""
    names = named(cells, data.strip_whitespace)
    if data.csv.names:
        return Header(list(data.csv.names), names, has_rows)
    unnamed = [name for name, cell in zip(names, cells, strict=True) if not _bare(cell)]
    return Header(names, names, has_rows, unnamed)


def named(header: Sequence[str], trim: bool) -> list[str]:
    """Return a name for each column of a header line."""
    header_names = [_bare(name) if trim else name.removeprefix(_MARK) for name in header]
    used_names, names = {name for name in header_names if name.strip()}, []
    for number, name in enumerate(header_names, 1):
        if not name.strip():
            name = UNNAMED.format(number)
            while name in used_names:
                name += "_"
            used_names.add(name)
        names.append(name)
    return names


def is_repeated(cells: Sequence[str | None], header: Sequence[str]) -> bool:
    """Return whether a row repeats the header line, as in concatenated files; case is ignored.

    The cell of an unnamed column must be blank. In a table of one column its name may be a regular value.

    Args:
        cells: Cells of the row.
        header: Names in the header line, `Header.written`.
    """
    if len(cells) != len(header):
        return False
    blank = 0
    for cell, name in zip(cells, header, strict=True):
        if not (cell and cell.strip()):
            blank += 1
        elif _bare(cell).casefold() != name.strip().casefold():
            # Nearly every row of a table ends here, at one of its first cells.
            return False
    return len(cells) - blank > max(1, blank)


def has_row_names(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Return whether all rows have one cell more than the header, and the first ones differ, as R writes row names."""
    longer = all(len(row) == len(header) + 1 for row in rows) and any(row[-1].strip() for row in rows)
    return longer and len({row[0] for row in rows}) == len(rows) > 1


def _bare(name: str) -> str:
    return name.removeprefix(_MARK).strip()


def _fitted(header: list[str], rows: list[list[str]]) -> list[str]:
    """Extend or shorten a header by one name to the length of the rows, if all rows agree."""
    if rows and all(len(row) == len(header) + 1 for row in rows):
        if all(not row[-1].strip() for row in rows):
            return [*header, ""]
        if has_row_names(header, rows):
            return ["", *header]
    if rows and len(header) > 1 and not header[-1].strip() and all(len(row) == len(header) - 1 for row in rows):
        return header[:-1]
    return header
