"""How a CSV file is written: delimiter, encoding, header, and words that stand for a missing value."""

import csv
import gzip
import io
import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from curation.choices import Line
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
        path: The file, plain or .gz.

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
    header = next((row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row), [])
    bare = [cell.strip() for cell in header]
    if header and all(map(_NUMBER.match, bare)):
        values |= {"header": False, "names": [f"column_{number + 1}" for number in range(len(header))]}
        reasons.append("the first line holds numbers only, so it is no header: name the columns")
    found = [Line("csv", values, "; ".join(reasons))] if values else []
    pixels = sum(bool(_PIXEL.fullmatch(name)) for name in bare)
    if pixels >= PIXELS:
        found.append(Line("format", "pixels", f"{pixels} columns of pixels are one image"))
    return found


def sniff(text: str) -> str:
    """The delimiter: the one that divides the most lines alike, into the most cells.

    Args:
        text: The beginning of a file.
    """
    rows = [line for line in text.splitlines()[:50] if line.strip()]
    best, score = ",", 0.0
    for delimiter in DELIMITERS:
        counts = [len(row) for row in csv.reader(rows, delimiter=delimiter) if row]
        if counts and counts[0] > 1:
            alike = sum(count == counts[0] for count in counts) / len(counts)
            if alike * counts[0] > score:
                best, score = delimiter, alike * counts[0]
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
    """Beginning of a file as text, and its encoding."""
    try:
        with gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb") as file:
            head = file.read(HEAD_BYTES)
    except (OSError, EOFError) as error:
        raise UserError(f"{path} cannot be read: {error}") from error
    if b"\0" in head:
        raise UserError(f"{path} holds NUL bytes, so it is no text")
    if len(head) == HEAD_BYTES:
        # The last line is cut.
        head = head[: head.rfind(b"\n") + 1] or head
    try:
        return head.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        return head.decode("cp1252", "replace"), "cp1252"
