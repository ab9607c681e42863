"""Lines of a CSV file that are not rows of its table: titles, comments, totals and notes."""

import re
from collections.abc import Sequence

COMMENTS = ("#", "//", "%", "--", ";")
"""Prefixes of comment lines."""
SHOWN = 40
"""Maximum number of characters of a line in a message."""
_TOTAL = re.compile(
    r"(grand |sub-?)?totals?|sum|summe|gesamt(summe)?|insgesamt|total g[eé]n[eé]ral|average|mean|durchschnitt",
    re.IGNORECASE,
)
_NOTE = re.compile(
    r"(grand |sub-?)?totals?\b.*|sum\b.*|(source|note|notes|footnote|remark|quelle|hinweis|stand|generated|exported"
    r"|created|copyright|confidential|end of)\b.*|\*.*|©.*|\(?\d+ (rows?|records?|lines?)\b.*",
    re.IGNORECASE,
)


def is_total(text: str) -> bool:
    """Return whether a cell labels its row as a total of other rows."""
    return bool(_TOTAL.fullmatch(text.strip().removesuffix(":").strip()))


def is_footer(cells: Sequence[str], width: int) -> bool:
    """Return whether a row at the end of a table is a total or a note.

    Args:
        cells: Cells of the row.
        width: Number of columns of the table.
    """
    filled = [cell.strip() for cell in cells if cell.strip()]
    if not filled:
        return True
    if len(cells) == width:
        return any(map(is_total, filled)) or (width > 1 and len(filled) == 1 and bool(_NOTE.fullmatch(filled[0])))
    words = len(filled[0].split()) > 1 and any(char.isalpha() for char in filled[0])
    return len(cells) < width and bool(_NOTE.fullmatch(filled[0]) or (len(cells) == 1 and words))


def total(rows: Sequence[Sequence[str | None]]) -> str | None:
    """Return the cell that marks the last row as a total of the others; None if it is not a total.

    Args:
        rows: Last rows of a table; a cell that another row repeats in its column is a regular value.
    """
    if len(rows) < 2:
        return None
    for column, cell in enumerate(rows[-1]):
        if cell and is_total(cell) and not any(column < len(row) and row[column] == cell for row in rows[:-1]):
            return cell
    return None


def refusal(path: str, line: int | None, cell: str) -> str:
    """Return the message for a last row that looks like a total, with both fixes."""
    location = path if line is None else f"{path}, line {line}"
    return (
        f"{location}: the last row holds {cell!r}: if it is a total, csv = {{skip_footer = 1}} under [data] drops it; "
        "skip_footer = 0 keeps it as a row"
    )


def comment_of(cells: Sequence[str]) -> str | None:
    """Return the prefix of a comment line; None for another row."""
    first_cell = cells[0].lstrip() if cells else ""
    return next((mark for mark in COMMENTS if first_cell.startswith(mark)), None)


def shown(line: str) -> str:
    """Quote a line for a message, truncated to SHOWN characters."""
    plain = line.strip()
    return repr(plain if len(plain) <= SHOWN else f"{plain[:SHOWN]}...")


def hint(cells: Sequence[str], width: int, *, first: bool, last: bool, below: int = 0) -> str:
    """Suggest why a row has another length and the config key that drops it.

    Args:
        cells: Cells of the row.
        width: Number of columns of the table.
        first: Whether the row is the first below the header.
        last: Whether the row is the last.
        below: Number of rows below it, if each has as many cells as this one; else 0.

    Returns:
        End of a sentence, starting with a colon; "" without a suggestion.
    """
    mark = comment_of(cells)
    if mark is not None and len(cells) < width:
        return f": if it is a comment, csv = {{comment = '{mark}'}} under [data] drops such lines"
    if below and 1 < len(cells) < width:
        return (
            f": another table may begin here: write it to a file of its own, or csv = {{skip_footer = {below + 1}}} "
            "under [data] drops it"
        )
    if last and is_footer(cells, width):
        return ": if it is a footer, csv = {skip_footer = 1} under [data], with its number of rows, drops it"
    if last and len(cells) < width:
        return ": the file ends in this row: it is truncated, or csv = {skip_footer = 1} under [data] drops it"
    if first and len(cells) > width + 1:
        return ": if the lines above are a title, csv = {skip_rows = 1} under [data], with their number, skips them"
    return ""
