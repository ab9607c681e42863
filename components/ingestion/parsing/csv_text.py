"""Text of a CSV file: decompressed, decoded and divided into rows, without lines outside the table."""

import codecs
import collections
import contextlib
import csv
import io
import itertools
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from components.ingestion.discovery import compression, opening
from components.ingestion.omissions import Omissions
from spec.data import Data

FIELD_BYTES = 131_072
"""Longest cell in bytes; a longer one is treated as an unclosed quote, or cut, or its row is dropped."""
TOO_LONG = f"a text of over {FIELD_BYTES:,} bytes (csv.long_cells)"
"""Why cells are cut or rows dropped."""
BELOW = "below the table (csv.skip_footer)"
"""Why rows at the end are skipped."""
LINE_LENGTH = 1 << 24
"""Longest line in characters: over a hundred of the longest cells."""
_BLOCK = 1 << 20
csv.field_size_limit(LINE_LENGTH)


class Record(NamedTuple):
    """A row of the file.

    Attributes:
        line: Line at which the row starts, from 1, as an editor counts it.
        cells: Cells of the row; empty for a blank line.
        text: Lines of the row, with their line ends.
    """

    line: int
    cells: list[str]
    text: list[str]


@contextlib.contextmanager
def rows(path: str, data: Data, errors: str = "replace") -> Iterator[Iterator[tuple[int, list[str]]]]:
    """Read the rows of a file with Python's own reader, which is slow but counts lines.

    Args:
        path: The file.
        data: [data]: `csv`.
        errors: How to handle bytes that cannot be decoded, as in `open`.

    Yields:
        Line at which a row starts, from 1, and its cells; a blank line is a row without cells.
    """
    with _opened(path, data, errors) as text:
        yield ((record.line, record.cells) for record in records(_lines(text), path, data))


def records(
    lines: Iterable[str],
    path: str,
    data: Data,
    *,
    line: int = 1,
    begin: bool = True,
    end: bool = True,
    strict: bool = True,
    omissions: Omissions | None = None,
) -> Iterator[Record]:
    """Divide lines into rows, and drop the lines that the config excludes around and between them.

    Args:
        lines: Lines with their line ends.
        path: The file; its extension may determine the delimiter.
        data: [data]: `csv`.
        line: The number of the first line.
        begin: Whether the file begins with these lines.
        end: Whether the file ends with them.
        strict: Whether a quote in the wrong place is an error.
        omissions: Records comments and the footer after all lines are read.

    Raises:
        csv.Error: a row cannot be read; the attribute `line` is the line at which it starts.
    """
    dialect = data.csv
    source = _Source(lines, dialect.comment, line)
    if begin:
        source.skip(dialect.skip_rows)
    reader = csv.reader(source, **reading(path, data), strict=strict)
    footer_rows = (dialect.skip_footer or 0) if end else 0
    last_records: collections.deque[Record] = collections.deque()
    filled = 0
    while True:
        source.taken = []
        try:
            cells = next(reader)
            if dialect.long_cells == "error" and is_long(cells):
                raise csv.Error(TOO_LONG)
        except StopIteration:
            break
        except csv.Error as error:
            yield from last_records
            error.line = source.start  # type: ignore[attr-defined]
            raise
        last_records.append(Record(source.start, cells, source.taken))
        filled += bool(cells)
        # A blank line at the end does not belong to the footer.
        while last_records and filled > footer_rows:
            record = last_records.popleft()
            filled -= bool(record.cells)
            yield record
    if omissions is not None and source.comments:
        omissions.add("line", f"comments, which begin with {dialect.comment!r} (csv.comment)", count=source.comments)
    if omissions is not None and filled:
        omissions.add("row", BELOW, count=filled)


def is_long(cells: Sequence[str]) -> bool:
    """Return whether a row has a cell longer than FIELD_BYTES."""
    # A row is nearly always shorter than one such cell.
    if sum(map(len, cells)) * 4 <= FIELD_BYTES:
        return False
    return any(len(cell) * 4 > FIELD_BYTES and len(cell.encode("utf-8", "replace")) > FIELD_BYTES for cell in cells)


def reading(path: str, data: Data) -> dict[str, Any]:
    """Return the dialect as keyword arguments of Python's reader."""
    dialect = data.csv
    return {
        "delimiter": delimiter(path, data),
        "quotechar": dialect.quote or None,
        "quoting": csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        "escapechar": dialect.escape or None,
    }


