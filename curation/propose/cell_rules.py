"""What the cells of data mean: how numbers and dates are written, and values that stand for a missing one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from components.ingestion.parsing import csv_errors, number_parsing
from curation.facts import cell_values, date_formats, number_formats
from curation.facts.date_formats import Dates
from curation.facts.number_formats import Formats
from curation.look import dialect
from curation.propose import config_text
from curation.propose.choices import Line
from spec.cells.number_format import PLAIN
from spec.data import Data

Read = Callable[[Mapping[str, Any]], pa.Table]
NA = "NA"
NAMED = 8
"""Columns that are named in a sentence."""


def propose(
    table: pa.Table, lines: Sequence[Line], path: str, kind: str = "csv", read: Read | None = None
) -> tuple[list[Line], list[str]]:
    """Keys of [data] that say what cells mean.

    Args:
        table: Cells, of a CSV file as texts.
        lines: Keys of [data] so far.
        path: The first file.
        kind: The format.
        read: Reads the same table with other keys of [data].

    Returns:
        All keys, and what to say, a sentence each.
    """
    keys, said, formats = list(lines), list[str](), Formats(PLAIN, {}, {}, {})
    place = _Places(lines, path, kind)
    if kind != "parquet":
        formats = number_formats.detect(table, dict(place.given.get("csv", {})).get("delimiter", ","))
        if formats.columns:
            said.append(_read(formats))
            keys = _with_numbers(keys, formats, said[-1])
        said += [_mixed(column, place.named(examples)) for column, examples in formats.mixed.items()]
        tokens = dialect.odd_tokens(_plain(table, formats))
        if tokens:
            blank = [*Data(path="").null_values, *tokens]
            why = f"{', '.join(map(repr, tokens))} among numbers means a missing value here"
            keys.append(Line("null_values", blank, why))
            table = pa.table([_without(column, tokens) for column in table.columns], names=table.column_names)
    dates = date_formats.detect(table)
    of_dates, said_of_dates = _dates(dates, place)
    for column, texts in dates.odd.items():
        table = table.set_column(table.column_names.index(column), column, _without(table[column], texts))
    values, said_of_values = cell_values.propose(date_formats.written(table, dates), formats.numbers, dates.odd)
    codes, said_of_codes = _codes(table, keys, read)
    return [*keys, *of_dates, *values, *codes], [*said, *said_of_dates, *said_of_values, *said_of_codes]


class _Places:
    """Where the rows of a table are in their file."""

    def __init__(self, lines: Sequence[Line], path: str, kind: str) -> None:
        self.given = {line.key: line.value for line in lines if line.active}
        self._data = Data.model_validate({**self.given, "path": path})
        self._path, self._kind = path, kind

    def named(self, examples: Sequence[tuple[int, str]]) -> str:
        """Texts with their places."""
        return ", ".join(f"{text!r} ({self._place(row)})" for row, text in examples)

    def _place(self, row: int) -> str:
        if self._kind != "csv":
            # A sheet has its header in row 1; JSON lines have none.
            return {"jsonl": f"line {row + 1}", "xlsx": f"row {row + 2}"}.get(self._kind, f"row {row + 1}")
        return csv_errors.place(self._path, self._data, row + 1 + self._data.csv.header)


def _with_numbers(lines: Sequence[Line], formats: Formats, said: str) -> list[Line]:
    """The keys, and those of the format of numbers."""
    before = next((line for line in lines if line.key == "csv"), Line("csv", {}))
    keys = {key: getattr(formats.numbers, key) for key in ("decimal", "thousands", "units")}
    new = {key: list(value) if key == "units" else value for key, value in keys.items() if value != getattr(PLAIN, key)}
    why = "; ".join(part for part in (before.why, said) if part)
    return [*(line for line in lines if line.key != "csv"), Line("csv", {**before.value, **new}, why)]


def _dates(dates: Dates, place: _Places) -> tuple[list[Line], list[str]]:
    lines, said = [], []
    if dates.formats:
        shown = [f"{name} ({dates.examples[name]!r}) as {form}" for name, form in dates.formats.items()]
        said.append(f"dates are read as YYYY-MM-DD: {', '.join(shown)}")
        lines.append(Line("dates", dates.formats, said[-1]))
    for name, texts in dates.odd.items():
        said.append(f"{name}: {', '.join(map(repr, texts))} among dates stands for a missing value")
    for name, able in dates.ambiguous.items():
        either, keys = " or ".join(able), " or ".join(f"data.dates = {config_text.toml({name: form})}" for form in able)
        said.append(
            f"{name}: dates such as {dates.examples[name]!r} may be written {either}, so they are not read as dates: "
            f"say {keys}"
        )
        lines.append(Line("dates", {**dates.formats, name: able[0]}, f"{name} is {either}", active=False))
    for name, examples in dates.mixed.items():
        key = config_text.toml({name: "DD.MM.YYYY"})
        said.append(
            f"{name} holds dates that no one format reads, and counts as text: {place.named(examples)}: write them "
            f"alike, and say data.dates = {key} with their format; what means missing goes to data.column_null_values"
        )
    return lines, said


def _codes(table: pa.Table, keys: Sequence[Line], read: Read | None) -> tuple[list[Line], list[str]]:
    """NA among codes of two capitals may be one, as of Namibia and North America, though it counts as missing."""
    names = [name for name in table.column_names if _of_capitals(table[name])]
    blank = next((line.value for line in keys if line.key == "null_values"), [*Data(path="").null_values])
    if not names or read is None or NA not in blank:
        return [], []
    rest = [text for text in blank if text != NA]
    with_it, said = read({"null_values": rest}), []
    for name in names:
        rows = pc.sum(pc.equal(with_it[name], NA)).as_py() or 0
        if rows:
            said.append(
                f"{name}: {NA!r} in {rows:,} of {len(table):,} cells counts as a missing value; if it is a code like "
                f"the others, say data.null_values = {config_text.toml(rest)}"
            )
    return ([Line("null_values", rest, f"if {NA!r} is a code", active=False)] if said else []), said


def _of_capitals(column: pa.ChunkedArray) -> bool:
    """Whether a column of texts with missing cells has codes of two capitals."""
    if not pa.types.is_string(column.type) or not 0 < column.null_count < len(column):
        return False
    return bool(pc.all(pc.match_substring_regex(column, "^[A-Z]{2}$")).as_py())


def _without(column: pa.ChunkedArray, texts: Sequence[str]) -> pa.ChunkedArray:
    """A column with texts as missing cells."""
    if not pa.types.is_string(column.type):
        return column
    return pc.if_else(pc.is_in(column, value_set=pa.array(texts)), pa.scalar(None, pa.string()), column)


def _plain(table: pa.Table, formats: Formats) -> pa.Table:
    """The table with the numbers of its columns written plainly, whatever else stands among them."""
    for name in formats.columns:
        column = table[name]
        plain = pc.if_else(
            number_parsing.fits(column, formats.numbers), number_parsing.plain(column, formats.numbers), column
        )
        table = table.set_column(table.column_names.index(name), name, plain)
    return table


def _read(formats: Formats) -> str:
    shown = [f"{name} ({example!r})" for name, example in list(formats.columns.items())[:NAMED]]
    more = f" and {len(formats.columns) - NAMED} more" if len(formats.columns) > NAMED else ""
    text = f"numbers are written with {formats.numbers}: {', '.join(shown)}{more}"
    if "%" in formats.numbers.units:
        text += "; 45 % is read as 45"
    if formats.ambiguous:
        name, example = next(iter(formats.ambiguous.items()))
        digits = number_parsing.plain(pa.array([example]), formats.numbers)[0].as_py()
        other = "." if formats.numbers.decimal == "," else ","
        text += (
            f'; {name} may be meant otherwise: {example!r} is read as {digits}, and with csv = {{decimal = "{other}"}} '
            "as another number"
        )
    return text


def _mixed(column: str, examples: str) -> str:
    return (
        f"{column} holds numbers in several formats, or other texts too, and counts as text: {examples}: write them "
        "alike, or set data.csv decimal, thousands and units for the right ones, and data.null_values"
    )
