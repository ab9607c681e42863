"""The text of a CSV file, looked through once: its encoding, and the rows of its first and last block."""

import codecs
import contextlib
import csv
import io
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from components.ingestion import csv_places, files
from errors import UserError

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


def scan(path: str, settings: Mapping[str, Any]) -> Text:
    """Look through a file of this machine.

    Args:
        path: A CSV file, plain or gzipped.
        settings: [data]: `csv`.

    Raises:
        UserError: it is cut off, not in its encoding, or holds a NUL; names the byte or the line.
    """
    encoding = csv_places.codec(settings)
    found, lines = Text(), 0
    try:
        for data in _utf8(path, encoding, found):
            if b"\0" in data:
                line = lines + data.count(b"\n", 0, data.index(b"\0")) + 1
                raise UserError(f"{path}, line {line}: a NUL byte: this is no text, or it was cut")
            lines += data.count(b"\n")
            room = BLOCK - len(found.first)
            found.first += data[:room] if room else b""
            found.last = (found.last + data[room:])[-BLOCK:]
    except UnicodeDecodeError as error:
        raise UserError(csv_places.undecodable(path, encoding)) from error
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} cannot be read: {error}: it was cut or damaged; copy it again") from error
    found.lines = lines - found.last.count(b"\n")
    if not found.whole:
        _reach(path, found, encoding)
    return found


def _utf8(path: str, encoding: str, found: Text) -> Iterator[bytes]:
    """The text in UTF-8, a block at a time, and no more than MOST of it; `size` and `whole` are filled in."""
    decoder = codecs.getincrementaldecoder(encoding)()
    with contextlib.closing(files.open_unpacked(path)) as file:
        while block := file.read(_READ):
            found.size += len(block)
            text = decoder.decode(block)
            yield block if encoding == "utf8" else text.encode("utf-8", "surrogatepass")
            if found.size >= MOST:
                found.whole = not file.read(1)
                break
    if found.whole:
        decoder.decode(b"", final=True)


def parse(path: str, settings: Mapping[str, Any], text: Text, width: int) -> Rows:
    """Take the rows of both blocks apart.

    Args:
        path: The file, for messages.
        settings: [data]: `csv`.
        text: What `scan` found.
        width: Columns of the table.
    """
    cut = bool(text.last) or not text.whole
    found = _block(path, settings, text.first.decode("utf-8-sig", "replace"), 1, width, cut=cut)
    found.whole = not cut
    if settings["csv"]["header"] and found.cells:
        del found.cells[0], found.lines[0]
    if text.last:
        end = max(
            _ends(path, settings, text, width), key=lambda one: len(one.cells) - len(one.findings), default=Rows()
        )
        found.cells += end.cells
        found.lines += end.lines
        found.findings += end.findings
    return found


def _ends(path: str, settings: Mapping[str, Any], text: Text, width: int) -> Iterator[Rows]:
    """The last block, read from its first line breaks on: one that stands in quotes begins with a row that is none."""
    start = 0
    for _ in range(TRIED):
        start = text.last.find(b"\n", start) + 1
        if not start:
            return
        line = None if text.lines is None else text.lines + 1 + text.last.count(b"\n", 0, start)
        found = _block(path, settings, text.last[start:].decode("utf-8", "replace"), line, width)
        yield found
        if found.cells and not found.findings:
            return


def _reach(path: str, found: Text, encoding: str) -> None:
    """Where not all was seen: read the end where it can be reached."""
    found.last, found.lines = b"", None
    with contextlib.closing(files.open_binary(path)) as file:
        found.size = max(found.size, file.seek(0, io.SEEK_END))
        if not path.endswith(".gz") and encoding == "utf8":
            file.seek(-BLOCK, io.SEEK_END)
            found.last = file.read()


def _block(
    path: str, settings: Mapping[str, Any], text: str, line: int | None, width: int, *, cut: bool = False
) -> Rows:
    """Rows of a text that begins with one; `cut`: and may end within one."""
    dialect, found = settings["csv"], Rows()
    if cut:
        text = text[: text.rfind("\n") + 1]
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=csv_places.delimiter(path, settings),
        quotechar=dialect["quote"] or None,
        quoting=csv.QUOTE_MINIMAL if dialect["quote"] else csv.QUOTE_NONE,
        escapechar=dialect["escape"] or None,
        strict=True,
    )
    before = 0
    while True:
        before = reader.line_num
        at = None if line is None else line + before
        where = path if at is None else f"{path}, line {at}"
        try:
            cells = next(reader)
        except StopIteration:
            return found
        except csv.Error as error:
            if "end of data" in str(error) and not cut:
                found.findings.append(f"{where}: a quote opens in this row and never ends: close it, or double it")
            if "field limit" in str(error):
                found.findings.append(
                    f"{where}: a cell of over {csv_places.FIELD_BYTES:,} characters: a quote may lack its end"
                )
            # What else Python's reader minds, ingestion may take.
            return found
        if cells and len(cells) != width:
            found.findings.append(
                f"{where}: expected {width} columns, got {len(cells)}: mend the row; a text that holds the delimiter "
                "goes in quotes"
            )
        elif cells:
            found.cells.append(cells)
            found.lines.append(at)
