"""Layout of a CSV file: titles and comments around its table, a footer, and whether there is a header line."""

import collections
import contextlib
import csv
import io
import itertools
import os
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from components.ingestion.discovery import compression, opening
from components.ingestion.parsing import csv_edges, csv_header, csv_text
from components.ingestion.parsing.csv_text import Record
from curation.look import header_rows, unique_names
from spec.data import Data

TAIL_BYTES = 1 << 16
"""Bytes at the end of a file that are searched for a footer."""
TAIL_WITHIN = 1 << 30
"""Maximum number of characters to read if the end cannot be reached by seeking."""
LOOKED_AT = 200
"""Number of rows from which the width of the table and the types of its columns are inferred."""
_ROW_NAMES = (
    "the header has {0} names and each row {1} cells: the first ones are names of rows, as R writes them; if a later "
    "cell holds a delimiter without quotes, the names are shifted"
)
MIN_ROWS = 5
"""Smallest number of rows, with the header, of which the second one may be a total of the others."""
FOOTER_ROWS = 20
"""Maximum number of rows of a footer."""
SEPARATOR = re.compile(r"sep=(.)\s*", re.IGNORECASE)
"""A first line that tells a spreadsheet the delimiter."""
_DATE = re.compile(r"\d{1,4}(?P<sign>[-/.])\d{1,2}(?P=sign)\d{1,4}([ T]\d{1,2}:\d\d.*)?")
_VALUE = re.compile(r"[+-]?[$€£]?[.,]?\d[\d.,' \u00a0]*([eE][+-]?\d+)?%?|" + _DATE.pattern)
"""A number in any format, or a date."""
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_YEAR = re.compile(r"(18|19|20)\d\d")
_BLANK = ("", "?", "NA", "N/A", "null", "nan", "NaN")


class Layout(NamedTuple):
    """Location of the table.

    Attributes:
        keys: Keys of `csv` that locate the table.
        reasons: Reason for each key.
        header: Cells of the first line of the table.
    """

    keys: dict[str, Any]
    reasons: list[str]
    header: list[str]


def layout(path: str, text: str, dialect: dict[str, Any]) -> Layout:
    """Find the table in a CSV file.

    Args:
        path: The file.
        text: Complete lines from the start of the file.
        dialect: Known keys of `csv`: the delimiter and the encoding.
    """
    data = Data.model_validate({"path": path, "csv": dialect})
    rows = [record for record in _records(io.StringIO(text, newline=""), path, data) if record.cells]
    if not rows:
        return Layout({}, [], [])
    width = collections.Counter(len(record.cells) for record in rows[:LOOKED_AT]).most_common(1)[0][0]
    keys: dict[str, Any] = {}
    reasons = []
    comment = _comment(rows, width)
    if comment:
        keys["comment"] = comment
        reasons.append(f"lines that start with {comment!r} are comments")
        rows = [record for record in rows if not record.text[0].startswith(comment)]
    table_start = first_row(rows, width)
    # The table may start after the previous line: blank lines need no key.
    if table_start:
        keys["skip_rows"] = rows[table_start].line - 1
        first_line = csv_edges.shown(rows[0].text[0])
        reasons.append(f"the table starts in line {rows[table_start].line}, below {first_line}")
        rows = rows[table_start:]
    below = _footer(path, data.model_copy(update={"csv": data.csv.model_copy(update=keys)}), text, width, rows)
    if below:
        keys["skip_footer"] = len(below)
        reasons.append(why_below(below))
    header = [cell.strip() for cell in rows[0].cells] if rows else []
    table_rows = [
        record for record in rows[:LOOKED_AT] if not any(record.line == footer_record.line for footer_record in below)
    ]
    keys_of_header, reason = header_keys(table_rows, "line")
    if reason:
        keys |= keys_of_header
        reasons.append(reason)
    return Layout(keys, reasons, header)


