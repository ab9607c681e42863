"""Formatting of the output of commands: tables, JSON, numbers, times."""

import base64
import dataclasses
import io
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from printing import Styled, visible
from spec.timing import utc

_COLORS = {
    "COMPLETE": "green",
    "CACHED": "cyan",
    "RUNNING": "yellow",
    "NOT_BLESSED": "yellow",
    "BLOCKED": "yellow",
    "FAILED": "red",
    "CANCELED": "red",
    "NOT RUN": "dim",
    "UNKNOWN": "dim",
    "KEPT": "cyan",
    "TAKEN": "cyan",
    "UNCHANGED": "cyan",
    "WAITING": "yellow",
    "SKIPPED": "dim",
    "ERROR": "red",
    "WARNING": "yellow",
    "fails": "red",
    "worse": "red",
    "better": "green",
    "holds": "green",
}


def duration(seconds: float | None) -> str | None:
    """Format seconds with a suitable unit; None stays None."""
    if seconds is None:
        return None
    if seconds < 10:
        return f"{seconds:.2f} s"
    minutes, seconds_left = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{seconds_left} s"
    return f"{minutes} min {seconds_left:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def moment(time: datetime | None) -> str | None:
    """Format a time to the second, in UTC; None stays None."""
    return utc.text(time.timestamp()) if time else None


def number(value: float | None, digits: int = 5) -> str | None:
    """Format a number with some significant digits, an integer in full; None for None and NaN."""
    if value is None or math.isnan(value):
        return None
    if math.isinf(value):
        return "infinite" if value > 0 else "-infinite"
    if value == round(value) and abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:,.0f}" if 10 ** (digits - 1) <= abs(value) < 1e15 else f"{value:,.{digits}g}"


@dataclass(frozen=True)
class Table:
    """Rows of cells, with an optional header."""

    header: Sequence[str] | None
    rows: Sequence[Sequence[object]]


def table(header: Sequence[str] | None, rows: Sequence[Sequence[object]]) -> Table | None:
    """Return a table of rows of cells; None if there are no rows."""
    return Table(header, rows) if rows else None


def in_a_line(text: str | None, max_chars: int | None = None) -> str | None:
    """Join the lines of a text with spaces, and truncate it to a number of characters."""
    line = None if text is None else " ".join(text.split())
    return line if line is None or max_chars is None or len(line) <= max_chars else f"{line[: max_chars - 3]}..."


def printable(cell: object) -> str:
    """Escape control characters, which could move the cursor or break a row; a missing value becomes `-`."""
    return visible("-" if cell is None or cell == "" else str(cell))


def drawn(*parts: Table | str | Sequence[str] | None) -> str:
    """Format tables, lines of text, and groups of lines, separated by empty lines."""
    terminal = sys.stdout.isatty()
    draw = _terminal_table if terminal else _plain_table
    texts = [draw(part) if isinstance(part, Table) else _lines(part) for part in parts if part is not None]
    # Each part is escaped; on a terminal it contains our own styles.
    return Styled("\n".join(texts)) if terminal else "\n".join(texts)


def _lines(part: str | Sequence[str]) -> str:
    return "".join(f"{printable(line)}\n" for line in ([part] if isinstance(part, str) else part))


def _plain_table(part: Table) -> str:
    """Format one line per row, without rich's layout, which dominates the time of long tables."""
    from rich.cells import cell_len

    rows = [list(map(printable, row)) for row in part.rows]
    rows = [[visible(cell) for cell in part.header], *rows] if part.header is not None else rows
    widths = [max(map(cell_len, column)) + 2 for column in zip(*rows, strict=True)]
    lines = (
        "".join(cell + " " * (wide - cell_len(cell)) for cell, wide in zip(row, widths, strict=True)) for row in rows
    )
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _terminal_table(part: Table) -> str:
    """Format to the width of the terminal; long cells are wrapped."""
    from rich import table as rich_table
    from rich.text import Text

    from inspection.console import console

    header = part.header is not None
    layout = rich_table.Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=header, header_style="bold")
    for column, _ in enumerate(part.rows[0]):
        layout.add_column(visible(part.header[column]) if part.header is not None else "", overflow="fold")
    for row in part.rows:
        # Text does not interpret markup such as [red] or :smile: in names.
        layout.add_row(*(Text(printable(cell), style=_COLORS.get(str(cell), "")) for cell in row))
    color_system: Any = None if os.environ.get("NO_COLOR") else "auto"
    text = io.StringIO()
    console(plain=False, file=text, force_terminal=True, color_system=color_system).print(layout)
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().split("\n")[:-1])


def as_json(value: object) -> str:
    """Format plain values, dataclasses and times as JSON; NaN and infinity become null, binary bytes base64."""
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
        return value.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return {"b64": base64.b64encode(value).decode()}
    return value
