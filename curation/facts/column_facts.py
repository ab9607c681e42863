"""Statistics of columns, from which config and schema are proposed."""

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.ingestion.parsing import number_parsing
from curation.facts import clocks, writing_script
from models.data import arrow

TOP = 200
"""Number of most leading values that are kept."""
SAMPLE = 5000
"""Number of distinct strings whose words are counted."""
QUANTILES = (0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999)

DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(?!\d)")
OTHER_DATE = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b|\d{4}[./]\d{1,2}[./]\d{1,2}\b|\d{8}T\d{6}$")
_FALLS = 0.01
"""Allowed share of decreases in a rising column."""
_KEY_DIGITS = 17
"""Number of digits from which an integer that does not fit int64 is a key: a float would lose its last digits."""
_INT_LENGTH = 20
"""Number of characters of the longest int64."""


@dataclass(frozen=True)
class Numbers:
    """Statistics of a column of numbers, without nulls and infinite values."""

    low: float
    high: float
    mean: float
    deviation: float
    skew: float
    quantiles: tuple[float, ...]
    """Quantiles at QUANTILES."""
    whole: bool
    """Whether all values are integers."""
    zeros: float
    """Share of zeros."""
    log_skew: float
    """Skewness of ln(1 + x) if no value is negative, else of x."""

    def quantile(self, share: float) -> float:
        """Return the quantile at a share, which must be one of QUANTILES."""
        return self.quantiles[QUANTILES.index(share)]


@dataclass(frozen=True)
class Column:
    """Statistics of one column."""

    name: str
    kind: str
    """Schema type: INT, FLOAT or BYTES."""
    rows: int
    missing: int
    distinct: int
    top: tuple[tuple[str, int], ...]
    """Most leading values as (text, number of rows), by decreasing rows, then by text."""
    numbers: Numbers | None = None
    words: float = 0.0
    """Mean number of words in the distinct strings."""
    date: bool = False
    """Whether every string starts with YYYY-MM-DD."""
    other_date: bool = False
    """Whether every string is a date in another format."""
    dates: tuple[str, str, str] = ("", "", "")
    """First, median and last date of a date column."""
    hours: int = 0
    """Number of distinct hours if the dates have a time of day and days have several rows; else 0."""
    rises: bool = False
    """Whether values do not decrease from row to row, except for 1% of the steps."""
    picture: bool = False
    """Whether the cells are encoded images."""

    @property
    def present(self) -> int:
        """Number of rows with a value."""
        return self.rows - self.missing

    @property
    def missing_share(self) -> float:
        """Share of nulls among the rows."""
        return self.missing / self.rows if self.rows else 0.0

    @property
    def unique_share(self) -> float:
        """Number of distinct values per row with a value."""
        return self.distinct / self.present if self.present else 0.0


@dataclass(frozen=True)
class Facts:
    """Statistics of a table."""

    rows: int
    columns: tuple[Column, ...]

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.columns)