def header_keys(rows: Sequence[Record], place: str) -> tuple[dict[str, Any], str]:
    """Return the keys of `csv` for a table without a header row, or with several, and the reason; empty for one.

    Args:
        rows: The table's first rows.
        place: What the number of a row counts: "line" or "row".
    """
    cells = [record.cells for record in rows]
    if reason := no_header(cells):
        names = [f"column_{number + 1}" for number in range(len(cells[0]))]
        return {"header": False, "names": names}, (
            f"{place} {rows[0].line} {reason}, so it is not a header: name the columns"
        )
    if len(rows) > MIN_ROWS and csv_edges.is_total(cells[1][0]) and csv_edges.total([*cells[2:], cells[1]]):
        reason = f"{place} {rows[1].line} holds totals of the rows below: {csv_edges.shown(rows[1].text[0])}"
        names = unique_names.unique(csv_header.named(cells[0], trim=True))
        return {"skip_rows": rows[2].line - 1, "header": False, "names": names}, reason
    count, names, source = header_rows.find(cells, _VALUE.fullmatch, _BLANK)
    if count == 1:
        is_longer = csv_header.has_row_names(cells[0], [row for row in cells[1:] if row])
        return {}, _ROW_NAMES.format(len(cells[0]), len(cells[0]) + 1) if is_longer else ""
    last = rows[count - 1].line
    used = "their texts together are the names" if source is None else f"the names are in {place} {rows[source].line}"
    reason = f"{place}s {rows[0].line} to {last} are header rows: {used}"
    if source == count - 1 and len(cells[source]) == len(names):
        return {"skip_rows": last - 1}, reason
    return {"skip_rows": rows[count].line - 1, "header": False, "names": names}, reason


def no_header(rows: Sequence[Sequence[str]]) -> str:
    """Return why the first row is data rather than a header; "" if it may be a header.

    Args:
        rows: The table's first rows.
    """
    if not rows:
        return ""
    header = [cell.strip() for cell in rows[0]]
    if header and all(_NUMBER.fullmatch(cell) for cell in header):
        return "holds only numbers"
    # The header may be repeated in concatenated files.
    below = [row for row in rows[1:] if [cell.strip() for cell in row] != header]
    columns = [
        [row[at].strip() for row in below if at < len(row) and row[at].strip() not in _BLANK]
        for at in range(len(header))
    ]
    named = [at for at, cell in enumerate(header) if cell not in _BLANK]
    values = [at for at in named if _VALUE.fullmatch(header[at])]
    counted = [at for at in values if columns[at] and all(map(_VALUE.fullmatch, columns[at]))]
    if any(at not in values and columns[at] and all(map(_VALUE.fullmatch, columns[at])) for at in named):
        return ""
    if counted:
        # Years, or 0, 1, 2, ..., or the dates of a statistic, may be column names.
        numbers = [header[at] for at in counted]
        dates = all(_DATE.fullmatch(header[at]) and not any(map(_DATE.fullmatch, columns[at])) for at in counted)
        is_named = dates or all(map(_YEAR.fullmatch, numbers)) or _are_counted(numbers)
        return "" if is_named else "holds values like the rows below"
    repeats_names = len(named) > 1 and len(below) >= len(header) and all(header[at] in columns[at] for at in named)
    return "holds values that occur in the rows below" if repeats_names else ""


def _are_counted(numbers: Sequence[str]) -> bool:
    # Python refuses to convert thousands of digits.
    integers = [int(number) for number in numbers if number.isdecimal() and len(number) < 19]
    return len(integers) == len(numbers) > 1 and integers == list(range(integers[0], integers[0] + len(integers)))


def _records(lines: io.StringIO, path: str, data: Data, *, begin: bool = True) -> list[Record]:
    records: list[Record] = []
    with contextlib.suppress(csv.Error):
        # The reader of the whole file reports rows that cannot be read.
        records.extend(csv_text.records(lines, path, data, begin=begin, strict=False))
    return records


def _comment(rows: Sequence[Record], width: int) -> str:
    """Return the prefix of the comments above or between the rows; "" if there are none."""
    marks = [csv_edges.comment_of(record.cells) for record in rows]
    above = len(list(itertools.takewhile(bool, marks)))
    if above and above < len(rows) and len(rows[above - 1].cells) == width:
        # A header may start with a comment prefix; it is followed by data.
        below = rows[above].cells
        names_and_cells = zip(rows[above - 1].cells, below, strict=False)
        if any(
            _NUMBER.fullmatch(cell.strip()) and not _NUMBER.fullmatch(name.strip()) for name, cell in names_and_cells
        ):
            return ""
    for number, (record, mark) in enumerate(zip(rows, marks, strict=True)):
        if width == 1 and not record.text[0].startswith(f"{mark} "):
            break
        if mark and (number < above or len(record.cells) < width):
            return mark
    return ""


