"""Cleaning of cells (whitespace, null tokens, case) and conversion between types."""

import contextlib
import dataclasses
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from components.ingestion.parsing import date_parsing, number_parsing
from models.data import arrow
from spec.cells.cleaning import DOTTED, FINAL, Rules
from spec.cells.date_format import DateFormat
from spec.cells.number_format import PLAIN, NumberFormat

DOUBLE = "DOUBLE"
"""Type for reading a FLOAT column whose values float32 cannot tell apart; `narrowed` converts it before writing."""
ARROW_TYPES = {"INT": pa.int64(), "FLOAT": pa.float32(), "BYTES": pa.string(), DOUBLE: pa.float64()}
"""Schema type -> Arrow type."""


_TICKS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
"""Unit of a duration -> units per second."""


class BadCellError(ValueError):
    """A cell is not a number.

    Args:
        row: Index of the cell in the array, from 0.
        value: Value of the cell.
        expected: The expected number format, as the end of a sentence; empty for the plain format.
    """

    def __init__(self, row: int, value: Any, expected: str = "") -> None:
        super().__init__(str(value))
        self.row = row
        self.value = value
        self.expected = expected


def clean(column: pa.Array, rules: Rules) -> pa.Array:
    """Strip strings, replace null tokens by null, and fold the case of strings.

    Args:
        column: Array of n cells; an array of neither strings nor numbers is returned unchanged.
        rules: Rules of the column.

    Returns:
        Array of n cells.
    """
    if pa.types.is_string(column.type):
        if rules.strip:
            column = pc.utf8_trim_whitespace(column)
        null_values: tuple[Any, ...] = rules.null_values
    elif pa.types.is_integer(column.type):
        null_values = rules.null_integers()
    elif pa.types.is_floating(column.type):
        null_values = rules.null_numbers
    else:
        return column
    is_null = pc.is_in(column, value_set=pa.array(null_values, column.type)) if null_values else None
    if is_null is not None and pc.any(is_null).as_py():
        column = arrow.if_else(is_null, pa.scalar(None, column.type), column)
    return _folded(column) if rules.fold_case and pa.types.is_string(column.type) else column


def _folded(texts: pa.Array) -> pa.Array:
    lower = pc.utf8_lower(pc.replace_substring(texts, *DOTTED))
    return pc.replace_substring(lower, *FINAL)


def cast(column: pa.Array, kind: str, rules: Rules) -> pa.Array:
    """Clean cells and convert them to a schema type; whitespace around a number is always ignored.

    Args:
        column: Array of n cells.
        kind: INT, FLOAT or BYTES.
        rules: Rules of the column.

    Raises:
        BadCellError: a cell is not a number or date of this type.
    """
    if rules.date is not None and rules.date.epoch is not None and pa.types.is_floating(column.type):
        column = pc.cast(pc.floor(column), pa.int64(), safe=False)
    if kind == "BYTES" and rules.date is not None:
        # A null token among dates may be written in the format of the file or as YYYY-MM-DD.
        return clean(_dates(clean(convert(column, kind), rules), rules.date), rules)
    if not pa.types.is_string(column.type):
        return clean(convert(column, kind), rules)
    if kind == "BYTES":
        return clean(column, rules)
    texts = clean(column, dataclasses.replace(rules, strip=True))
    if rules.numbers.decimal == "." and not rules.numbers.plain:
        # Most columns of such a file are plain, and a plain number is the same in any format with a decimal point.
        with contextlib.suppress(pa.ArrowInvalid):
            return clean(_cast(texts, kind), rules)
    if not rules.numbers.plain:
        row = pc.index(number_parsing.fits(texts, rules.numbers), False).as_py()
        if row >= 0:
            is_plain = number_parsing.fits(texts.slice(row, 1), PLAIN)[0].as_py()
            key = " (data.csv.plain names the columns with a decimal point)" if is_plain else ""
            expected = f", where data.csv says that numbers have {rules.numbers}{key}"
            raise BadCellError(row, texts[row].as_py(), expected)
        texts = number_parsing.plain(texts, rules.numbers)
    return clean(convert(texts, kind), rules)


def _dates(texts: pa.Array, form: DateFormat) -> pa.Array:
    row = pc.index(date_parsing.fits(texts, form), False).as_py()
    if row >= 0:
        raise BadCellError(row, texts[row].as_py(), f", where data.dates says that dates are written {form.text}")
    return date_parsing.iso(texts, form)


