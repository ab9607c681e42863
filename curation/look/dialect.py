"""How a CSV file is written: delimiter, encoding, header, and words that stand for a missing value."""

import codecs
import collections
import contextlib
import csv
import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from components.ingestion.discovery import compression, opening, unsupported_formats
from components.ingestion.parsing import text_encoding
from curation.look.table_layout import SEPARATOR, layout
from curation.propose.choices import Line
from errors import UserError

HEAD_BYTES = 1 << 16
"""Beginning of a file that is looked at."""
DELIMITERS = (",", ";", "\t", "|")
ODD_TOKENS = 2
"""Most texts among numbers that count as tokens for a missing value."""
ODD_SHARE = 0.5
"""Largest share of the cells that they may have."""
PIXELS = 16
"""Least number of columns pixel1, pixel2, ... that make an image."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
_PIXEL = re.compile(r"pixel_?\d+", re.IGNORECASE)


def lines(path: str) -> list[Line]:
    """Keys of [data] that say how a CSV file is written, where it is not with commas and a header.

    Args:
        path: The file, packed or not.

    Raises:
        UserError: it is no text.
    """
    text, encoding = _head(path)
    delimiter = sniff(text)
    values: dict[str, Any] = {}
    reasons = []
    if delimiter != ",":
        values["delimiter"] = delimiter
        reasons.append("what the lines are divided by")
    if encoding != "utf-8":
        values["encoding"] = encoding
        reasons.append("not UTF-8")
    found = layout(path, text, values)
    keys = values | found.keys
    lines = [Line("csv", keys, "; ".join([*reasons, *found.reasons]))] if keys else []
    pixels = sum(bool(_PIXEL.fullmatch(name)) for name in found.header)
    if pixels >= PIXELS:
        lines.append(Line("format", "pixels", f"{pixels} columns of pixels are one image"))
    return lines


def sniff(text: str) -> str:
    """The delimiter: the one that divides the most lines alike; of several the one that makes the most cells.

    A decimal comma divides the rows alike too, but not their header.

    Args:
        text: The beginning of a file.
    """
    rows = [line for line in text.splitlines()[:50] if line.strip()]
    told = SEPARATOR.fullmatch(rows[0]) if rows else None
    if told:
        return told[1]
    best, score = ",", (0, 0)
    for delimiter in DELIMITERS:
        counts: collections.Counter[int] = collections.Counter()
        with contextlib.suppress(csv.Error):
            counts.update(len(row) for row in csv.reader(rows, delimiter=delimiter) if row)
        (width, alike), *_ = counts.most_common(1) or [(0, 0)]
        if width > 1 and (alike, width) > score:
            best, score = delimiter, (alike, width)
    return best


def odd_tokens(table: pa.Table) -> list[str]:
    """Texts that stand among numbers, one or two in a column: they stand for a missing value.

    Args:
        table: Cells as texts.
    """
    found: dict[str, None] = {}
    for column in table.columns:
        if not pa.types.is_string(column.type):
            continue
        counts = pc.value_counts(column.drop_null())
        values = counts.field(0)
        odd = values.filter(pc.invert(pc.match_substring_regex(values, f"^{_NUMBER.pattern}")))
        if not 0 < len(odd) <= ODD_TOKENS or len(values) - len(odd) < 3:
            continue
        rows = dict(zip(values.to_pylist(), counts.field(1).to_pylist(), strict=True))
        odd_rows = sum(rows[value] for value in odd.to_pylist())
        if odd_rows <= ODD_SHARE * sum(rows.values()) and all(len(value) <= 12 for value in odd.to_pylist()):
            found |= dict.fromkeys(odd.to_pylist())
    return list(found)


def _head(path: str) -> tuple[str, str]:
    """Beginning of a file as text, of whole lines, and its encoding."""
    said = unsupported_formats.refusal(path)
    if said:
        raise UserError(said)
    try:
        with contextlib.closing(opening.open_unpacked(path)) as file:
            head = file.read(HEAD_BYTES)
    except compression.FAULTS as error:
        raise UserError(f"{path} cannot be read: {error}") from error
    encoding = text_encoding.guessed(head) or "utf-8"
    if encoding == "utf-8" and b"\0" in head:
        raise UserError(unsupported_formats.by_name(path) or f"{path} holds NUL bytes, so it is no text")
    try:
        text = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)().decode(head)
    except UnicodeDecodeError:
        if encoding != "utf-8":
            raise UserError(f"{path} looks like {encoding.upper()}, and is not: convert it to UTF-8") from None
        text, encoding = head.decode("cp1252", "replace"), "cp1252"
    end = max(text.rfind("\n"), text.rfind("\r")) + 1
    # The last line is cut.
    return (text[:end] or text) if len(head) == HEAD_BYTES else text, encoding