@contextlib.contextmanager
def arrow(path: str, data: Data, omissions: Omissions | None = None) -> Iterator[pa.NativeFile]:
    """Open the rows below the header as a stream of UTF-8 that Arrow reads without Python.

    A file that Arrow cannot read directly is rewritten first: another encoding, comments or a footer.

    Args:
        path: The file.
        data: [data]: `csv`.
        omissions: Records the dropped lines.

    Raises:
        UnicodeDecodeError: the file is not in its encoding.
    """
    dialect = data.csv
    omitted = Omissions() if omissions is None else omissions
    if dialect.skip_rows:
        omitted.add("line", "above the header (csv.skip_rows)", count=dialect.skip_rows)
    if codec(data) == "utf8" and not dialect.comment and not dialect.skip_footer:
        with opening.open_arrow(path) as stream:
            bytes_to_skip = _start(path, data)
            while bytes_to_skip and (block := stream.read(min(bytes_to_skip, _BLOCK))):
                bytes_to_skip -= len(block)
            yield stream
        return
    with tempfile.NamedTemporaryFile(prefix="pipeline-data-") as copy:
        for block in _rewritten(path, data, omitted):
            copy.write(block)
        copy.flush()
        with pa.OSFile(copy.name) as stream:
            yield stream


def delimiter(path: str, data: Data) -> str:
    """Return the delimiter: from the config, else tab for .tsv files and a comma for others."""
    return str(data.csv.delimiter or ("\t" if compression.bare(path).endswith(".tsv") else ","))


def codec(data: Data) -> str:
    """Return Arrow's name of the encoding; it would transcode UTF-8 under any other name."""
    name = codecs.lookup(data.csv.encoding).name
    return "utf8" if name in ("utf-8", "utf-8-sig") else name


@contextlib.contextmanager
def _opened(path: str, data: Data, errors: str) -> Iterator[io.TextIOWrapper]:
    encoding = codec(data)
    with (
        contextlib.closing(opening.open_unpacked(path)) as file,
        io.TextIOWrapper(file, "utf-8-sig" if encoding == "utf8" else encoding, errors, newline="") as text,
    ):
        yield text


def _start(path: str, data: Data) -> int:
    """Return the offset in bytes of the first data row of a UTF-8 file."""
    with contextlib.closing(opening.open_unpacked(path)) as file:
        size = len(codecs.BOM_UTF8) if file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8 else 0
    with _opened(path, data, "surrogateescape") as text:
        source = _Counted(_lines(text))
        _pass_header(source, path, data)
    return size + source.bytes


def _pass_header(lines: Iterable[str], path: str, data: Data) -> None:
    """Consume the lines above the table and the header, and no others."""
    header = records(
        lines, path, data.model_copy(update={"csv": data.csv.model_copy(update={"skip_footer": 0})}), strict=False
    )
    if data.csv.header:
        next((record for record in header if record.cells), None)
    else:
        collections.deque(itertools.islice(lines, data.csv.skip_rows), maxlen=0)


def _rewritten(path: str, data: Data, omissions: Omissions) -> Iterator[bytes]:
    """Encode the rows below the header in UTF-8, one block at a time; bytes that are not UTF-8 stay unchanged."""
    errors = "surrogateescape" if codec(data) == "utf8" else "strict"
    with _opened(path, data, errors) as text:
        dialect, lines = data.csv, _lines(text)
        if not dialect.comment and not dialect.skip_footer:
            _pass_header(lines, path, data)
            while block := text.read(_BLOCK):
                yield block.encode("utf-8", "surrogateescape")
            return
        parsed = records(lines, path, data, strict=False, omissions=omissions)
        if dialect.header:
            next((record for record in parsed if record.cells), None)
        for record in parsed:
            yield "".join(record.text).encode("utf-8", "surrogateescape")


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Iterate over lines with a limit on their length: a small compressed file may contain one huge line."""
    while line := text.readline(LINE_LENGTH):
        if len(line) == LINE_LENGTH and not line.endswith(("\n", "\r")):
            raise csv.Error(f"a line of over {LINE_LENGTH:,} characters: this is not a table")
        yield line


class _Source:
    """Lines for Python's reader, which requests another line while a row is incomplete.

    Args:
        lines: Lines with their line ends.
        comment: Prefix of lines between rows that are dropped; "" for none.
        line: The number of the first line.
    """

    def __init__(self, lines: Iterable[str], comment: str, line: int) -> None:
        self._lines, self._comment = iter(lines), comment
        self._next = line
        self.start, self.comments = line, 0
        self.taken: list[str] = []
        """Lines of the current row; the caller resets it before each row."""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        for line in self._lines:
            self._next += 1
            if self._comment and not self.taken and line.startswith(self._comment):
                self.comments += 1
                continue
            if not self.taken:
                self.start = self._next - 1
            self.taken.append(line)
            return line
        raise StopIteration

    def skip(self, count: int) -> None:
        """Skip lines."""
        self._next += sum(1 for _ in itertools.islice(self._lines, count))


class _Counted:
    """Lines, with a count of the UTF-8 bytes consumed.

    Args:
        lines: Lines with their line ends.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.bytes = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.bytes += len(line.encode("utf-8", "surrogateescape"))
        return line