def convert(column: pa.Array, kind: str) -> pa.Array:
    """Convert cells of any flat type to a schema type.

    As text, a date becomes YYYY-MM-DD, and a time of day or a timestamp its usual notation in whole seconds and UTC.
    As a number, a date becomes days and a timestamp seconds since 1970-01-01. A duration becomes seconds.

    Args:
        column: Array of n cells.
        kind: INT, FLOAT or BYTES.

    Returns:
        Array of n cells: int64, float32, string, or binary as it was.

    Raises:
        BadCellError: a cell is not a number of this type.
    """
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if kind == "BYTES" and (pa.types.is_string(column.type) or pa.types.is_binary(column.type)):
        return column
    try:
        return _cast(column, kind)
    except pa.ArrowInvalid:
        pass
    low, high = 0, len(column)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            _cast(column.slice(low, middle - low), kind)
            low = middle
        except pa.ArrowInvalid:
            high = middle
    raise BadCellError(low, column[low].as_py())


def narrowed(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Cast float64 columns to float32, the type of floats in tf.Examples."""
    columns = [
        column.cast(pa.float32(), safe=False) if pa.types.is_float64(column.type) else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)


def kind_of(type_: pa.DataType) -> str | None:
    """Return the schema type for an Arrow type; None for nested types."""
    if pa.types.is_dictionary(type_):
        return kind_of(type_.value_type)
    if isinstance(type_, pa.BaseExtensionType):
        return kind_of(type_.storage_type)
    kind = "BYTES"
    if pa.types.is_integer(type_) or pa.types.is_boolean(type_):
        kind = "INT"
    elif pa.types.is_floating(type_) or pa.types.is_decimal(type_) or pa.types.is_duration(type_):
        kind = "FLOAT"
    try:
        convert(pa.nulls(0, type_), kind)
    except pa.ArrowNotImplementedError:
        return None
    return kind


def _cast(column: pa.Array, kind: str) -> pa.Array:
    type_ = column.type
    if pa.types.is_duration(type_):
        ticks = pc.cast(pc.cast(column, pa.int64()), pa.float64(), safe=False)
        column = pc.divide(ticks, _TICKS[type_.unit])
    if pa.types.is_timestamp(type_):
        column = pc.cast(pc.cast(column, pa.timestamp(type_.unit)), pa.timestamp("s"), safe=False)
    if pa.types.is_time(type_):
        column = pc.cast(pc.cast(column, pa.time64("us")), pa.time32("s"), safe=False)
    if kind == "BYTES":
        if pa.types.is_decimal(type_):
            return pa.array([None if cell is None else str(cell) for cell in column.to_pylist()], pa.string())
        if pa.types.is_boolean(type_):
            # The notation of Python, and so of most CSV files.
            return arrow.if_else(column, "True", "False")
        large = pa.types.is_large_binary(type_) or pa.types.is_fixed_size_binary(type_)
        return pc.cast(column, pa.binary() if large else pa.string())
    if pa.types.is_date(type_):
        column = pc.cast(pc.cast(column, pa.date32()), pa.int32())
    if pa.types.is_time(type_):
        column = pc.cast(column, pa.int32())
    if pa.types.is_timestamp(type_):
        column = pc.cast(column, pa.int64())
    is_text = pa.types.is_string(type_) or pa.types.is_large_string(type_)
    # Arrow parses no sign except minus. The expression takes as long as the parsing.
    if is_text and pc.any(pc.starts_with(column, "+")).as_py():
        column = pc.replace_substring_regex(column, r"^\+([0-9.])", r"\1")
    return pc.cast(column, ARROW_TYPES[kind], safe=kind == "INT")


def looks_like(texts: pa.Array, previous_type: str | None, numbers: NumberFormat = PLAIN) -> str | None:
    """Return the narrowest type that fits these strings and all previous ones.

    A number with a leading zero is text, because a postal code or a key would lose the zero, except for amounts of a
    fixed width such as 00000123.45.

    Args:
        texts: String array.
        previous_type: Type of the previous strings; None if all were null.
        numbers: Number format.

    Returns:
        INT, FLOAT or BYTES; None if all cells so far are null.
    """
    if previous_type == "BYTES" or texts.null_count == len(texts):
        return previous_type
    if not numbers.plain:
        if not pc.all(number_parsing.fits(texts, numbers)).as_py():
            return "BYTES"
        texts = number_parsing.plain(texts, numbers)
    if pc.any(number_parsing.codes(texts)).as_py():
        return "BYTES"
    if previous_type != "FLOAT":
        try:
            pc.cast(texts, pa.int64())
            return "INT"
        except pa.ArrowInvalid:
            pass
    try:
        pc.cast(texts, pa.float64())
    except pa.ArrowInvalid:
        return "BYTES"
    # A number of so many digits is a key: a float would lose its last digits.
    keys = pc.match_substring_regex(texts, r"^[+-]?\d{17,}$")
    return "BYTES" if pc.any(keys).as_py() else "FLOAT"
