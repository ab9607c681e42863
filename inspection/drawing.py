"""What the commands print: tables, JSON, times."""

import base64
import dataclasses
import io
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

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
    if value == round(value) and abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:,.0f}" if 10 ** (digits - 1) <= abs(value) < 1e15 else f"{value:,.{digits}g}"


def table(header: Sequence[str] | None, rows: Sequence[Sequence[object]]) -> Table | None:
    """Lays out rows of cells; None where there are none."""
    if not rows:
        return None
    laid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=header is not None, header_style="bold")
    for column, _ in enumerate(rows[0]):
        # On a terminal a long cell goes on below; in a file or pipe a row stays one line.
        laid.add_column(header[column] if header else "", overflow="fold", no_wrap=not sys.stdout.isatty())
    for row in rows:
        # Text takes names as they are: markup like [red] and :smile: stays what somebody wrote.
        laid.add_row(*(Text(printable(cell), style=_COLOURS.get(str(cell), "")) for cell in row))
    return laid


def printable(cell: object) -> str:
    """Writes out control characters, with which a name could otherwise move the cursor or break a row."""
    text = "-" if cell is None or cell == "" else str(cell)
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def drawn(*parts: "Table | str | None") -> str:
    """Draws tables and lines of text, with an empty line between two of them."""
    terminal = sys.stdout.isatty()
    console = Console(
        file=io.StringIO(),
        force_terminal=terminal,
        color_system="auto" if terminal and not os.environ.get("NO_COLOR") else None,
        width=None if terminal else 1_000_000,
    )
    texts = []
    for part in parts:
        if isinstance(part, str):
            texts.append("".join(f"{printable(line)}\n" for line in part.split("\n")))
        elif part is not None:
            with console.capture() as capture:
                console.print(part)
            texts.append("".join(line.rstrip() + "\n" for line in capture.get().splitlines()))
    return "\n".join(texts)


def as_json(value: object) -> str:
    """Writes plain values, dataclasses and times as JSON; what is no number becomes null, what is no text base 64."""
    return json.dumps(_plain(value), indent=2, allow_nan=False) + "\n"


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


def write(text: str) -> None:
    """Writes to standard output what its encoding can say."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as head, has seen enough; the interpreter's own flush must not complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