def settle(array: pa.ChunkedArray) -> tuple[str, pa.ChunkedArray]:
    """Infer a column's schema type from all of its cells.

    Args:
        array: Cells of any flat Arrow type. Strings become numbers if all of them are numbers.

    Returns:
        INT, FLOAT or BYTES, and the cells as int64, float64 or string (binary if not UTF-8).

    Raises:
        TypeError: the Arrow type is nested.
    """
    kind = array.type
    if pa.types.is_dictionary(kind):
        return settle(array.cast(kind.value_type))
    if pa.types.is_boolean(kind) or pa.types.is_date(kind) or pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        return "BYTES", array.cast(pa.string())
    if pa.types.is_integer(kind):
        return "INT", array.cast(pa.int64())
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "FLOAT", array.cast(pa.float64())
    if pa.types.is_null(kind):
        return "BYTES", array.cast(pa.string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        try:
            return settle(array.cast(pa.binary()).cast(pa.string()))
        except pa.ArrowInvalid:
            return "BYTES", array.cast(pa.binary())
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise TypeError(f"its cells are {kind}, not single values")
    texts = array.cast(pa.string())
    values = pc.unique(texts).drop_null()
    if not len(values) or pc.any(number_parsing.codes(values)).as_py():
        return "BYTES", texts
    if pc.max(pc.utf8_length(values)).as_py() <= _INT_LENGTH:
        try:
            values.cast(pa.int64())
            return "INT", texts.cast(pa.int64())
        except pa.ArrowInvalid:
            pass
    if pc.any(pc.match_substring_regex(values, rf"^[+-]?\d{{{_KEY_DIGITS},}}$")).as_py():
        return "BYTES", texts
    try:
        values.cast(pa.float64())
        return "FLOAT", texts.cast(pa.float64())
    except pa.ArrowInvalid:
        return "BYTES", texts


def table(cells: pa.Table, kinds: Mapping[str, str] = MappingProxyType({})) -> tuple[Facts, pa.Table]:
    """Compute the statistics of a table, and cast the table to the inferred types.

    Args:
        cells: The table.
        kinds: Column -> known type: a BYTES column stays text even if all cells are numbers.

    Raises:
        TypeError: a column has a nested type; the message names it.
    """
    columns, arrays = [], []
    for name in cells.column_names:
        try:
            kind, array = ("BYTES", texts(cells[name])) if kinds.get(name) == "BYTES" else settle(cells[name])
        except TypeError as error:
            raise TypeError(f"column {name!r}: {error}") from error
        if kind == "FLOAT":
            array = _finite(array)
        arrays.append(array)
        columns.append(column(name, kind, array))
    return Facts(cells.num_rows, tuple(columns)), pa.table(arrays, names=cells.column_names)


def texts(array: pa.ChunkedArray) -> pa.ChunkedArray:
    """Cast cells to strings; binary cells that are not UTF-8 stay binary."""
    try:
        return array.cast(pa.string())
    except pa.ArrowInvalid:
        return array


def column(name: str, kind: str, array: pa.ChunkedArray) -> Column:
    """Compute the statistics of one column.

    Args:
        name: Its name.
        kind: INT, FLOAT or BYTES.
        array: int64, float64, string or binary.
    """
    counts = pc.value_counts(array.drop_null())
    values, rows = counts.field(0), counts.field(1).to_numpy(zero_copy_only=False)
    binary = pa.types.is_binary(array.type)
    order = np.argsort(-rows, kind="stable")[: TOP * 2]
    leading = [] if binary else values.take(pa.array(order)).to_pylist()
    top = sorted(((_text(value), int(count)) for value, count in zip(leading, rows[order], strict=False)), key=_by_rows)
    common = {"name": name, "kind": kind, "rows": len(array), "missing": array.null_count, "distinct": len(values)}
    if binary:
        return Column(**common, top=(), picture=_is_picture(values))
    if kind != "BYTES":
        return Column(**common, top=tuple(top[:TOP]), numbers=_numbers(array), rises=_rises(array))
    is_date, is_other_date = _all_match(values, DATE), _all_match(values, OTHER_DATE)
    first_date, median_date, last_date, hours = "", "", "", 0
    if is_date:
        hours = clocks.hours(array.drop_null())
        ordered = sorted(text[:10] for text in array.drop_null().to_pylist())
        first_date, median_date, last_date = ordered[0], ordered[len(ordered) // 2], ordered[-1]
    sample = values[:SAMPLE].to_pylist()
    words = float(np.mean([writing_script.words(text) for text in sample])) if sample else 0.0
    return Column(
        **common,
        top=tuple(top[:TOP]),
        words=words,
        date=is_date,
        other_date=is_other_date,
        dates=(first_date, median_date, last_date),
        hours=hours,
        rises=is_date and _rises(array),
    )


def _by_rows(entry: tuple[str, int]) -> tuple[int, str]:
    return -entry[1], entry[0]


def _text(value: int | float | str) -> str:
    return f"{value:g}" if isinstance(value, float) and abs(value) < 1e6 else str(value)


def _finite(array: pa.ChunkedArray) -> pa.ChunkedArray:
    """Replace NaN and infinity by null."""
    return arrow.if_else(pc.is_finite(array), array, pa.scalar(None, array.type))


def _numbers(array: pa.ChunkedArray) -> Numbers | None:
    values = array.drop_null().to_numpy().astype(np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    low, high = float(values.min()), float(values.max())
    return Numbers(
        low=low,
        high=high,
        mean=float(values.mean()),
        deviation=float(values.std()),
        skew=_skew(values),
        quantiles=tuple(float(value) for value in np.quantile(values, QUANTILES)),
        whole=bool((values == np.floor(values)).all()),
        zeros=float((values == 0).mean()),
        log_skew=_skew(np.log1p(values)) if low >= 0 else _skew(values),
    )


def _skew(values: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> float:
    """Return the third standardized moment; 0 for a constant."""
    largest = float(np.abs(values).max()) or 1.0
    values = values / largest
    deviation = float(values.std())
    return float((((values - values.mean()) / deviation) ** 3).mean()) if deviation > 1e-12 else 0.0


def _rises(array: pa.ChunkedArray) -> bool:
    cells = array.drop_null()
    if len(cells) < 2:
        return False
    if pa.types.is_string(cells.type):
        texts = cells.to_pylist()
        decreases = sum(later < earlier for earlier, later in itertools.pairwise(texts)) / (len(texts) - 1)
    else:
        values = cells.to_numpy()  # a difference may overflow int64
        decreases = float((values[1:] < values[:-1]).mean())
    return bool(decreases <= _FALLS)


def _all_match(values: pa.Array, pattern: "re.Pattern[str]") -> bool:
    if not len(values):
        return False
    # Check a few cells first: most strings are not dates.
    if not all(pattern.match(text) for text in values[:20].to_pylist()):
        return False
    return all(pattern.match(text) for text in values.to_pylist())


def _is_picture(values: pa.Array) -> bool:
    head = values[:20].to_pylist()
    return bool(head) and all(cell[:4] == b"\x89PNG" or cell[:3] == b"\xff\xd8\xff" for cell in head)
