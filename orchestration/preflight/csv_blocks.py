"""The text of a CSV file, looked through once: its encoding, and the rows of its first and last block."""

import codecs
import contextlib
import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from components.ingestion.discovery import compression, opening
from components.ingestion.omissions import Omissions
from components.ingestion.parsing import csv_edges, csv_errors, csv_header, csv_text
from errors import UserError
from spec.data import Data

BLOCK = 2 << 20
"""Bytes of text at the beginning and at the end whose rows are taken apart."""
MOST = 1 << 28
"""Bytes of text that are looked through of one file, about half a second; of a longer one the beginning and, where it
is not packed, the end."""
TRIED = 8
"""Line breaks at which the last block may begin."""
_READ = 1 << 20


@dataclass
class Text:
    """What one pass found.

    Attributes:
        first: Beginning of the text, up to BLOCK bytes in UTF-8; all of it where `last` is empty.
        last: End of the text, where it is longer.
        lines: Line breaks before `last`; None where they were not counted.
        size: Bytes of text; at least so many where not all of it was seen.
        whole: Whether all of it was seen.
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
        lines: The line at which each begins; None where it is not known.
        whole: Whether these are all rows of the file.
        findings: What is wrong with others.
    """

    cells: list[list[str]] = field(default_factory=list)
    lines: list[int | None] = field(default_factory=list)
    whole: bool = True
    findings: list[str] = field(default_factory=list)


def scan(path: str, data: Data) -> Text:
    """Look through a file of this machine.

    Args:
        path: A CSV file, plain or gzipped.
        data: [data]: `csv`.

    Raises:
        UserError: it is cut off, not in its encoding, or holds a NUL; names the byte or the line.
    """
    encoding = csv_text.codec(data)
    found, lines = Text(), 0
    try:
        for block in _newlines(_utf8(path, encoding, found)):
            if b"\0" in block:
                line = lines + block.count(b"\n", 0, block.index(b"\0")) + 1
                raise UserError(f"{path}, line {line}: {csv_errors.nul(path)}")
            lines += block.count(b"\n")
            room = BLOCK - len(found.first)
            found.first += block[:room] if room else b""
            found.last = (found.last + block[room:])[-BLOCK:]
    except UnicodeDecodeError as error:
        raise UserError(csv_errors.undecodable(path, encoding)) from error
    except compression.FAULTS as error:
        raise UserError(f"{path} cannot be read: {error}: it was cut or damaged; copy it again") from error
    found.lines = lines - found.last.count(b"\n")
    if not found.whole:
        _reach(path, found, encoding)
    return found


def _utf8(path: str, encoding: str, found: Text) -> Iterator[bytes]:
    """The text in UTF-8, a block at a time, and no more than MOST of it; `size` and `whole` are filled in."""
    decoder = codecs.getincrementaldecoder(encoding)()
    with contextlib.closing(opening.open_unpacked(path)) as file:
        while block := file.read(_READ):
            found.size += len(block)
            text = decoder.decode(block)
            yield block if encoding == "utf8" else text.encode("utf-8", "surrogatepass")
            if found.size >= MOST:
                found.whole = not file.read(1)
                break
    if found.whole:
        decoder.decode(b"", final=True)


def _newlines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The text with LF as the only line's end."""
    held = b""
    for block in blocks:
        block = held + block
        # The second half of CR LF may be in the next block.
        held = b"\r" if block.endswith(b"\r") else b""
        yield _lf(block.removesuffix(held))
    yield _lf(held)


