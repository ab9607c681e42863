"""Where in a CSV file a fault is: the line as an editor counts it, quoted newlines included."""

import codecs
import contextlib
import csv
import io
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from components.ingestion import files
from errors import UserError

FIELD_BYTES = 131_072
"""Longest text of a cell; a longer one is taken for a quote without its end."""
LINE_LENGTH = 1 << 24
"""Longest line that is read, in characters: over a hundred of the longest cells."""

_CELL = re.compile(r"In CSV column #(\d+)(?:: Row #(\d+))?: (.*)", re.S)
_ROW = re.compile(r"Row #(\d+)")


@contextlib.contextmanager
def explained(path: str) -> Iterator[None]:
    """Say errors of opening, unpacking and decoding with the file's name."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} is not {error.encoding} (byte 0x{error.object[error.start]:02x}): name the encoding as "
            'data.csv = {encoding = "latin-1"}'
        ) from error
    except (csv.Error, zlib.error, EOFError) as error:
        raise UserError(f"{path} cannot be read: {error}") from error
    except OSError as error:
        raise UserError(f"{path}: {error}") from error


@contextlib.contextmanager
def rows(path: str, settings: Mapping[str, Any], errors: str = "replace") -> Iterator[Iterator[tuple[int, list[str]]]]:
    """Rows of a file by Python's own reader, slow and with places.

    Args:
        path: The file.
        settings: [data]: `csv`.
        errors: What to do with bytes that are no text, as `open` takes it.

    Yields:
        Line at which each row starts, from 1, and its cells; a blank line is a row without cells.
    """
    dialect = settings["csv"]
    encoding = codec(settings)
    with (
        contextlib.closing(files.open_unpacked(path)) as file,
        io.TextIOWrapper(file, "utf-8-sig" if encoding == "utf8" else encoding, errors, newline="") as text,
    ):
        reader = csv.reader(
            _lines(text),
            delimiter=delimiter(path, settings),
            quotechar=dialect["quote"] or None,
            quoting=csv.QUOTE_MINIMAL if dialect["quote"] else csv.QUOTE_NONE,
            escapechar=dialect["escape"] or None,
            strict=True,
        )
        yield _numbered(reader)


def delimiter(path: str, settings: Mapping[str, Any]) -> str:
    """What stands between the cells."""
    tabs = path.lower().removesuffix(".gz").endswith(".tsv")
    return str(settings["csv"]["delimiter"] or ("\t" if tabs else ","))


def codec(settings: Mapping[str, Any]) -> str:
    """The encoding as Arrow names it: UTF-8 under any other name would be decoded anew."""
    name = codecs.lookup(settings["csv"]["encoding"]).name
    return "utf8" if name in ("utf-8", "utf-8-sig") else name


def explain(path: str, settings: Mapping[str, Any], message: str) -> str:
    """Say an Arrow error with the column's name and the line."""
    match = _CELL.search(message)
    if match is not None:
        number, row, reason = match.groups()
        with rows(path, settings) as found:
            first = next(cells for _, cells in found if cells)
        names = settings["csv"]["names"] or first
        where = f"column {names[int(number)]!r}" + (f", {place(path, settings, int(row))}" if row else "")
        byte = f" (byte {bad_byte(path, codec(settings))} of the file)" if "UTF8" in reason else ""
        return f"{where}: {reason.strip()}{byte}"
    match = _ROW.search(message)
    if match is not None:
        return f"{message[: match.start()]}{place(path, settings, int(match[1]), 'Row #')}{message[match.end() :]}"
    return _first_fault(path, settings) or message


def place(path: str, settings: Mapping[str, Any], row: int, word: str = "row ") -> str:
    """A row as Arrow counts it (from 1, the header among them, blank lines not), and its line where that is another."""
    count, at = 0, row
    try:
        with rows(path, settings) as found:
            for line, cells in found:
                count += bool(cells)
                if count == row:
                    at = line
                    break
    except csv.Error as error:
        # Python stops at a NUL or a long cell, which Arrow takes.
        at = getattr(error, "line", row) if count + 1 == row else row
    return f"{word}{row}" + (f", line {at}" if at != row else "")


def undecodable(path: str, encoding: str) -> str:
    """Say that a file is not in its encoding, from which byte on, and how to mend it."""
    shown = "UTF-8" if encoding == "utf8" else encoding
    with contextlib.closing(files.open_unpacked(path)) as file:
        utf16 = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    looks, given, named = ("; it looks like UTF-16", " -f utf-16", "utf-16") if utf16 else ("", "", "latin-1")
    return (
        f"{path} is not {shown} (byte {bad_byte(path, encoding)}){looks}: convert it, as with iconv{given} -t utf-8, "
        f'or name its encoding, as in csv = {{encoding = "{named}"}} under [data]'
    )


def unreadable(path: str, error: csv.Error) -> str:
    """Say what Python's reader found, with the line where it is known."""
    line, fault = getattr(error, "line", None), _FAULTS.get(str(error))
    if fault is not None and line is not None:
        return f"{path}, line {line}: {fault}"
    return f"{path} cannot be read: {error}{f' (line {line})' if line is not None else ''}"


def bad_byte(path: str, encoding: str) -> int:
    """Position of the first byte that is no text, in the unpacked file."""
    decoder = codecs.getincrementaldecoder(encoding)()
    position = 0
    with contextlib.closing(files.open_unpacked(path)) as file:
        while block := file.read(1 << 16):
            held_back = len(decoder.getstate()[0])
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                return position - held_back + error.start
            position += len(block)
    return position - len(decoder.getstate()[0])


def check_end(path: str, settings: Mapping[str, Any], last: pa.RecordBatch) -> None:
    """See that the last quote has its end: one that lacks it takes the rest of the file into its cell.

    Raises:
        UserError: it has none; names the line where it opens.
    """
    texts = [column for column in last.columns if pa.types.is_string(column.type)]
    if not len(last) or not any("\n" in (column[-1].as_py() or "") for column in texts):
        return
    fault = _first_fault(path, settings, only_quotes=True)
    if fault:
        raise UserError(f"{path}: {fault}")


def _first_fault(path: str, settings: Mapping[str, Any], only_quotes: bool = False) -> str:
    """The first row that is no row, found by reading the whole file."""
    width, line, end = 0, 0, 0
    try:
        with rows(path, settings) as found:
            for line, cells in found:
                width = width or len(cells)
                if cells and len(cells) != width and not only_quotes:
                    return f"line {line}: expected {width} columns, got {len(cells)}"
    except csv.Error as error:
        end = getattr(error, "line", line + 1)
        return f"line {end}: {_FAULTS.get(str(error), str(error))}"
    return ""


_FAULTS = {
    "unexpected end of data": "a quote opens in this row and never ends",
    "line contains NUL": "a NUL byte: this is no text, or it was cut",
}
"""Python's words -> ours."""


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Lines, none of which fills the memory: a small .gz file may hold one without end."""
    while line := text.readline(LINE_LENGTH):
        if len(line) == LINE_LENGTH and not line.endswith("\n"):
            raise csv.Error(f"a line of over {LINE_LENGTH:,} characters: this is no table")
        yield line


def _numbered(reader: Any) -> Iterator[tuple[int, list[str]]]:
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            error.line = line  # type: ignore[attr-defined]
            raise
        yield line, cells
