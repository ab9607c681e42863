"""Scan of a CSV file in one pass, which checks its encoding and the rows of its first and last block."""

import codecs
import contextlib
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from components.ingestion.discovery import compression, opening
from components.ingestion.omissions import Omissions
from components.ingestion.parsing import csv_edges, csv_errors, csv_header, csv_text
from errors import UserError
from spec.data import Data

BLOCK = 2 << 20
"""Bytes of text at the start and at the end whose rows are parsed."""
MAX_BYTES = 1 << 28
"""Maximum bytes of text to scan per file, about half a second; of a longer file the start and, if it is not compressed,
the end are scanned."""
MAX_STARTS = 8
"""Maximum number of line breaks to try as the start of the last block."""
_READ = 1 << 20


@dataclass
class Text:
    """Result of the scan of a file.

    Attributes:
        first: Start of the text, up to BLOCK bytes in UTF-8; all of it if `last` is empty.
        last: End of a longer text.
        lines: Line breaks before `last`; None if not counted.
        size: Bytes of text; a lower bound if the scan did not reach the end.
        whole: Whether the whole text was scanned.
    """

    first: bytes = b""
    last: bytes = b""
    lines: int | None = 0
    size: int = 0
    whole: bool = True


@dataclass
class Rows:
    """Rows of a file's first and last block.

    Attributes:
        cells: Each row's cells.
        lines: Line number of the start of each row; None if unknown.
        whole: Whether these are all rows of the file.
        findings: Errors of invalid rows.
    """

    cells: list[list[str]] = field(default_factory=list)
    lines: list[int | None] = field(default_factory=list)
    whole: bool = True
    findings: list[str] = field(default_factory=list)


def scan(path: str, data: Data) -> Text:
    """Scan a local file.

    Args:
        path: A CSV file, plain or gzipped.
        data: [data]: `csv`.

    Raises:
        UserError: the file is truncated, not in its encoding, or contains a NUL; names the byte or the line.
    """
    encoding = csv_text.codec(data)
    scanned, lines = Text(), 0
    try:
        for block in _newlines(_utf8(path, encoding, scanned)):
            if b"\0" in block:
                line = lines + block.count(b"\n", 0, block.index(b"\0")) + 1
                raise UserError(f"{path}, line {line}: {csv_errors.nul(path)}")
            lines += block.count(b"\n")
            room = BLOCK - len(scanned.first)
            scanned.first += block[:room] if room else b""
            scanned.last = (scanned.last + block[room:])[-BLOCK:]
    except UnicodeDecodeError as error:
        raise UserError(csv_errors.undecodable(path, encoding)) from error
    except compression.FAULTS as error:
        raise UserError(f"{path} cannot be read: {error}: it is truncated or damaged; copy it again") from error
    scanned.lines = lines - scanned.last.count(b"\n")
    if not scanned.whole:
        _read_end(path, scanned, encoding)
    return scanned


def _utf8(path: str, encoding: str, scanned: Text) -> Iterator[bytes]:
    """Yield blocks of at most MAX_BYTES of the text in UTF-8, and set `size` and `whole`."""
    decoder = codecs.getincrementaldecoder(encoding)()
    with contextlib.closing(opening.open_unpacked(path)) as file:
        while block := file.read(_READ):
            scanned.size += len(block)
            text = decoder.decode(block)
            yield block if encoding == "utf8" else text.encode("utf-8", "surrogatepass")
            if scanned.size >= MAX_BYTES:
                scanned.whole = not file.read(1)
                break
    if scanned.whole:
        decoder.decode(b"", final=True)


