"""What the commands print: tables, JSON, times."""

import base64
import dataclasses
import io
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from printing import Styled, visible

_COLOURS = {
    "COMPLETE": "green",
    "CACHED": "cyan",
    "RUNNING": "yellow",
    "NOT_BLESSED": "yellow",
    "BLOCKED": "yellow",
    "FAILED": "red",
    "CANCELED": "red",
    "NOT RUN": "dim",
    "ERROR": "red",
    "WARNING": "yellow",
    "fails": "red",
    "worse": "red",
    "better": "green",
    "holds": "green",
}


def duration(seconds: float | None) -> str | None:
    """Says a length of time in the unit that a person would use."""
    if seconds is None:
        return None
    if seconds < 10:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def moment(time: datetime | None) -> str | None:
    """Writes a time to the second, with its zone."""
    return time.isoformat(timespec="seconds") if time else None


def number(value: float | None, digits: int = 5) -> str | None:
    """Writes a number with so many significant digits, whole ones in full; None stays None."""
    if value is None or math.isnan(value):
        return None
    if math.isinf(value):
        return "infinite" if value > 0 else "-infinite"
    if value == round(value) and abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:,.0f}" if 10 ** (digits - 1) <= abs(value) < 1e15 else f"{value:,.{digits}g}"


@dataclass(frozen=True)
class Table:
    """Rows of cells under a header, which None leaves out."""

    header: Sequence[str] | None
    rows: Sequence[Sequence[object]]


def table(header: Sequence[str] | None, rows: Sequence[Sequence[object]]) -> Table | None:
    """Lays out rows of cells; None where there are none."""
    return Table(header, rows) if rows else None


def in_a_line(text: str | None, most: int | None = None) -> str | None:
    """Writes a text of several lines as one, cut to so many characters."""
    line = None if text is None else " ".join(text.split())
    return line if line is None or most is None or len(line) <= most else f"{line[: most - 3]}..."


def printable(cell: object) -> str:
    """Writes out control characters, with which a name could otherwise move the cursor or break a row."""
    return visible("-" if cell is None or cell == "" else str(cell))


def drawn(*parts: Table | str | Sequence[str] | None) -> str:
    """Draws tables, lines of text, and groups of lines, with an empty line between two of them."""
    terminal = sys.stdout.isatty()
    draw = _on_terminal if terminal else _in_a_file
    texts = [draw(part) if isinstance(part, Table) else _lines(part) for part in parts if part is not None]
    # Each part is clean, and on a terminal has styles of ours.
    return Styled("\n".join(texts)) if terminal else "\n".join(texts)


def _lines(part: str | Sequence[str]) -> str:
    return "".join(f"{printable(line)}\n" for line in ([part] if isinstance(part, str) else part))


def _in_a_file(part: Table) -> str:
    """Draws a row a line, without rich's laying out, which takes longest of all where there are many rows."""
    from rich.cells import cell_len

    rows = [list(map(printable, row)) for row in part.rows]
    rows = [[visible(cell) for cell in part.header], *rows] if part.header is not None else rows
    widths = [max(map(cell_len, column)) + 2 for column in zip(*rows, strict=True)]
    told = (
        "".join(cell + " " * (wide - cell_len(cell)) for cell, wide in zip(row, widths, strict=True)) for row in rows
    )
    return "".join(f"{line.rstrip()}\n" for line in told)


def _on_terminal(part: Table) -> str:
    """Draws as wide as the terminal; a long cell goes on below."""
    from rich import table as rich_table
    from rich.text import Text

    from inspection.console import console

    header = part.header is not None
    laid = rich_table.Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=header, header_style="bold")
    for column, _ in enumerate(part.rows[0]):
        laid.add_column(visible(part.header[column]) if part.header is not None else "", overflow="fold")
    for row in part.rows:
        # Text takes names as they are: markup like [red] and :smile: stays what somebody wrote.
        laid.add_row(*(Text(printable(cell), style=_COLOURS.get(str(cell), "")) for cell in row))
    colours: Any = None if os.environ.get("NO_COLOR") else "auto"
    text = io.StringIO()
    console(plain=False, file=text, force_terminal=True, color_system=colours).print(laid)
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().split("\n")[:-1])


def as_json(value: object) -> str:
    """Writes plain values, dataclasses and times as JSON; what is no number becomes null, what is no text base 64."""
    # JSON escapes all other control characters.
    return json.dumps(_plain(value), indent=2, allow_nan=False).replace("\x7f", "\\u007f") + "\n"


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return {"b64": base64.b64encode(value).decode()}
    return value