def first_row(rows: Sequence[Record], width: int) -> int:
    """Return the index of the first row of the table: the rows before it are titles."""
    if width == 1:
        return 1 if len(rows) > 1 and SEPARATOR.fullmatch(rows[0].text[0]) else 0
    for number, record in enumerate(rows):
        filled = sum(bool(cell.strip()) for cell in record.cells)
        if SEPARATOR.fullmatch(record.text[0]) or (filled < 2 and (width > 2 or len(record.cells) < width)):
            continue
        if len(record.cells) == width:
            return number
        below = rows[number + 1].cells if number + 1 < len(rows) else []
        if abs(len(record.cells) - width) == 1 and any(_NUMBER.fullmatch(cell.strip()) for cell in below):
            return number
    return 0


def _footer(path: str, data: Data, text: str, width: int, rows: Sequence[Record]) -> list[Record]:
    """Return the rows at the end of the file that do not belong to the table."""
    if width == 1 or len(rows) < 2:
        return []
    is_complete, end = _tail(path, data, text)
    records = [
        record for record in _records(io.StringIO(end, newline=""), path, data, begin=is_complete) if record.cells
    ]
    return footer(records[1:] if is_complete else records, width)


def why_below(rows: Sequence[Record]) -> str:
    """Return why rows at the end are dropped."""
    last_rows = "row is" if len(rows) == 1 else f"{len(rows)} rows are"
    return f"the last {last_rows} not part of the table: {csv_edges.shown(rows[0].text[0])}"


def footer(body: Sequence[Record], width: int) -> list[Record]:
    """Return the last rows of a table that do not belong to it; at most FOOTER_ROWS.

    Args:
        body: Rows below the header.
        width: Number of columns.
    """
    table_rows, footer_rows = list(body), list[Record]()
    while len(table_rows) > 1 and len(footer_rows) <= FOOTER_ROWS:
        cells, previous_rows = table_rows[-1].cells, table_rows[:-1]
        usual = any(record.cells[:1] == cells[:1] for record in previous_rows) and len(cells) == width
        # A single word may be a row that was cut, but not above other rows that are no rows of the table.
        is_heading = bool(footer_rows) and len(cells) == 1 < width
        if usual or not (is_heading or csv_edges.is_footer(cells, width)):
            break
        footer_rows.insert(0, table_rows.pop())
    return footer_rows if len(footer_rows) <= FOOTER_ROWS else []


def _tail(path: str, data: Data, text: str) -> tuple[bool, str]:
    """Return whether `text` is the whole file, and the complete lines at the end of the file."""
    encoding = csv_text.codec(data)
    plain = compression.kind(opening.head(path)) is None and not encoding.startswith(("utf-16", "utf-32"))
    with contextlib.suppress(OSError, UnicodeDecodeError, *compression.FAULTS):
        if plain:
            size = os.path.getsize(path)
            if size <= TAIL_BYTES:
                return True, text
            with open(path, "rb") as file:
                file.seek(size - TAIL_BYTES)
                end = file.read().decode("utf-8" if encoding == "utf8" else encoding, "replace")
        else:
            end, read = "", 0
            with contextlib.closing(opening.open_unpacked(path)) as unpacked:
                wrapped = io.TextIOWrapper(unpacked, "utf-8" if encoding == "utf8" else encoding, newline="")
                while (block := wrapped.read(1 << 20)) and read < TAIL_WITHIN:
                    end, read = (end + block)[-TAIL_BYTES:], read + len(block)
                if block:
                    return False, ""
            if read <= TAIL_BYTES:
                return True, end
        # The first line is incomplete.
        return False, end[re.match(r"[^\r\n]*[\r\n]*", end).end() :]  # type: ignore[union-attr]
    return False, ""
