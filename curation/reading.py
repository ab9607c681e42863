"""Finds out how data is written, and reads it for the proposal: every cell of a CSV as text, other formats typed."""

import csv
import gzip
import io
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from components.ingestion import files, sources
from curation.choices import Line
from errors import UserError
from pipeline.data import Data

MOST_ROWS = 2_000_000
"""Rows that are looked at; what follows them is not read."""
HEAD_BYTES = 1 << 16
DELIMITERS = (",", ";", "\t", "|")
ODD_TOKENS = 2
"""Most texts among numbers that count as tokens for a missing value."""
ODD_SHARE = 0.5
"""Largest share of the cells that they may have."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")


@dataclass(frozen=True)
class Found:
    """Data that was read.

    Attributes:
        table: Its cells; columns of a CSV are texts.
        lines: Keys of [data] but for `split`.
        whole: Whether all rows were read.
        what: The form in a few words.
    """

    table: pa.Table
    lines: tuple[Line, ...]
    whole: bool
    what: str

    @property
    def values(self) -> dict[str, Any]:
        """The keys' values."""
        return {line.key: line.value for line in self.lines}


def read(path: str, root: str) -> Found:
    """Read data that no config knows.

    Args:
        path: A file, a pattern of files or a folder, relative to the working directory.
        root: The repository: a path inside it is written relative to it.

    Raises:
        UserError: nothing is there, or it cannot be read.
    """
    shown, why = place(path, root)
    lines = [Line("path", shown, why)]
    lines += dialect(_files(path)[0])
    what = "CSV" + next((f" with {line.value.get('delimiter', ',')!r}" for line in lines if line.key == "csv"), "")
    table, whole = cells(root, {line.key: line.value for line in lines})
    tokens = odd_tokens(table)
    if tokens:
        blank = [*Data(path=shown).blank, *tokens]
        lines.append(Line("blank", blank, f"{', '.join(map(repr, tokens))} among numbers means a missing value here"))
        table, whole = cells(root, {line.key: line.value for line in lines})
    return Found(table, tuple(lines), whole, what)


def cells(root: str, data: Mapping[str, Any]) -> tuple[pa.Table, bool]:
    """Read the data of a config's section [data].

    Args:
        root: Folder that its paths are relative to.
        data: The section.

    Returns:
        The cells, texts where the format has no types of its own, and whether all rows were read.

    Raises:
        UserError: it cannot be read.
    """
    settings = Data.model_validate({**data, "path": files.under(root, data["path"])}).model_dump(mode="json")
    batches, rows = [], 0
    paths = [file.path for file in files.resolve(settings["path"], settings)]
    # As texts: which cells make a column a text, and which stand for a missing value, is not known yet.
    columns = dict.fromkeys(sources.look(paths[0], settings), "BYTES")
    for batch in sources.batches(paths, settings, columns):
        batches.append(batch)
        rows += len(batch)
        if rows >= MOST_ROWS:
            break
    if not rows:
        raise UserError(f"{data['path']} holds no rows")
    return pa.Table.from_batches(batches), rows < MOST_ROWS


def place(path: str, root: str) -> tuple[str, str]:
    """The path as the config has it, and a word on it."""
    whole = os.path.abspath(path)
    inside = os.path.relpath(whole, root)
    if not inside.startswith(os.pardir):
        return inside, ""
    return whole, "outside the repository: copy it to data/ before you compile for a cloud"


def dialect(path: str) -> list[Line]:
    """Keys of [data] that say how a CSV file is written, where it is not with commas and a header."""
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
    if bare != header and len(set(bare)) == len(bare):
        values["names"] = bare
        reasons.append("the header's names without the blanks around them")
    if header and all(map(_NUMBER.match, bare)):
        values |= {"header": False, "names": [f"column_{number + 1}" for number in range(len(header))]}
        reasons.append("the first line holds numbers only, so it is no header: name the columns")
    return [Line("csv", values, "; ".join(reasons))] if values else []


def sniff(text: str) -> str:
    """The delimiter: the one that divides the most lines alike, the header's above all."""
    lines = [line for line in text.splitlines()[:50] if line.strip()]
    if len(text) >= HEAD_BYTES and len(lines) > 1:
        lines = lines[:-1]
    best, score = ",", 0.0
    for delimiter in DELIMITERS:
        counts = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        if counts and counts[0] > 1:
            alike = sum(count == counts[0] for count in counts) / len(counts)
            if alike * counts[0] > score:
                best, score = delimiter, alike * counts[0]
    return best


def odd_tokens(table: pa.Table) -> list[str]:
    """Texts that stand among numbers, a few in a column: tokens for a missing value."""
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
        raise UserError(f"{path} holds NUL bytes, so it is no CSV file")
    if len(head) == HEAD_BYTES:
        head = head[: head.rfind(b"\n") + 1] or head
    try:
        return head.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        return head.decode("cp1252", "replace"), "cp1252"


def _files(path: str) -> Sequence[str]:
    return [file.path for file in files.resolve(os.path.abspath(path), {})]