def _newlines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the text with LF as the only line break."""
    pending = b""
    for block in blocks:
        block = pending + block
        # The LF of a CR LF may be in the next block.
        pending = b"\r" if block.endswith(b"\r") else b""
        yield _lf(block.removesuffix(pending))
    yield _lf(pending)


def _lf(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text


def parse(
    path: str,
    data: Data,
    text: Text,
    header: csv_header.Header,
    omissions: Omissions | None = None,
) -> Rows:
    """Parse the rows of both blocks.

    Args:
        path: The file, for messages.
        data: [data]: `csv`.
        text: Result of `scan`.
        header: The names of the columns.
        omissions: Counts repeated header lines and skipped rows.
    """
    is_cut = bool(text.last) or not text.whole
    table = _Table(path, data, header, Omissions() if omissions is None else omissions)
    rows = table.rows(text.first.decode("utf-8-sig", "replace"), 1, is_cut=is_cut)
    rows.whole = not is_cut
    if text.last:
        end = max(_last_blocks(table, text), key=lambda end: len(end.cells) - len(end.findings), default=Rows())
        rows.cells += end.cells
        rows.lines += end.lines
        rows.findings += end.findings
    if data.csv.skip_footer is None and text.whole and not rows.findings:
        cell = csv_edges.total(rows.cells)
        if cell is not None:
            rows.findings.append(csv_edges.refusal(path, rows.lines[-1], cell))
    return rows


def _last_blocks(table: "_Table", text: Text) -> Iterator[Rows]:
    """Yield parses of the last block from its first line breaks: a line break in quotes is not the start of a row."""
    start = 0
    for _ in range(MAX_STARTS):
        start = text.last.find(b"\n", start) + 1
        if not start:
            return
        line = None if text.lines is None else text.lines + 1 + text.last.count(b"\n", 0, start)
        rows = table.rows(text.last[start:].decode("utf-8", "replace"), line)
        yield rows
        if rows.cells and not rows.findings:
            return


def _read_end(path: str, scanned: Text, encoding: str) -> None:
    """Read the end of a text that was not scanned to the end, if the file allows seeking in it."""
    scanned.last, scanned.lines = b"", None
    packed = compression.kind(opening.head(path)) is not None
    with contextlib.closing(opening.open_binary(path)) as file:
        scanned.size = max(scanned.size, file.seek(0, io.SEEK_END))
        if not packed and encoding == "utf8":
            file.seek(-BLOCK, io.SEEK_END)
            scanned.last = _lf(file.read())


class _Table:
    """Parser of parts of a file.

    Args:
        path: The file, for messages.
        data: [data]: `csv`.
        header: The names of its columns.
        omissions: Counts repeated header lines and skipped rows.
    """

    def __init__(self, path: str, data: Data, header: csv_header.Header, omissions: Omissions) -> None:
        self._path, self._data, self._header, self._omissions = path, data, header, omissions

    def rows(self, text: str, line: int | None, *, is_cut: bool = False) -> Rows:
        """Parse the rows of a text that starts with a row.

        Args:
            text: The text, with LF as the only line break.
            line: Number of its first line, from 1; None if unknown.
            is_cut: Whether its last row may be incomplete.
        """
        rows, width = Rows(), len(self._header.names)
        misfits: list[csv_text.Record] = []  # since the last row of the table's width
        if is_cut:
            text = text[: text.rfind("\n") + 1]
        begin = line == 1
        records = csv_text.records(
            io.StringIO(text, newline=""), self._path, self._data, line=line or 1, begin=begin, end=not is_cut
        )
        header = begin and self._data.csv.header
        try:
            for record in records:
                if not record.cells:
                    continue
                location = self._path if line is None else f"{self._path}, line {record.line}"
                if header:
                    header = False
                elif csv_header.is_repeated(record.cells, self._header.written):
                    line_text = None if line is None else f"line {record.line}"
                    self._omissions.add("row", csv_header.AGAIN, line_text, action="left out")
                elif self._data.csv.long_cells == "skip" and csv_text.is_long(record.cells):
                    self._omissions.add("row", csv_text.TOO_LONG, action="left out")
                elif len(record.cells) != width:
                    misfits.append(record)
                    is_first = begin and not rows.cells and not rows.findings
                    rows.findings.append(_misfit(location, record.cells, width, first=is_first))
                else:
                    misfits = []
                    rows.cells.append(record.cells)
                    rows.lines.append(None if line is None else record.line)
            if misfits and not is_cut:
                _explain_end(rows.findings, [record.cells for record in misfits], width)
        except csv.Error as error:
            location = self._path if line is None else f"{self._path}, line {getattr(error, 'line', 1)}"
            if "end of data" in str(error) and not is_cut:
                rows.findings.append(
                    f"{location}: a quote is opened in this row and never closed: close it, or write it twice"
                )
            if str(error) == csv_text.TOO_LONG:
                rows.findings.append(f"{location}: {csv_errors.LONG}")
            # Other errors of Python's reader are no findings, because ingestion may accept the rows.
        return rows


def _explain_end(findings: list[str], cells: Sequence[Sequence[str]], width: int) -> None:
    """Say why the last rows of a file have the wrong number of cells, in place of their findings.

    Rows of one length become one finding, as they are another table; else only the last row is explained.
    """
    below = len(cells) - 1
    fix = (
        csv_edges.hint(cells[0], width, first=False, last=False, below=below) if len(set(map(len, cells))) == 1 else ""
    )
    if not (below and fix):
        below, fix = 0, csv_edges.hint(cells[-1], width, first=False, last=True)
    if fix:
        location, _, _ = findings[-below - 1].partition(": expected ")
        findings[-below - 1 :] = [f"{location}: expected {width} columns, got {len(cells[-1])}{fix}"]


def _misfit(location: str, cells: list[str], width: int, *, first: bool) -> str:
    """Return the error of a row with the wrong number of cells."""
    fix = csv_edges.hint(cells, width, first=first, last=False)
    fix = fix or ": fix the row; quote cells that contain the delimiter"
    return f"{location}: expected {width} columns, got {len(cells)}{fix}"
