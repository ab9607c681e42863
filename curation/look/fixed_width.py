"""Texts whose columns are separated by blanks: one blank is a delimiter, runs of blanks need a conversion."""

import collections
import csv
import re
from collections.abc import Sequence

from components.ingestion.discovery import unsupported_formats
from curation.look import table_layout

LINES = 50
"""Number of lines that are analyzed."""
FEWEST = 3
"""Smallest number of lines whose blanks can be compared."""
_RUN = re.compile(r"^ |\S {2,}\S")


def delimiter(text: str) -> str | None:
    """Return " " if single blanks divide each line into the same number of cells, at least two; else None.

    Args:
        text: The beginning of a file that no other delimiter divides.
    """
    lines = _lines(text)
    if len(lines) < FEWEST:
        return None
    try:
        rows = list(csv.reader(lines, delimiter=" ", strict=True))
    except csv.Error:
        return None
    widths = {len(row) for row in rows[1:]}
    if len(widths) != 1 or widths == {1} or not all(map(all, rows)):
        return None
    (width,) = widths
    # R writes names of rows, in quotes as its other texts, but no name above them.
    has_row_names = width == len(rows[0]) + 1 and all(line.startswith('"') for line in lines)
    return " " if width == len(rows[0]) or has_row_names else None


def refusal(path: str, text: str, delimiter: str) -> str | None:
    """Return the error for columns that runs of blanks separate, with the command that converts the file.

    Args:
        path: The file.
        text: The beginning of the file.
        delimiter: The delimiter that it seems to have; a line without it is one cell.
    """
    lines = _lines(text)
    if len(lines) < FEWEST or all(delimiter in line for line in lines):
        return None
    if 2 * sum(bool(_RUN.search(line)) for line in lines) < len(lines):
        return None
    counts = collections.Counter(len(line.split()) for line in lines)
    if len(counts) == 1 and 1 not in counts:
        call, keys = "read_csv", r", sep=r'\s+'"
    elif _fields(lines) > 1:
        call, keys = "read_fwf", ""
    else:
        return None
    if table_layout.no_header([re.split(r" {2,}" if not keys else r"\s+", line.strip()) for line in lines]):
        keys += ", header=None"
    command = unsupported_formats.convert(path, unsupported_formats.pandas_command(call, keys=keys))
    return f"{path} has columns of a fixed width, separated by runs of blanks instead of a delimiter: {command}"


def _lines(text: str) -> Sequence[str]:
    lines = [line.rstrip() for line in text.splitlines()[: 2 * LINES]]
    return [line for line in lines if line and not line.startswith("#")][:LINES]


def _fields(lines: Sequence[str]) -> int:
    """Return the number of fields between positions that are blank in all lines."""
    width = max(map(len, lines))
    filled = [any(line[place : place + 1].strip() for line in lines) for place in range(width)]
    return len("".join("x" if is_filled else " " for is_filled in filled).split())
