"""Reader of JSON lines, one object per line, compressed or not."""

import contextlib
import io
import json
from collections.abc import Container, Iterable, Iterator, Mapping
from types import NoneType
from typing import Any, NamedTuple

import pyarrow as pa

from components.ingestion.discovery import compression, json_documents, opening, unsupported_formats
from components.ingestion.omissions import Omissions
from components.ingestion.parsing import casting, csv_text, vectors
from components.ingestion.parsing.typed_columns import typed
from components.ingestion.readers import Format, NoRowsError
from components.ingestion.rows import left_out_columns
from errors import UserError
from spec.data import Data
from spec.rows import data_paths

FORMAT = Format(
    extensions=(".jsonl", ".ndjson", ".json"),
    keys=("csv", "drop", "partitions", "vectors"),
    csv_keys=("decimal", "thousands", "units", "plain"),
    is_cleaned=True,
    is_untyped=True,
)
BATCH_ROWS, BATCH_CHARACTERS = 65_536, 4 << 20
"""Maximum number of lines and characters per batch: limits memory."""
MAX_DEPTH = 16
"""Maximum depth of nested objects whose values become columns."""
LOOKED_AT = 200_000
"""Number of lines that `look` searches for keys: two seconds."""
SOME_LISTS = "lists in some rows, as missing values"
LISTS = "holds lists: a cell is one number or text"


class _Number(str):
    """A number as text, so that it loses no digits."""

    __slots__ = ()


class _Rows(NamedTuple):
    """A block of rows.

    Attributes:
        lines: Line numbers, from 1.
        rows: Column -> cell as a string; None for null or a list.
        lists: Columns with lists -> the length of all of them; None if there are several, or not all are numbers.
    """

    lines: list[int]
    rows: list[dict[str, str | None]]
    lists: dict[str, int | None]

    def place(self, row: int) -> str:
        """Return the location in the file of a row of the block, from 0."""
        return f"line {self.lines[row]}"


def batches(
    path: str, data: Data, columns: Mapping[str, str], omissions: Omissions | None = None
) -> Iterator[pa.RecordBatch]:
    """Read a file in batches.

    Args:
        path: A file of JSON lines. A nested object becomes columns OUTER.INNER; a list is dropped, unless
            `data.vectors` names its column.
        data: [data]: formats of cells.
        columns: Column name -> INT, FLOAT or BYTES; other columns are dropped, a column without values is null.
        omissions: Records skipped, dropped and converted parts.

    Yields:
        Batches of rows.

    Raises:
        UserError: the file cannot be read; the message names file, line and column.
    """
    cleaning = data.cleaning
    for block in _blocks(path, data):
        cleaned = ((name, casting.clean(_texts(path, name, block), cleaning.rules(name))) for name in columns)
        yield typed(path, cleaned, columns, cleaning, block.place)


def types(path: str, data: Data, columns: Mapping[str, str], omissions: Omissions | None = None) -> dict[str, str]:
    """Return the type of each column of a file: the given type, else the narrowest that fits all cells.

    Args:
        path: A file of JSON lines.
        data: As for `batches`.
        columns: Column name -> INT, FLOAT or BYTES, of the columns that have a type.
        omissions: Records columns that are not read.

    Raises:
        UserError: as for `batches`.
    """
    cleaning, looks, lists = data.cleaning, dict[str, str | None](), dict[str, int | None]()
    valued = set(columns)
    for block in _blocks(path, data):
        lists |= block.lists
        valued |= _valued(block)
        for name in _names(block):
            looks.setdefault(name, None)
            if name not in columns:
                texts = casting.clean(_texts(path, name, block), cleaning.rules(name))
                looks[name] = casting.looks_like(texts, looks[name], cleaning.rules(name).numbers)
    names = _read_columns(_own(looks, valued, lists), lists, data, omissions)
    return {name: columns.get(name) or looks[name] or "BYTES" for name in names}


def look(path: str, data: Data, omissions: Omissions | None = None) -> list[str]:
    """Check that a file can be read and contains a row.

    Returns:
        Names of the columns of its first LOOKED_AT lines, in order.

    Raises:
        UserError: the file cannot be read, or contains no row.
    """
    names, valued, lists, lines = dict[str, None](), set[str](), dict[str, int | None](), 0
    for block in _blocks(path, data):
        names |= dict.fromkeys(_names(block))
        valued |= _valued(block)
        lists |= block.lists
        lines += len(block.lines)
        if lines >= LOOKED_AT:
            break
    if not lines:
        raise NoRowsError(f"{path} is empty: it needs one object per line")
    columns = _read_columns(_own(names, valued, lists), lists, data, omissions)
    if lines == 1 and (refusal := json_documents.refusal(path)):
        raise UserError(refusal)
    return columns


def lengths(path: str, data: Data) -> dict[str, int]:
    """Return columns that hold lists of numbers of one length alone -> the length.

    Raises:
        UserError: as for `batches`.
    """
    parts, scalar = list[dict[str, int | None]](), dict[str, None]()
    for block in _blocks(path, data):
        scalar |= dict.fromkeys(_valued(block))
        parts.append(block.lists)
    return vectors.shared([*parts, scalar])


def _names(block: _Rows) -> list[str]:
    return list(dict.fromkeys(name for row in block.rows for name in row))


def _valued(block: _Rows) -> set[str]:
    return {name for row in block.rows for name, cell in row.items() if cell is not None}


