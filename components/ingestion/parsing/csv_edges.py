"""Lines of a CSV file that are not rows of its table: titles, comments, totals and notes."""

import re
from collections.abc import Sequence

COMMENTS = ("#", "//", "%", "--", ";")
"""What comments begin with."""
SHOWN = 40
"""Characters of a line in a sentence."""
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
    """Whether a cell names a total, so that its row sums up others."""
    return bool(_TOTAL.fullmatch(text.strip().removesuffix(":").strip()))


def is_footer(cells: Sequence[str], width: int) -> bool:
    """Whether a row at the end of a table is a total or a note.

    Args:
        cells: The row.
        width: Columns of the table.
    """
    filled = [cell.strip() for cell in cells if cell.strip()]
    if not filled:
        return True
    if len(cells) == width:
        return any(map(is_total, filled)) or (width > 1 and len(filled) == 1 and bool(_NOTE.fullmatch(filled[0])))
    words = len(filled[0].split()) > 1 and any(char.isalpha() for char in filled[0])
    return len(cells) < width and bool(_NOTE.fullmatch(filled[0]) or (len(cells) == 1 and words))


def total(rows: Sequence[Sequence[str | None]]) -> str | None:
    """The cell by which the last row is a total that sums up the others.

    Args:
        rows: The last rows of a table; where an earlier one has the same cell it is a value like others.
    """
    if len(rows) < 2:
        return None
    for at, cell in enumerate(rows[-1]):
        if cell and is_total(cell) and not any(at < len(row) and row[at] == cell for row in rows[:-1]):
            return cell
    return None


def refusal(path: str, line: int | None, cell: str) -> str:
    """Say that the last row is a total, and both ways out."""
    where = path if line is None else f"{path}, line {line}"
    return (
        f"{where}: the last row holds {cell!r}: if it is a total, csv = {{skip_footer = 1}} under [data] drops it; "
        "skip_footer = 0 keeps it as a row"
    )


def comment_of(cells: Sequence[str]) -> str | None:
    """What a row that is a comment begins with."""
    first = cells[0].lstrip() if cells else ""
    return next((mark for mark in COMMENTS if first.startswith(mark)), None)


def shown(line: str) -> str:
    """A line in a sentence."""
    plain = line.strip()
    return repr(plain if len(plain) <= SHOWN else f"{plain[:SHOWN]}...")


def hint(cells: Sequence[str], width: int, *, first: bool, last: bool) -> str:
    """What a row of another length may be and the key that leaves it out, as the end of a sentence; "" for none.

    Args:
        cells: The row.
        width: Columns of the table.
        first: Whether it is the first below the header.
        last: Whether it is the last.
    """
    mark = comment_of(cells)
    if mark is not None and len(cells) < width:
        return f": if it is a comment, csv = {{comment = '{mark}'}} under [data] drops such lines"
    if last and is_footer(cells, width):
        return ": if it is a footer, csv = {skip_footer = 1} under [data], with its number of rows, drops it"
    if last and len(cells) < width:
        return ": the file ends in this row: it is truncated, or csv = {skip_footer = 1} under [data] drops it"
    if first and len(cells) > width + 1:
        return ": if the lines above are a title, csv = {skip_rows = 1} under [data], with their number, skips them"
    return ""