def _lf(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text


def parse(
    path: str,
    data: Data,
    text: Text,
    header: csv_header.Header,
    omissions: Omissions | None = None,
) -> Rows:
    """Take the rows of both blocks apart.

    Args:
        path: The file, for messages.
        data: [data]: `csv`.
        text: What `scan` found.
        header: The names of the columns.
        omissions: Takes the header line where it is repeated.
    """
    cut = bool(text.last) or not text.whole
    table = _Table(path, data, header, Omissions() if omissions is None else omissions)
    found = table.rows(text.first.decode("utf-8-sig", "replace"), 1, cut=cut)
    found.whole = not cut
    if text.last:
        end = max(_ends(table, text), key=lambda one: len(one.cells) - len(one.findings), default=Rows())
        found.cells += end.cells
        found.lines += end.lines
        found.findings += end.findings
    if data.csv.skip_footer is None and text.whole and not found.findings:
        cell = csv_edges.total(found.cells)
        if cell is not None:
            found.findings.append(csv_edges.refusal(path, found.lines[-1], cell))
    return found


def _ends(table: "_Table", text: Text) -> Iterator[Rows]:
    """The last block, read from its first line breaks on: one that stands in quotes begins with a row that is none."""
    start = 0
    for _ in range(TRIED):
        start = text.last.find(b"\n", start) + 1
        if not start:
            return
        line = None if text.lines is None else text.lines + 1 + text.last.count(b"\n", 0, start)
        found = table.rows(text.last[start:].decode("utf-8", "replace"), line)
        yield found
        if found.cells and not found.findings:
            return


def _reach(path: str, found: Text, encoding: str) -> None:
    """Where not all was seen: read the end where it can be reached."""
    found.last, found.lines = b"", None
    packed = compression.kind(opening.head(path)) is not None
    with contextlib.closing(opening.open_binary(path)) as file:
        found.size = max(found.size, file.seek(0, io.SEEK_END))
        if not packed and encoding == "utf8":
            file.seek(-BLOCK, io.SEEK_END)
            found.last = _lf(file.read())


class _Table:
    """Takes rows out of parts of a file.

    Args:
        path: The file, for messages.
        data: [data]: `csv`.
        header: The names of its columns.
        omissions: Takes the header line where it is repeated.
    """

    def __init__(self, path: str, data: Data, header: csv_header.Header, omissions: Omissions) -> None:
        self._path, self._data, self._header, self._omissions = path, data, header, omissions

    def rows(self, text: str, line: int | None, *, cut: bool = False) -> Rows:
        """Rows of a text that begins with one.

        Args:
            text: With LF as the only line's end.
            line: Its first line's number; None where it is not known, 1 for the file's beginning.
            cut: Whether it may end within a row.
        """
        found, width = Rows(), len(self._header.names)
        wrong: csv_text.Record | None = None
        record: csv_text.Record | None = None
        if cut:
            text = text[: text.rfind("\n") + 1]
        begin = line == 1
        records = csv_text.records(
            io.StringIO(text, newline=""), self._path, self._data, line=line or 1, begin=begin, end=not cut
        )
        header = begin and self._data.csv.header
        try:
            for record in records:
                if not record.cells:
                    continue
                where = self._path if line is None else f"{self._path}, line {record.line}"
                if header:
                    header = False
                elif csv_header.is_repeated(record.cells, self._header.written):
                    named = None if line is None else f"line {record.line}"
                    self._omissions.add("row", csv_header.AGAIN, named, action="left out")
                elif self._data.csv.long_cells == "skip" and csv_text.is_long(record.cells):
                    self._omissions.add("row", csv_text.TOO_LONG, action="left out")
                elif len(record.cells) != width:
                    wrong = record
                    first = begin and not found.cells and not found.findings
                    found.findings.append(_misfit(where, record.cells, width, first=first))
                else:
                    found.cells.append(record.cells)
                    found.lines.append(None if line is None else record.line)
            if wrong is not None and wrong is record and not cut:
                found.findings[-1] = _misfit(where, wrong.cells, width, last=True)
        except csv.Error as error:
            where = self._path if line is None else f"{self._path}, line {getattr(error, 'line', 1)}"
            if "end of data" in str(error) and not cut:
                found.findings.append(
                    f"{where}: a quote is opened in this row and never closed: close it, or double it"
                )
            if str(error) == csv_text.TOO_LONG:
                found.findings.append(f"{where}: {csv_errors.LONG}")
            # What else Python's reader minds, ingestion may take.
        return found


def _misfit(where: str, cells: list[str], width: int, *, first: bool = False, last: bool = False) -> str:
    mend = csv_edges.hint(cells, width, first=first, last=last)
    mend = mend or ": mend the row; a text that holds the delimiter goes in quotes"
    return f"{where}: expected {width} columns, got {len(cells)}{mend}"
