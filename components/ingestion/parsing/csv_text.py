"""The text of a CSV file: unpacked, decoded, and divided into rows, without the lines that are no part of the table."""

import codecs
import collections
import contextlib
import csv
import io
import itertools
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import pyarrow as pa

from components.ingestion.discovery import compression, opening
from components.ingestion.omissions import Omissions
from spec.data import Data

FIELD_BYTES = 131_072
"""Longest text of a cell; a longer one is taken for a quote without its end, or cut, or its row left out."""
TOO_LONG = f"a text of over {FIELD_BYTES:,} bytes (csv.long_cells)"
"""Why cells are cut or rows left out."""
LINE_LENGTH = 1 << 24
"""Longest line that is read, in characters: over a hundred of the longest cells."""
_BLOCK = 1 << 20
csv.field_size_limit(LINE_LENGTH)


class Record(NamedTuple):
    """A row as it is written.

    Attributes:
        line: The line at which it starts, from 1, as an editor counts it.
        cells: Its cells; a blank line has none.
        text: Its lines.
    """

    line: int
    cells: list[str]
    text: list[str]


@contextlib.contextmanager
def rows(path: str, data: Data, errors: str = "replace") -> Iterator[Iterator[tuple[int, list[str]]]]:
    """Rows of a file by Python's own reader, slow and with places.

    Args:
        path: The file.
        data: [data]: `csv`.
        errors: What to do with bytes that are no text, as `open` takes it.

    Yields:
        Line at which each row starts, from 1, and its cells; a blank line is a row without cells.
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
    """Divide lines into rows, and leave out those around and between them that the config names.

    Args:
        lines: Each with its end.
        path: The file, whose name may tell the delimiter.
        data: [data]: `csv`.
        line: The number of the first line.
        begin: Whether the file begins with these lines.
        end: Whether the file ends with them.
        strict: Whether a quote in the wrong place is an error.
        omissions: Takes comments and the footer, once all lines were read.

    Raises:
        csv.Error: a row cannot be read; its attribute `line` is where it starts.
    """
    dialect = data.csv
    source = _Source(lines, dialect.comment, line)
    if begin:
        source.skip(dialect.skip_rows)
    reader = csv.reader(source, **reading(path, data), strict=strict)
    last = (dialect.skip_footer or 0) if end else 0
    held: collections.deque[Record] = collections.deque()
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
            yield from held
            error.line = source.start  # type: ignore[attr-defined]
            raise
        held.append(Record(source.start, cells, source.taken))
        filled += bool(cells)
        # A blank line at the end is no row of the footer.
        while held and filled > last:
            record = held.popleft()
            filled -= bool(record.cells)
            yield record
    if omissions is not None and source.comments:
        omissions.add("line", f"comments, which begin with {dialect.comment!r} (csv.comment)", count=source.comments)
    if omissions is not None and filled:
        omissions.add("row", "below the table (csv.skip_footer)", count=filled)


def is_long(cells: Iterable[str]) -> bool:
    """Whether a row has a cell of over FIELD_BYTES."""
    return any(len(cell) * 4 > FIELD_BYTES and len(cell.encode("utf-8", "replace")) > FIELD_BYTES for cell in cells)


def reading(path: str, data: Data) -> dict[str, Any]:
    """The dialect as Python's reader takes it."""
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

    A file that Arrow cannot read as it lies there is written out first: another encoding, comments or a footer.

    Args:
        path: The file.
        data: [data]: `csv`.
        omissions: Takes the lines that are left out.

    Raises:
        UnicodeDecodeError: the file is not in its encoding.
    """
    dialect = data.csv
    told = Omissions() if omissions is None else omissions
    if dialect.skip_rows:
        told.add("line", "above the header (csv.skip_rows)", count=dialect.skip_rows)
    if codec(data) == "utf8" and not dialect.comment and not dialect.skip_footer:
        with opening.open_arrow(path) as stream:
            left = _start(path, data)
            while left and (block := stream.read(min(left, _BLOCK))):
                left -= len(block)
            yield stream
        return
    with tempfile.NamedTemporaryFile(prefix="pipeline-data-") as copy:
        for block in _rewritten(path, data, told):
            copy.write(block)
        copy.flush()
        with pa.OSFile(copy.name) as stream:
            yield stream


def delimiter(path: str, data: Data) -> str:
    """What stands between the cells."""
    return str(data.csv.delimiter or ("\t" if compression.bare(path).endswith(".tsv") else ","))


def codec(data: Data) -> str:
    """The encoding as Arrow names it: UTF-8 under any other name would be decoded anew."""
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
    """Bytes of a UTF-8 file before the first row of data."""
    with contextlib.closing(opening.open_unpacked(path)) as file:
        size = len(codecs.BOM_UTF8) if file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8 else 0
    with _opened(path, data, "surrogateescape") as text:
        source = _Counted(_lines(text))
        _pass_header(source, path, data)
    return size + source.bytes


def _pass_header(lines: Iterable[str], path: str, data: Data) -> None:
    """Take the lines above the table and the header off, and no more."""
    found = records(
        lines, path, data.model_copy(update={"csv": data.csv.model_copy(update={"skip_footer": 0})}), strict=False
    )
    if data.csv.header:
        next((record for record in found if record.cells), None)
    else:
        collections.deque(itertools.islice(lines, data.csv.skip_rows), maxlen=0)


def _rewritten(path: str, data: Data, omissions: Omissions) -> Iterator[bytes]:
    """The rows below the header in UTF-8, a block at a time; bytes that are no UTF-8 stay as they are."""
    errors = "surrogateescape" if codec(data) == "utf8" else "strict"
    with _opened(path, data, errors) as text:
        dialect, lines = data.csv, _lines(text)
        if not dialect.comment and not dialect.skip_footer:
            _pass_header(lines, path, data)
            while block := text.read(_BLOCK):
                yield block.encode("utf-8", "surrogateescape")
            return
        found = records(lines, path, data, strict=False, omissions=omissions)
        if dialect.header:
            next((record for record in found if record.cells), None)
        for record in found:
            yield "".join(record.text).encode("utf-8", "surrogateescape")


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Lines, none of which fills the memory: a small packed file may hold one without end."""
    while line := text.readline(LINE_LENGTH):
        if len(line) == LINE_LENGTH and not line.endswith(("\n", "\r")):
            raise csv.Error(f"a line of over {LINE_LENGTH:,} characters: this is no table")
        yield line


class _Source:
    """Lines for Python's reader, which asks for one more while a row is not complete.

    Args:
        lines: Each with its end.
        comment: Text at the beginning of lines between rows that are left out; "" for none.
        line: The number of the first line.
    """

    def __init__(self, lines: Iterable[str], comment: str, line: int) -> None:
        self._lines, self._comment = iter(lines), comment
        self._next = line
        self.start, self.comments = line, 0
        self.taken: list[str] = []
        """Lines of the row; to be set anew before each."""

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
        """Leave lines out."""
        self._next += sum(1 for _ in itertools.islice(self._lines, count))


class _Counted:
    """Lines, and how many bytes in UTF-8 were taken.

    Args:
        lines: Each with its end.
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
