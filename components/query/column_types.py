"""Conversion of rows of Python values to Arrow columns; all values of a column must have one type."""

import datetime
import decimal
import ipaddress
import uuid
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from components.query.query_rows import Row
from errors import UserError

EXACT = 2**53
"""Largest integer below which all integers are exact as float64."""
_LARGEST = 2**63
_UTC = datetime.timezone.utc


class _Kind(NamedTuple):
    """Conversion of a Python type to Arrow.

    Attributes:
        what: Name of the type in a message.
        type: Arrow type.
        convert: Function from a value to one that Arrow accepts; None if Arrow accepts the value.
    """

    what: str
    type: pa.DataType
    convert: Callable[[Any], Any] | None = None


_INTEGER, _NUMBER = _Kind("an integer", pa.int64()), _Kind("a number", pa.float64(), float)
_TEXT = _Kind("a text", pa.string(), str)
_TIME = _Kind("a time", pa.timestamp("us"))
_INSTANT = _Kind("a time with a zone", pa.timestamp("us", "UTC"), lambda value: value.astimezone(_UTC))
_NULL = _Kind("no value", pa.null())
_KINDS: dict[type, _Kind] = {
    bool: _Kind("a boolean", pa.bool_()),
    int: _INTEGER,
    float: _NUMBER,
    str: _TEXT,
    bytes: _Kind("bytes", pa.binary()),
    datetime.date: _Kind("a date", pa.date32()),
    datetime.timedelta: _Kind("a duration", pa.duration("us")),
    **dict.fromkeys((uuid.UUID, ipaddress.IPv4Address, ipaddress.IPv6Address, datetime.time), _TEXT),
    **dict.fromkeys((ipaddress.IPv4Interface, ipaddress.IPv6Interface), _TEXT),
}


class Columns:
    """The types of a result's columns, inferred from the rows so far.

    Args:
        names: Column names.
        location: The database, for messages.
    """

    def __init__(self, names: Sequence[str], location: str) -> None:
        self._names, self._where = names, location
        self._kinds = [_NULL] * len(names)
        self._first = [0] * len(names)
        self._inexact: dict[int, int] = {}
        self.rows = 0

    @property
    def schema(self) -> pa.Schema:
        """Return the types of all rows; a column without any value has type string."""
        types = [pa.string() if kind is _NULL else kind.type for kind in self._kinds]
        return pa.schema(list(zip(self._names, types, strict=True)))

    def add(self, rows: Sequence[Row]) -> pa.RecordBatch:
        """Convert further rows.

        Args:
            rows: At least one.

        Returns:
            The rows, with types inferred from these rows alone.

        Raises:
            UserError: a column mixes types, or contains an unsupported type.
        """
        arrays = [self._array(column, list(values)) for column, values in enumerate(zip(*rows, strict=True))]
        self.rows += len(rows)
        return pa.RecordBatch.from_arrays(arrays, [str(column) for column in range(len(arrays))])

    def _array(self, column: int, values: list[Any]) -> pa.Array:
        kinds = {type_: _kind(type_, values) for type_ in {*map(type, values)} - {type(None)}}
        of_values = {kind for kind in kinds.values() if kind is not None}
        merged = {*of_values, self._kinds[column]} - {_NULL}
        if None in kinds.values() or (len(merged) > 1 and merged != {_INTEGER, _NUMBER}):
            raise self._mixed(column, values)
        if datetime.datetime in kinds:
            self._check_zones(column, values)
        if not of_values:
            return pa.nulls(len(values))
        kind = _NUMBER if _NUMBER in of_values else next(iter(of_values))
        if kind in (_INTEGER, _NUMBER):
            self._check_numbers(column, values)
        if self._kinds[column] is _NULL:
            self._first[column] = self.rows + next(row for row, value in enumerate(values) if value is not None)
            self._kinds[column] = kind
        elif kind is _NUMBER:
            self._kinds[column] = kind
        if self._kinds[column] is _NUMBER and column in self._inexact:
            raise UserError(
                f"{self._cell(column, self._inexact[column])} is an integer beyond 2^53 in a column of floats, "
                f"which cannot "
                f"represent it exactly: read it as text, as with CAST({self._names[column]} AS TEXT)"
            )
        convert = int if kind is _INTEGER and decimal.Decimal in kinds else kind.convert
        if kinds.keys() <= {float, str}:
            convert = None
        cells = values if convert is None else [None if value is None else convert(value) for value in values]
        return pa.array(cells, kind.type)

    def _check_numbers(self, column: int, values: list[Any]) -> None:
        """Record the first integer that is not exact as float64."""
        if column in self._inexact:
            return
        for row, value in enumerate(values):
            is_integer = isinstance(value, int) or (isinstance(value, decimal.Decimal) and _is_whole(value))
            if is_integer and not -EXACT <= value <= EXACT:
                self._inexact[column] = self.rows + row
                return

    def _check_zones(self, column: int, values: list[Any]) -> None:
        zones = {value.tzinfo is None for value in values if isinstance(value, datetime.datetime)}
        if len(zones) > 1:
            raise self._mixed(column, values)

    def _mixed(self, column: int, values: list[Any]) -> UserError:
        """Return the error that names the first cell of another or an unsupported type."""
        earlier_kind, earlier_row, name = self._kinds[column], self._first[column], self._names[column]
        for row, value in enumerate(values):
            if value is None:
                continue
            kind = _kind(type(value), values)
            if kind is None:
                return UserError(
                    f"{self._cell(column, self.rows + row)} is of type {type(value).__name__}, and a cell is one "
                    f"number, text, date or time: read it as text, as with CAST({name} AS TEXT), or leave it out"
                )
            if earlier_kind is _NULL:
                earlier_kind, earlier_row = kind, self.rows + row
            elif kind is not earlier_kind and {kind, earlier_kind} != {_INTEGER, _NUMBER}:
                text = repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:57]}..."
                return UserError(
                    f"{self._cell(column, self.rows + row)} holds {kind.what}, {text}, and row {earlier_row + 1} holds "
                    f"{earlier_kind.what}: make them one type in the query, as with CAST({name} AS REAL), CAST({name} "
                    f"AS TEXT) or NULLIF({name}, VALUE)"
                )
        return UserError(f"{self._cell(column, self.rows)} mixes times with and without a zone: cast them in the query")

    def _cell(self, column: int, row: int) -> str:
        return f"data.sql: {self._where}: column {self._names[column]!r}, row {row + 1}"


def _kind(type_: type, values: Sequence[Any]) -> _Kind | None:
    """Return the conversion of a type; None if it is not supported."""
    if type_ is decimal.Decimal:
        decimals = [value for value in values if isinstance(value, decimal.Decimal)]
        return _INTEGER if all(_is_whole(value) and -_LARGEST <= value < _LARGEST for value in decimals) else _NUMBER
    if type_ is datetime.datetime:
        sample_time = next(value for value in values if isinstance(value, datetime.datetime))
        return _TIME if sample_time.tzinfo is None else _INSTANT
    return _KINDS.get(type_)


def _is_whole(value: decimal.Decimal) -> bool:
    return value.is_finite() and value == value.to_integral_value()