def _own(names: Iterable[str], valued: Container[str], lists: Container[str]) -> list[str]:
    """Columns without keys that are null where they do not hold an object or a list."""
    names = list(names)
    objects = {name[:end] for name in names for end, sign in enumerate(name) if sign == "."}
    return [name for name in names if name in valued or not (name in objects or name in lists)]


def _read_columns(names: Iterable[str], lists: Iterable[str], data: Data, omissions: Omissions | None) -> list[str]:
    """Columns that are read; lists and those that the config drops are not."""
    column_names, omitted = list(names), Omissions() if omissions is None else omissions
    for name in left_out_columns.read_columns((name for name in lists if name not in column_names), data, omitted):
        omitted.add("column", LISTS, name, action="left out")
    names_to_read = left_out_columns.read_columns(column_names, data, omitted)
    for name in lists:
        if name in names_to_read:
            omitted.add("column", SOME_LISTS, name, action="read")
    return names_to_read


def _texts(path: str, name: str, block: _Rows) -> pa.Array:
    texts = [row.get(name) for row in block.rows]
    try:
        return pa.array(texts, pa.string())
    except UnicodeEncodeError:
        position = next(at for at, text in enumerate(texts) if text and not text.isprintable() and _is_cut(text))
        raise UserError(
            f"{path}: column {name!r}, line {block.lines[position]}: half of a character (a lone surrogate)"
        ) from None


def _is_cut(text: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in text)


def _blocks(path: str, data: Data) -> Iterator[_Rows]:
    """Rows, so many at a time."""
    if not data_paths.is_remote(path) and (
        refusal := unsupported_formats.refusal(path, but=unsupported_formats.JSON_LINES)
    ):
        raise UserError(refusal)
    rows, size = _Rows([], [], {}), 0
    for number, text in _lines(path):
        row: dict[str, str | None] = {}
        for name, value in _object(path, number, text).items():
            _flatten(row, name, value, rows.lists, data.vectors, f"{path}, line {number}")
        rows.lines.append(number)
        rows.rows.append(row)
        size += len(text)
        if len(rows.rows) >= BATCH_ROWS or size > BATCH_CHARACTERS:
            yield rows
            rows, size = _Rows([], [], {}), 0
    if rows.rows:
        yield rows


def _lines(path: str) -> Iterator[tuple[int, str]]:
    """Numbers and texts of the lines that are not blank."""
    number = 0
    try:
        with (
            contextlib.closing(opening.open_unpacked(path)) as file,
            io.TextIOWrapper(file, "utf-8-sig") as text,
        ):
            while line := text.readline(csv_text.LINE_LENGTH):
                number += 1
                if len(line) == csv_text.LINE_LENGTH and not line.endswith("\n"):
                    _check_document(path, number)
                    raise UserError(f"{path}, line {number}: a line of over {csv_text.LINE_LENGTH:,} characters")
                if line.strip():
                    yield number, line
    except UnicodeDecodeError as error:
        raise UserError(f"{path}, after line {number}: not UTF-8: convert it, as with iconv -t utf-8") from error
    except OSError as error:
        raise UserError(f"{path}: {error}") from error
    except compression.FAULTS as error:
        raise UserError(f"{path} cannot be read: {error}") from error


def _object(path: str, number: int, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text, parse_int=_Number, parse_float=_Number, parse_constant=_Number)
    except (ValueError, RecursionError) as error:
        _check_document(path, number)
        reason = "nested too deep"
        if isinstance(error, json.JSONDecodeError):
            reason = f"{error.msg}, at character {error.pos + 1}"
        raise UserError(f"{path}, line {number}: this is not JSON ({reason}): write one object per line") from error
    if not isinstance(value, dict):
        _check_document(path, number)
        raise UserError(f'{path}, line {number}: this is not an object: write one per line, as {{"column": 1}}')
    return value


def _check_document(path: str, number: int) -> None:
    """Check that a file whose first line is not an object does not contain other JSON."""
    if number == 1 and (refusal := json_documents.refusal(path)):
        raise UserError(refusal)


def _flatten(
    row: dict[str, str | None],
    name: str,
    value: Any,
    lists: dict[str, int | None],
    lengths: Mapping[str, int],
    location: str,
    depth: int = 1,
) -> None:
    """Put a value under its column, and those of an object, or of a vector, under one column each."""
    if isinstance(value, dict):
        if depth > MAX_DEPTH:
            raise UserError(f"{location}: column {name[:80]!r}: objects in objects, more than {MAX_DEPTH} deep")
        for inner, cell in value.items():
            _flatten(row, f"{name}.{inner}", cell, lists, lengths, location, depth + 1)
    elif isinstance(value, list) and name in lengths:
        if len(value) != lengths[name]:
            raise UserError(f"{location}: column {name!r}: {vectors.wrong_length(len(value), lengths[name])}")
        for part, cell in zip(vectors.parts(name, len(value)), value, strict=True):
            if not isinstance(cell, _Number | NoneType):
                raise UserError(
                    f"{location}: column {name!r}: {cell!r} in a list of numbers: fix it, or drop the column"
                )
            row[part] = cell
    elif isinstance(value, list):
        length = len(value) if all(isinstance(cell, _Number | NoneType) for cell in value) else None
        lists[name] = length if lists.get(name, length) == length else None
    elif value is None and name in lengths:
        row |= dict.fromkeys(vectors.parts(name, lengths[name]))
    elif isinstance(value, bool):
        row[name] = "true" if value else "false"
    else:
        row[name] = value if value is None else str(value)
