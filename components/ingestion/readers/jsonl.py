"""Reader of JSON lines, one object per line, compressed or not."""

import contextlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import pyarrow as pa

from components.ingestion.discovery import compression, opening, unsupported_formats
from components.ingestion.omissions import Omissions
from components.ingestion.parsing import casting, csv_text
from components.ingestion.parsing.typed_columns import typed
from components.ingestion.readers import Format, NoRowsError
from components.ingestion.rows import left_out_columns
from errors import UserError
from spec.data import Data
from spec.rows import data_paths

FORMAT = Format(
    extensions=(".jsonl", ".ndjson", ".json"),
    keys=("csv", "drop", "partitions"),
    is_cleaned=True,
    is_untyped=True,
)
BATCH_ROWS, BATCH_CHARACTERS = 65_536, 4 << 20
"""Maximum number of lines and characters per batch: limits memory."""
DEEPEST = 16
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
        lists: Columns with lists.
    """

    lines: list[int]
    rows: list[dict[str, str | None]]
    lists: dict[str, None]

    def place(self, row: int) -> str:
        """Return the location in the file of a row of the block, from 0."""
        return f"line {self.lines[row]}"


def batches(
    path: str, data: Data, columns: Mapping[str, str], omissions: Omissions | None = None
) -> Iterator[pa.RecordBatch]:
    """Read a file in batches.

    Args:
        path: A file of JSON lines. A nested object becomes columns OUTER.INNER; a list is dropped.
        data: [data]: formats of cells.
        columns: Column name -> INT, FLOAT or BYTES; other columns are dropped, a column without values is null.
        omissions: Records skipped, dropped and converted parts.

    Yields:
        Batches of rows.

    Raises:
        UserError: the file cannot be read; the message names file, line and column.
    """
    cleaning = data.cleaning
    for block in _blocks(path):
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
    cleaning, looks, lists = data.cleaning, dict[str, str | None](), dict[str, None]()
    for block in _blocks(path):
        lists |= block.lists
        for name in _names(block):
            looks.setdefault(name, None)
            if name not in columns:
                texts = casting.clean(_texts(path, name, block), cleaning.rules(name))
                looks[name] = casting.looks_like(texts, looks[name], cleaning.numbers)
    return {name: columns.get(name) or looks[name] or "BYTES" for name in _kept(looks, lists, data, omissions)}


def look(path: str, data: Data, omissions: Omissions | None = None) -> list[str]:
    """Check that a file can be read and contains a row.

    Returns:
        Names of the columns of its first LOOKED_AT lines, in order.

    Raises:
        UserError: the file cannot be read, or contains no row.
    """
    names, lists, lines = dict[str, None](), dict[str, None](), 0
    for block in _blocks(path):
        names |= dict.fromkeys(_names(block))
        lists |= block.lists
        lines += len(block.lines)
        if lines >= LOOKED_AT:
            break
    if not lines:
        raise NoRowsError(f"{path} is empty: it needs one object per line")
    return _kept(names, lists, data, omissions)


def _names(block: _Rows) -> list[str]:
    return list(dict.fromkeys(name for row in block.rows for name in row))


def _kept(names: Iterable[str], lists: Iterable[str], data: Data, omissions: Omissions | None) -> list[str]:
    """Columns that are read; lists and those that the config drops are not."""
    column_names, omitted = list(names), Omissions() if omissions is None else omissions
    for name in left_out_columns.kept((name for name in lists if name not in column_names), data, omitted):
        omitted.add("column", LISTS, name, action="left out")
    names_to_read = left_out_columns.kept(column_names, data, omitted)
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


def _blocks(path: str) -> Iterator[_Rows]:
    """Rows, so many at a time."""
    if not data_paths.is_remote(path) and (
        refusal := unsupported_formats.refusal(path, but=unsupported_formats.JSON_LINES)
    ):
        raise UserError(refusal)
    rows, size = _Rows([], [], {}), 0
    for number, text in _lines(path):
        row: dict[str, str | None] = {}
        for name, value in _object(path, number, text).items():
            _flatten(row, name, value, rows.lists, f"{path}, line {number}")
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
        if text.strip() in ("{", "["):
            raise UserError(
                f"{path} is one JSON value over many lines: {unsupported_formats.ONE_JSON.format(path=path)}"
            ) from error
        reason = "nested too deep"
        if isinstance(error, json.JSONDecodeError):
            reason = f"{error.msg}, at character {error.pos + 1}"
        raise UserError(f"{path}, line {number}: this is not JSON ({reason}): write one object per line") from error
    if not isinstance(value, dict):
        raise UserError(f'{path}, line {number}: this is not an object: write one per line, as {{"column": 1}}')
    return value


def _flatten(
    row: dict[str, str | None], name: str, value: Any, lists: dict[str, None], where: str, depth: int = 1
) -> None:
    """Put a value under its column, and those of an object under one column each."""
    if isinstance(value, dict):
        if depth > DEEPEST:
            raise UserError(f"{where}: column {name[:80]!r}: objects in objects, more than {DEEPEST} deep")
        for inner, cell in value.items():
            _flatten(row, f"{name}.{inner}", cell, lists, where, depth + 1)
    elif isinstance(value, list):
        lists[name] = None
    elif isinstance(value, bool):
        row[name] = "true" if value else "false"
    else:
        row[name] = value if value is None else str(value)
