"""Values of a table that mean null, and categories in several spellings."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from components.data_checks import placeholders, sentinels
from components.ingestion.parsing import number_parsing
from curation.propose import config_text
from curation.propose.choices import Line
from spec.cells.number_format import PLAIN, NumberFormat

MAX_VALUES = 1000
"""Maximum number of distinct strings in a column of categories."""
MAX_WORDS = 4
"""Mean number of words above which strings are not categories."""
YEARS = 30
"""Minimum number of years between a placeholder date for null and the first real date."""

Values = dict[str, list[Any]]
"""Column -> values."""


def propose(
    table: pa.Table, numbers: NumberFormat = PLAIN, null_tokens: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> tuple[list[Line], list[str]]:
    """Propose keys of [data] for such values.

    Args:
        table: Cells, as strings or typed.
        numbers: Number format.
        null_tokens: Column -> tokens that are null already in the table.

    Returns:
        The keys, and findings, one sentence each.
    """
    lines, findings = [], []
    sure, maybe = Values({name: list(texts) for name, texts in null_tokens.items()}), Values()
    folds: list[str] = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        amounts = _numbers(column, numbers)
        if amounts is not None:
            for number, rows, stands in _markers(amounts):
                (sure if stands else maybe).setdefault(name, []).append(number)
                findings.append(_finding(name, number, rows, len(column), sure=stands))
        elif pa.types.is_string(column.type):
            counts = _counts(column)
            for value in _no_values(counts):
                sure.setdefault(name, []).append(value)
                findings.append(_finding(name, value, counts[value], len(column), sure=True))
            groups = sentinels.spellings(
                {value: rows for value, rows in counts.items() if value not in sure.get(name, ())}
            )
            if groups and _are_categories(counts, len(column)):
                certain = sentinels.are_same_words(groups)
                folds += [name] if certain else []
                findings.append(_spelled(name, sentinels.listing(groups, counts), certain))
    meaning = "values that mean null"
    lines += [Line("column_null_values", sure, meaning)] if sure else []
    lines += [Line("column_null_values", {**sure, **maybe}, f"if these are {meaning}", active=False)] if maybe else []
    lines += [Line("fold_case", folds, "spellings that differ only in case are one category")] if folds else []
    return lines, findings


def _finding(column: str, value: int | str, rows: float, total: int, *, sure: bool) -> str:
    text = f"{column}: {value!r} in {rows:,.0f} of {total:,} cells ({rows / total:.1%})"
    key = f"data.column_null_values = {config_text.toml({column: [value]})}"
    return f"{text} means null: {key}" if sure else f"{text}: if it means null, set {key}"


def _spelled(column: str, listing: str, sure: bool) -> str:
    if sure:
        return f"{column}: {listing}: one category in several spellings, merged by data.fold_case"
    return (
        f"{column}: {listing}: values that differ only in case; if they mean the same, add {column} to data.fold_case"
    )


def _numbers(column: pa.ChunkedArray, form: NumberFormat) -> pa.ChunkedArray | None:
    """Cells as float64, where all that are there are numbers."""
    column = column.drop_null()
    if pa.types.is_string(column.type):
        if not len(column) or not pc.all(number_parsing.fits(column, form)).as_py():
            return None
        return number_parsing.plain(column, form).cast(pa.float64())
    is_number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    return column.cast(pa.float64(), safe=False) if is_number else None


def _markers(numbers: pa.ChunkedArray) -> Iterator[tuple[int, int, bool]]:
    """Yield numbers beyond all others that are written with nines: number, rows, whether it surely stands for null."""
    ends = placeholders.of([numbers])
    sure = dict(ends.sentinels(len(numbers)))
    for number, rows, distance in ends.outside():
        stands = number in sure
        if stands or (rows / len(numbers) >= sentinels.MIN_SHARE and distance > 1 and _are_several(numbers, ends)):
            yield number, rows, stands


def _are_several(numbers: pa.ChunkedArray, ends: placeholders.Ends) -> bool:
    """Return whether there are more than two distinct numbers beside the markers."""
    inner = numbers.filter(pc.and_(pc.greater_equal(numbers, ends.low), pc.less_equal(numbers, ends.high)))
    return bool(pc.count_distinct(inner).as_py() > 2)


def _counts(column: pa.ChunkedArray) -> Mapping[str, int]:
    """Value -> rows; empty where there are too many for categories."""
    counts = pc.value_counts(column.drop_null())
    if len(counts) > MAX_VALUES:
        return {}
    return dict(zip(counts.field(0).to_pylist(), counts.field(1).to_pylist(), strict=True))


def _no_values(counts: Mapping[str, int]) -> list[str]:
    """Return texts that programs write instead of null, and dates far before or after all other dates."""
    sentinel_texts = [value for value in counts if value.lower() in sentinels.TEXTS]
    days = sorted(value[:10] for value in counts if value[:4].isdecimal() and value[4:5] == "-")
    if len(days) < len(counts) - len(sentinel_texts) or len(days) < 3:
        return sentinel_texts
    regular_days = [day for day in days if day not in sentinels.DATES]
    for value in counts:
        day, rows = value[:10], sum(counts.values())
        if day in sentinels.DATES and regular_days and counts[value] >= sentinels.MIN_SHARE * rows:
            year = int(day[:4])
            if year == 0 or min(abs(year - int(regular_days[0][:4])), abs(year - int(regular_days[-1][:4]))) >= YEARS:
                sentinel_texts.append(value)
    return sentinel_texts


def _are_categories(counts: Mapping[str, int], rows: int) -> bool:
    words = sum(len(value.split()) for value in counts) / len(counts)
    return words < MAX_WORDS and len(counts) <= rows / 2
