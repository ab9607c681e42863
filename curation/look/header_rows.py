"""Tables with several header rows: units or descriptions below the names, or groups above them."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from components.ingestion.parsing import csv_header
from curation.look import unique_names

MOST = 4
"""Largest number of header rows."""
MIN_ROWS_BELOW = 5
"""Smallest number of rows below from which the types of the columns are inferred."""
_RULE = re.compile(r":?-{2,}:?|={2,}")
"""A cell of a drawn line."""


class HeaderRows(NamedTuple):
    """The header rows of a table.

    Attributes:
        num_rows: Number of header rows; 1 if only the first row is one.
        names: Column names, unique; empty if `num_rows` is 1.
        source: Index of the row that holds exactly these names; None if they combine several rows.
    """

    num_rows: int
    names: list[str]
    source: int | None


def find(rows: Sequence[Sequence[str]], is_value: Callable[[str], object], nulls: Sequence[str]) -> HeaderRows:
    """Find the header rows: rows at the start that hold texts where all rows below hold numbers or dates.

    A text that occurs again below, in its column, is a category: its row is data.

    Args:
        rows: The first rows of the table, from its header on.
        is_value: Tells whether a cell is a number or a date.
        nulls: Cells that mean null.
    """
    width = len(rows[0]) if rows else 0
    table = [[cell.strip() for cell in [*row, *[""] * (width - len(row))][:width]] for row in rows]
    # Below the names of a table that is drawn with characters is a line, not a row.
    ruled = len(table) > 1 and any(table[1]) and all(_RULE.fullmatch(cell) for cell in table[1] if cell)
    if ruled:
        table[1] = [""] * width
    below = table[min(MOST, len(table)) :]
    cells_below = [[row[place] for row in below if row[place] not in nulls] for place in range(width)]
    numbers = [place for place, cells in enumerate(cells_below) if cells and all(map(is_value, cells))]
    count, has_text = 1, ruled
    while len(below) >= MIN_ROWS_BELOW and count < MOST:
        row = table[count]
        if count == 1 and _completes(row, table[0], below):
            count, has_text = 2, True
            continue
        values = [row[place] for place in numbers if row[place] not in nulls]
        texts = [place for place in range(width) if place not in numbers and row[place] not in nulls]
        if any(map(is_value, values)) or any(row[place] in cells_below[place] for place in texts):
            break
        count, has_text = count + 1, has_text or bool(values)
    return HeaderRows(count, *_names(table[:count])) if has_text else HeaderRows(1, [], None)


def _completes(row: Sequence[str], header: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Return whether a row names the columns that the header leaves out, as survey tools write, and is no data.

    Their values are answers, which occur again below; but the row lacks a cell that each row below has.
    """
    unnamed = [place for place, name in enumerate(header) if not name]
    always = [place for place, name in enumerate(header) if name and all(cells[place] for cells in below)]
    return bool(unnamed) and all(row[place] for place in unnamed) and not all(row[place] for place in always)


def _names(headers: Sequence[Sequence[str]]) -> tuple[list[str], int | None]:
    """Return the column names, and the row that holds them: the first complete one without repetitions."""
    for number, row in enumerate(headers):
        if all(row) and len(set(row)) == len(row):
            return list(row), number
    combined: list[list[str]] = [[] for _ in headers[0]]
    filled = [row for row in headers if any(row)]
    for number, row in enumerate(filled):
        is_last, group = number == len(filled) - 1, ""
        for place, cell in enumerate(row):
            # A group stands above its first column only, as where cells were merged.
            group = cell or ("" if is_last else group)
            if group:
                combined[place].append(group)
    return unique_names.unique(csv_header.named(["_".join(parts) for parts in combined], trim=True)), None
