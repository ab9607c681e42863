"""Error messages with locations in CSV files: lines as an editor counts them, quoted newlines included."""

import codecs
import collections
import contextlib
import csv
import itertools
import re
from collections.abc import Iterator

import pyarrow as pa

from components.ingestion.discovery import compression, opening, unsupported_formats
from components.ingestion.omissions import SHOWN
from components.ingestion.parsing import csv_edges, csv_header, csv_text, legacy_encodings, text_encoding
from components.ingestion.parsing.csv_text import codec, rows
from errors import UserError
from spec.data import Data
from spec.rows import data_paths

TABLE_ROWS = 10_000
"""Number of rows below a row of another length that are looked at."""
LONG = (
    f"a text of over {csv_text.FIELD_BYTES:,} bytes: a closing quote may be missing; if not, csv = "
    '{long_cells = "cut"} under [data] cuts such text, and "skip" drops its rows'
)
_CELL = re.compile(r"In CSV column #(\d+)(?:: Row #(\d+))?: (.*)", re.S)
_ROW = re.compile(r"Row #(\d+)")


@contextlib.contextmanager
def explained(path: str, data: Data) -> Iterator[None]:
    """Raise errors of opening, decompressing and decoding as UserError with the file name."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise UserError(undecodable(path, codec(data))) from error
    except OSError as error:
        raise UserError(f"{path}: {error}") from error
    except csv.Error as error:
        raise UserError(unreadable(path, error)) from error
    except compression.FAULTS as error:
        raise UserError(f"{path} cannot be read: {error}") from error


def check_text(path: str) -> None:
    """Check that a file is not of a known binary format.

    Raises:
        UserError: it is; the message names the format and the command that converts it.
    """
    refusal = None if data_paths.is_remote(path) else unsupported_formats.refusal(path)
    if refusal is not None:
        raise UserError(refusal)


def explain(path: str, data: Data, message: str) -> str:
    """Rewrite an Arrow error, which counts rows below the header, with the column's name and the line."""
    wide = "16" in data.csv.encoding or "32" in data.csv.encoding
    if not wide and _guessed(path) is not None:
        # Arrow may report rows of other lengths before it reaches text that is not UTF-8.
        return nul(path)
    header_rows = 1 if data.csv.header else 0
    match = _CELL.search(message)
    if match is not None:
        number, row, reason = match.groups()
        names = csv_header.read(path, data).names
        location = f", {place(path, data, int(row) + header_rows, every=True)}" if row else ""
        byte = f" (byte {bad_byte(path, codec(data))} of the file): {_setting(path)}" if "UTF8" in reason else ""
        return f"column {names[int(number)]!r}{location}: {reason.strip()}{byte}"
    match = _ROW.search(message)
    if match is not None:
        row = int(match[1]) + header_rows
        row_location = place(path, data, row, "Row #", every=True)
        return f"{message[: match.start()]}{row_location}{message[match.end() :]}{_hint(path, data, row)}"
    return _first_fault(path, data) or message


def place(path: str, data: Data, row: int, word: str = "row ", *, every: bool = False) -> str:
    """Return the location of a row: its number, and its line if that differs.

    Args:
        path: The file.
        data: [data].
        row: Row number, from 1; the header counts, blank lines do not.
        word: Text before the number.
        every: Whether to count like Arrow, including repeated header lines and rows that csv.long_cells drops.
    """
    count, line_number = 0, row
    try:
        with numbered(path, data, every=every) as numbered_rows:
            for count, line, _ in numbered_rows:
                if count == row:
                    line_number = line
                    break
    except csv.Error as error:
        # Python stops at a NUL or a long cell, which Arrow accepts.
        line_number = getattr(error, "line", row) if count + 1 == row else row
    return f"{word}{row}" + (f", line {line_number}" if line_number != row else "")


@contextlib.contextmanager
def numbered(path: str, data: Data, *, every: bool = False) -> Iterator[Iterator[tuple[int, int, list[str]]]]:
    """Iterate over the rows of a file: number as in `place`, line and cells."""
    header = csv_header.read(path, data).written
    with rows(path, data) as lines:
        filled = ((line, cells) for line, cells in lines if cells)
        header_row = itertools.islice(filled, 1 if data.csv.header else 0)
        skip = data.csv.long_cells == "skip"
        later_rows = (
            row
            for row in filled
            if every or not (csv_header.is_repeated(row[1], header) or (skip and csv_text.is_long(row[1])))
        )
        yield ((count, *row) for count, row in enumerate(itertools.chain(header_row, later_rows), 1))


def repeated(path: str, data: Data, count: int) -> list[int]:
    """Return the first `count` lines, at most SHOWN, that repeat the header line."""
    header = csv_header.read(path, data).written
    lines: list[int] = []
    with contextlib.suppress(csv.Error, *compression.FAULTS), rows(path, data) as parsed:
        filled = ((line, cells) for line, cells in parsed if cells)
        next(filled, None)
        repeated_lines = (line for line, cells in filled if csv_header.is_repeated(cells, header))
        lines.extend(itertools.islice(repeated_lines, min(count, SHOWN)))
    return lines


def undecodable(path: str, encoding: str) -> str:
    """Return the message for a file that is not in its encoding: the first invalid byte and the fix."""
    name = "UTF-8" if encoding == "utf8" else encoding
    guess = _guessed(path)
    looks, option = (f"; it looks like {guess.upper()}", f" -f {guess}") if guess else ("", "")
    return (
        f"{path} is not {name} (byte {bad_byte(path, encoding)}){looks}: convert it, as with iconv{option} -t utf-8, "
        f"or {_setting(path, encoding)}"
    )


