"""Proposed keys of [data] for cells: number formats, date formats and null values."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from components.ingestion.parsing import csv_errors, number_parsing
from curation.facts import cell_values, date_formats, number_formats, odd_tokens
from curation.facts.date_formats import MIN_NUMBERS, Dates
from curation.facts.number_formats import Formats
from curation.propose import config_text, text_hints
from curation.propose.choices import Line
from models.data import arrow
from spec.cells.number_format import PLAIN
from spec.data import Data

Read = Callable[[Mapping[str, Any]], pa.Table]
NA = "NA"
_MONTH = r"^(?:(?:0?[1-9]|1[0-2])[.,](?:19|20)\d\d|(?:19|20)\d\d[.,](?:0[1-9]|1[0-2]))$"
_DAY_AND_MONTH = r"^(?:0?[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])$"
NAMED = 8
"""Largest number of columns in a message."""


def propose(
    table: pa.Table,
    lines: Sequence[Line],
    path: str,
    kind: str = "csv",
    read: Read | None = None,
    label: str | None = None,
) -> tuple[list[Line], list[str]]:
    """Propose the keys of [data] that control how cells are read.

    Args:
        table: Cells, as strings for a CSV file.
        lines: Keys of [data] so far.
        path: The first file.
        kind: The format.
        read: Reads the same table with other keys of [data].
        label: Label that the user has chosen; None if it is guessed later.

    Returns:
        All keys, and findings, one sentence each.
    """
    keys, findings, formats = list(lines), list[str](), Formats(PLAIN, {}, {}, {})
    place = _Places(lines, path, kind)
    if kind != "parquet":
        formats = number_formats.detect(table, dict(place.given.get("csv", {})).get("delimiter", ","))
        if formats.columns:
            findings.append(_read(formats))
            keys = _with_numbers(keys, formats, findings[-1])
        findings += [_either(column, example, formats) for column, example in formats.either.items()]
        findings += [_mixed(column, place, examples) for column, examples in formats.mixed.items()]
        tokens = odd_tokens.find(_plain(table, formats))
        findings += odd_tokens.findings(tokens.unsure, len(table))
        if tokens.null:
            blank = [*Data(path="").null_values, *tokens.null]
            reason = f"{', '.join(map(repr, tokens.null))} among numbers means null"
            keys.append(Line("null_values", blank, reason))
            findings.append(f"{reason}: data.null_values")
            table = pa.table([_without(column, tokens.null) for column in table.columns], names=table.column_names)
    dates = date_formats.detect(table)
    of_dates, said_of_dates = _dates(dates, place)
    said_of_dates += _future(table, dates)
    for column, texts in dates.odd.items():
        table = table.set_column(table.column_names.index(column), column, _without(table[column], texts))
    said_of_dates += [*_months(table), *_leading_zeros(table, [*dates.formats, *formats.columns])]
    values, said_of_values = cell_values.propose(date_formats.written(table, dates), formats.numbers, dates.odd)
    codes, said_of_codes = _codes(table, keys, read, label)
    if any(line.active for line in codes):
        keys = [line for line in keys if line.key != "null_values"]
    return [*keys, *of_dates, *values, *codes], [*findings, *said_of_dates, *said_of_values, *said_of_codes]


class _Places:
    """Locates the rows of a table in their file."""

    def __init__(self, lines: Sequence[Line], path: str, kind: str) -> None:
        self.given = {line.key: line.value for line in lines if line.active}
        self._data = Data.model_validate({**self.given, "path": path})
        self._path, self._kind = path, kind

    def named(self, examples: Sequence[tuple[int, str]]) -> str:
        """Format strings with their locations."""
        return ", ".join(f"{text!r} ({self._place(row)})" for row, text in examples)

    def _place(self, row: int) -> str:
        if self._kind != "csv":
            # A sheet has its header below the skipped rows; JSON lines have none.
            below = row + 1 + self._data.csv.skip_rows + self._data.csv.header
            return {"jsonl": f"line {row + 1}", "xlsx": f"row {below}"}.get(self._kind, f"row {row + 1}")
        return csv_errors.place(self._path, self._data, row + 1 + self._data.csv.header)


def _with_numbers(lines: Sequence[Line], formats: Formats, finding: str) -> list[Line]:
    """Add the keys of a number format."""
    csv_line = next((line for line in lines if line.key == "csv"), Line("csv", {}))
    keys = {key: getattr(formats.numbers, key) for key in ("decimal", "thousands", "units")}
    changed_keys = {
        key: list(value) if key == "units" else value for key, value in keys.items() if value != getattr(PLAIN, key)
    }
    if formats.plain:
        changed_keys["plain"] = list(formats.plain)
    reason = "; ".join(part for part in (csv_line.reason, finding) if part)
    return [*(line for line in lines if line.key != "csv"), Line("csv", {**csv_line.value, **changed_keys}, reason)]


def _dates(dates: Dates, place: _Places) -> tuple[list[Line], list[str]]:
    lines, findings = [], []
    if dates.formats:
        listed_dates = [f"{name} ({dates.examples[name]!r}) as {form}" for name, form in dates.formats.items()]
        findings.append(f"dates are read as YYYY-MM-DD: {', '.join(listed_dates)}")
        lines.append(Line("dates", dates.formats, findings[-1]))
    for name, texts in dates.odd.items():
        findings.append(f"{name}: {', '.join(map(repr, texts))} among dates means null")
    for name, candidates in dates.ambiguous.items():
        either, keys = (
            " or ".join(candidates),
            " or ".join(f"data.dates = {config_text.toml({name: form})}" for form in candidates),
        )
        findings.append(
            f"{name}: dates such as {dates.examples[name]!r} may be {either}, so they are not read as dates: set {keys}"
        )
        lines.append(Line("dates", {**dates.formats, name: candidates[0]}, f"{name} is {either}", active=False))
    for name, examples in dates.mixed.items():
        if len(examples) == 1:
            findings.append(
                f"{name} holds dates of a form that is not read, and is read as text: {place.named(examples)}: write "
                "them as YYYY-MM-DD hh:mm"
            )
            continue
        key = config_text.toml({name: "DD.MM.YYYY"})
        findings.append(
            f"{name} holds dates in several formats, and is read as text: {place.named(examples)}: write all "
            f"dates in one "
            f"format and set it, such as data.dates = {key}; list values that mean null in data.column_null_values"
        )
    return lines, findings


def _future(table: pa.Table, dates: Dates) -> list[str]:
    """Name columns whose years have two digits and are read as years to come."""
    today, findings = datetime.date.today().isoformat(), []
    of_two_digits = {name: form for name, form in dates.formats.items() if "YY" in form.replace("YYYY", "")}
    for name, column in zip(of_two_digits, date_formats.written(table, dates).select(of_two_digits), strict=True):
        later = column.filter(pc.greater(column, today))
        if len(later):
            findings.append(
                f"{name}: {len(later):,} of {len(table):,} dates are read as dates to come, up to {pc.max(later)}, "
                f"because 00 to 68 stand for 2000 to 2068: if they are past, write years with four digits"
            )
    return findings


def _codes(table: pa.Table, keys: Sequence[Line], read: Read | None, label: str | None) -> tuple[list[Line], list[str]]:
    """Suggest to keep NA among two-letter codes, such as for Namibia, although it means null by default.

    It is kept if the label would have only one value without it, and no other column has it.
    """
    names = [name for name in table.column_names if _of_capitals(table[name])]
    blank = next((line.value for line in keys if line.key == "null_values"), [*Data(path="").null_values])
    if not names or read is None or NA not in blank:
        return [], []
    other_tokens = [text for text in blank if text != NA]
    with_it = read({"null_values": other_tokens})
    rows_of = {name: rows for name in with_it.column_names if (rows := _cells_with_na(with_it[name]))}
    described = {name: f"{name}: {NA!r} in {rows:,} of {len(table):,} cells is" for name, rows in rows_of.items()}
    if label is not None and label in names and [*rows_of] == [label] and pc.count_distinct(table[label]).as_py() == 1:
        finding = f"{described[label]} a class, because the label has only one other value: data.null_values"
        return [Line("null_values", other_tokens, f"{NA!r} is a class of the label")], [finding]
    findings = [
        f"{described[name]} read as null; if it is a code like the others, set data.null_values = "
        f"{config_text.toml(other_tokens)}"
        for name in names
        if name in rows_of
    ]
    return ([Line("null_values", other_tokens, f"if {NA!r} is a code", active=False)] if findings else []), findings


def _cells_with_na(column: pa.ChunkedArray) -> int:
    return pc.sum(pc.equal(column, NA)).as_py() or 0 if pa.types.is_string(column.type) else 0


def _of_capitals(column: pa.ChunkedArray) -> bool:
    """Return whether a string column with nulls holds codes of two capital letters."""
    if not pa.types.is_string(column.type) or not 0 < column.null_count < len(column):
        return False
    return bool(pc.all(pc.match_substring_regex(column, "^[A-Z]{2}$")).as_py())


def _without(column: pa.ChunkedArray, texts: Sequence[str]) -> pa.ChunkedArray:
    """Replace strings by null."""
    if not pa.types.is_string(column.type):
        return column
    return arrow.if_else(pc.is_in(column, value_set=pa.array(texts)), pa.scalar(None, pa.string()), column)


def _plain(table: pa.Table, formats: Formats) -> pa.Table:
    """Rewrite the numbers of a table in plain notation; other strings stay."""
    for name in formats.columns:
        column = table[name]
        plain = arrow.if_else(
            number_parsing.fits(column, formats.numbers), number_parsing.plain(column, formats.numbers), column
        )
        table = table.set_column(table.column_names.index(name), name, plain)
    return table


def _read(formats: Formats) -> str:
    text = f"numbers are written with {formats.numbers}: {_examples(formats.columns)}"
    if "%" in formats.numbers.units:
        text += "; 45 % is read as 45"
    if formats.plain:
        listed_plain = ", ".join(f"{name} ({example!r})" for name, example in list(formats.plain.items())[:NAMED])
        text += f"; with a decimal point, whatever the others have: {listed_plain}"
    if formats.ambiguous:
        name, example = next(iter(formats.ambiguous.items()))
        digits = number_parsing.plain(pa.array([example]), formats.numbers)[0].as_py()
        other_decimal = "." if formats.numbers.decimal == "," else ","
        text += (
            f"; {name} is ambiguous: {example!r} is read as {digits}; if that is wrong, set csv = "
            f'{{decimal = "{other_decimal}"}}'
        )
    return text


def _either(column: str, example: str, formats: Formats) -> str:
    value = number_parsing.plain(pa.array([example]), formats.numbers)[0].as_py()
    keys = {"decimal": ",", "thousands": "."} if value == example else {"plain": [column]}
    return (
        f"{column} is ambiguous: {example!r} is read as {value}; if that is wrong, set csv = {config_text.toml(keys)}"
    )


def _mixed(column: str, place: _Places, examples: Sequence[tuple[int, str]]) -> str:
    if sides := text_hints.debits([text for _, text in examples]):
        return f"{column} is read as text: {sides}"
    return (
        f"{column} holds numbers in several formats, or numbers and text, and is read as text: "
        f"{place.named(examples)}: write all numbers in one format, or set decimal, thousands and units of data.csv, "
        "and data.null_values"
    )


def _months(table: pa.Table) -> list[str]:
    """Name columns of months, such as 05.2023, and of days without a year, such as 503, which are numbers."""
    findings = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        texts = pc.unique(column.drop_null()) if pa.types.is_string(column.type) else pa.array([], pa.string())
        of_dates = name.lower().endswith(("date", "datum"))
        if of_dates and len(texts) >= MIN_NUMBERS and pc.all(pc.match_substring_regex(texts, _DAY_AND_MONTH)).as_py():
            findings.append(
                f"{name} holds days and months without a year, such as {texts[0].as_py()!r}, which are read as numbers "
                "or codes: write them as YYYY-MM-DD"
            )
        if len(texts) >= MIN_NUMBERS and pc.all(pc.match_substring_regex(texts, _MONTH)).as_py():
            findings.append(
                f"{name} is read as numbers: {texts[0].as_py()!r} looks like a month; if it is one, write the first "
                "day of each as YYYY-MM-DD"
            )
    return findings


def _leading_zeros(table: pa.Table, others: Sequence[str]) -> list[str]:
    """Name columns of numbers with leading zeros: codes, unless they are amounts of a fixed width."""
    padded, codes = dict[str, str](), dict[str, str]()
    for name in table.column_names:
        texts = table[name].drop_null()
        if name in others or not pa.types.is_string(texts.type):
            continue
        if not len(texts) or not pc.all(pc.match_substring_regex(texts, r"^[+-]?\d+(?:[.]\d+)?$")).as_py():
            continue
        is_code, is_padded = number_parsing.codes(texts), pc.match_substring_regex(texts, number_parsing.PADDED)
        if pc.any(is_code).as_py() and not pc.all(pc.match_substring_regex(texts, _MONTH)).as_py():
            codes[name] = texts.filter(is_code)[0].as_py()
        elif pc.any(is_padded).as_py():
            padded[name] = texts.filter(is_padded)[0].as_py()
    findings = []
    if padded:
        findings.append(f"amounts of a fixed width are read as numbers, without leading zeros: {_examples(padded)}")
    if codes:
        findings.append(
            f"numbers with leading zeros are read as codes, which are texts: {_examples(codes)}; if they are amounts, "
            "write them without the zeros"
        )
    return findings


def _examples(examples: Mapping[str, str]) -> str:
    more = f" and {len(examples) - NAMED} more" if len(examples) > NAMED else ""
    return ", ".join(f"{name} ({example!r})" for name, example in list(examples.items())[:NAMED]) + more
