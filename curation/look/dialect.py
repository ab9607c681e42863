"""Detection of a CSV dialect: delimiter, encoding and header."""

import codecs
import collections
import contextlib
import csv
import io
import itertools
import re
from typing import Any

from components.ingestion.discovery import compression, opening, unsupported_formats
from components.ingestion.parsing import legacy_encodings, text_encoding
from curation.look import fixed_width
from curation.look.table_layout import SEPARATOR, layout
from curation.propose.choices import Line
from errors import UserError

HEAD_BYTES = 1 << 16
"""Bytes at the start of a file that are analyzed."""
DELIMITERS = (",", ";", "\t", "|")
PIXELS = 16
"""Smallest number of columns pixel1, pixel2, ... that are read as an image."""
SHOWN = 30
"""Maximum number of characters of a word in a message."""
QUOTED_ROWS = 200
"""Rows that are read to see how quotes within texts are written."""
_PIXEL = re.compile(r"pixel_?\d+", re.IGNORECASE)


def lines(path: str) -> list[Line]:
    """Propose the keys of [data] for a CSV file that is not plain CSV with commas and a header.

    Args:
        path: The file, packed or not.

    Raises:
        UserError: the file is not text, or its columns have no delimiter.
    """
    text, encoding = _head(path)
    delimiter = sniff(text)
    if refusal := fixed_width.refusal(path, text, delimiter):
        raise UserError(refusal)
    values: dict[str, Any] = {}
    reasons = []
    if delimiter != ",":
        values["delimiter"] = delimiter
        reasons.append("the delimiter of the file")
    quoting, reason = _quoting(text, delimiter)
    if quoting:
        values |= quoting
        reasons.append(reason)
    if encoding != "utf-8":
        values["encoding"] = encoding
        reasons.append("the file is not UTF-8")
        word = re.search(r"\w*[^\W\d_a-zA-Z]\w*", text)
        if encoding in legacy_encodings.GUESSES and word:
            reasons[-1] += f", and {encoding} is a guess: check letters such as those of {word[0][:SHOWN]!r}"
    table_layout = layout(path, text, values)
    keys = values | table_layout.keys
    lines = [Line("csv", keys, "; ".join([*reasons, *table_layout.reasons]))] if keys else []
    pixels = sum(bool(_PIXEL.fullmatch(name)) for name in table_layout.header)
    if pixels >= PIXELS:
        lines.append(Line("format", "pixels", f"{pixels} pixel columns form one image"))
    return lines


def sniff(text: str) -> str:
    """Detect the delimiter: the one that gives most lines the same number of cells; on a tie, the most cells.

    A decimal comma also splits rows evenly, but not their header.

    Args:
        text: The beginning of a file.
    """
    rows = [line for line in text.splitlines()[:50] if line.strip()]
    separator_line = SEPARATOR.fullmatch(rows[0]) if rows else None
    if separator_line:
        return separator_line[1]
    best, score = ",", (0, 0)
    for delimiter in DELIMITERS:
        counts: collections.Counter[int] = collections.Counter()
        with contextlib.suppress(csv.Error):
            counts.update(len(row) for row in csv.reader(rows, delimiter=delimiter) if row)
        (width, alike), *_ = counts.most_common(1) or [(0, 0)]
        if width > 1 and (alike, width) > score:
            best, score = delimiter, (alike, width)
    return best if score != (0, 0) else fixed_width.delimiter(text) or ","


def _quoting(text: str, delimiter: str) -> tuple[dict[str, str], str]:
    """Return the keys of `csv` for a quote or an escape that is not the usual one, and the reason; empty if it is."""
    mark = re.escape(delimiter)
    single = re.findall(rf"(?:^|{mark})[ \t]*'[^'\r\n]*'[ \t]*(?={mark}|\r|$)", text, re.MULTILINE)
    if '"' not in text and 2 * len(single) >= len(text.splitlines()):
        return {"quote": "'"}, "texts are quoted by '"
    if r"\"" in text and not _is_even(text, delimiter, None) and _is_even(text, delimiter, "\\"):
        return {"escape": "\\"}, r"quotes within texts are written as \""
    return {}, ""


def _is_even(text: str, delimiter: str, escape: str | None) -> bool:
    """Return whether rows have one width and each quote is at an end of its cell; the last row may be incomplete."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, escapechar=escape, strict=True)
    widths: set[int] = set()
    try:
        for row in itertools.islice(reader, QUOTED_ROWS):
            widths |= {len(row)} if row else set()
    except csv.Error as error:
        return "end of data" in str(error) and len(widths) == 1
    return len(widths) == 1


def _head(path: str) -> tuple[str, str]:
    """Return the first lines of a file, and its encoding."""
    reason = unsupported_formats.refusal(path)
    if reason:
        raise UserError(reason)
    try:
        with contextlib.closing(opening.open_unpacked(path)) as file:
            head = file.read(HEAD_BYTES)
    except compression.FAULTS as error:
        raise UserError(f"{path} cannot be read: {error}") from error
    encoding = text_encoding.guessed(head) or "utf-8"
    if encoding == "utf-8" and b"\0" in head:
        raise UserError(unsupported_formats.by_name(path) or f"{path} contains NUL bytes: it is not a text file")
    try:
        text = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)().decode(head)
    except UnicodeDecodeError:
        if encoding != "utf-8":
            raise UserError(
                f"{path} looks like {encoding.upper()} but cannot be decoded: convert it to UTF-8"
            ) from None
        encoding = legacy_encodings.guess(head)
        text = head.decode(encoding, "replace")
    end = max(text.rfind("\n"), text.rfind("\r")) + 1
    # The last line may be incomplete.
    return (text[:end] or text) if len(head) == HEAD_BYTES else text, encoding