def nul(path: str) -> str:
    """Return the message for a file with NUL bytes, as the end of a sentence."""
    guess = _guessed(path)
    if guess is None:
        return "a NUL byte: the file is binary or truncated"
    return f'a NUL byte: it looks like {guess.upper()}: set it, as in csv = {{encoding = "{guess}"}} under [data]'


def _setting(path: str, encoding: str = "utf8") -> str:
    head = _head(path)
    if encoding != "utf8" and _is_utf8(head):
        likely = "utf-8"
    else:
        likely = _guessed(path) or ("latin-1" if head.isascii() else legacy_encodings.guess(head))
    return f'set its encoding, as in csv = {{encoding = "{likely}"}} under [data]'


def _is_utf8(head: bytes) -> bool:
    """Return whether bytes are UTF-8; the last character may be cut."""
    with contextlib.suppress(UnicodeDecodeError):
        codecs.getincrementaldecoder("utf-8")().decode(head)
        return b"\0" not in head
    return False


def _guessed(path: str) -> str | None:
    guess = text_encoding.guessed(_head(path))
    return None if guess == "utf-8" else guess


def _head(path: str) -> bytes:
    with contextlib.closing(opening.open_unpacked(path)) as file:
        return file.read(1 << 16)


def unreadable(path: str, error: csv.Error) -> str:
    """Return the message for an error of Python's reader, with the line if known."""
    line, fault = getattr(error, "line", None), _fault(path, error)
    if fault is not None and line is not None:
        return f"{path}, line {line}: {fault}"
    return f"{path} cannot be read: {error}{f' (line {line})' if line is not None else ''}"


def bad_byte(path: str, encoding: str) -> int:
    """Return the position of the first byte that cannot be decoded, in the decompressed file."""
    decoder = codecs.getincrementaldecoder(encoding)()
    position = 0
    with contextlib.closing(opening.open_unpacked(path)) as file:
        while block := file.read(1 << 16):
            held_back = len(decoder.getstate()[0])
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                return position - held_back + error.start
            position += len(block)
    return position - len(decoder.getstate()[0])


def check_footer(path: str, data: Data, last_batch: pa.RecordBatch) -> None:
    """Check that the last row is not a total, unless the config decides.

    Raises:
        UserError: it looks like a total; the message names its line.
    """
    if data.csv.skip_footer is not None or len(last_batch) < 2:
        return
    for column in last_batch.columns:
        if pa.types.is_string(column.type) and csv_edges.is_total(column[-1].as_py() or ""):
            cell = csv_edges.total([[text] for text in column.to_pylist()])
            if cell is not None:
                last_line = None
                with contextlib.suppress(csv.Error, *compression.FAULTS), numbered(path, data) as numbered_rows:
                    [(_, last_line, _)] = collections.deque(numbered_rows, maxlen=1)
                raise UserError(csv_edges.refusal(path, last_line, cell))


def of_total(value: str) -> str:
    """Return the hint that a cell that is not a number may label a total, as the end of a sentence."""
    if not csv_edges.is_total(value):
        return ""
    return ": if the row is a total, csv = {skip_footer = 1} under [data] drops it"


def check_end(path: str, data: Data, last_batch: pa.RecordBatch) -> None:
    """Check that the last quote is closed; otherwise its cell contains the rest of the file.

    Raises:
        UserError: it is not closed; the message names the line where it is opened.
    """
    texts = [column for column in last_batch.columns if pa.types.is_string(column.type)]
    if not len(last_batch) or not any("\n" in (column[-1].as_py() or "") for column in texts):
        return
    fault = _first_fault(path, data, only_quotes=True)
    if fault:
        raise UserError(f"{path}: {fault}")


def _hint(path: str, data: Data, row: int) -> str:
    """Suggest why a row has another length; "" without a suggestion."""
    width, first_row = len(csv_header.read(path, data).names), 2 if data.csv.header else 1
    with contextlib.suppress(csv.Error, *compression.FAULTS), numbered(path, data, every=True) as numbered_rows:
        for number, _, cells in numbered_rows:
            if number == row:
                below = [len(later) for _, _, later in itertools.islice(numbered_rows, TABLE_ROWS)]
                alike = len(below) if set(below) == {len(cells)} and len(below) < TABLE_ROWS else 0
                return csv_edges.hint(cells, width, first=row == first_row, last=not below, below=alike)
    return ""


def _first_fault(path: str, data: Data, only_quotes: bool = False) -> str:
    """Read the whole file and describe the first malformed row; "" if there is none."""
    width, line, end = 0, 0, 0
    try:
        with rows(path, data) as lines:
            for line, cells in lines:
                width = width or len(cells)
                if cells and len(cells) != width and not only_quotes:
                    return f"line {line}: expected {width} columns, got {len(cells)}"
    except csv.Error as error:
        end = getattr(error, "line", line + 1)
        return f"line {end}: {_fault(path, error) or error}"
    return ""


def _fault(path: str, error: csv.Error) -> str | None:
    """Translate an error of Python's reader into a message of this project; None if it is another error."""
    if "NUL" in str(error):
        return nul(path)
    if str(error) == csv_text.TOO_LONG:
        return LONG
    return "a quote is opened in this row and never closed" if "end of data" in str(error) else None
