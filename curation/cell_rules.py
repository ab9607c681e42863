"""What the cells of a CSV file mean: how numbers are written, and texts that stand for a missing value."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from components.ingestion import csv_places, number_text
from curation import cell_values, dialect, number_formats
from curation.choices import Line
from curation.number_formats import Formats
from pipeline.data import Data

NAMED = 8
"""Columns that are named in a sentence."""


def propose(table: pa.Table, lines: Sequence[Line], path: str, kind: str = "csv") -> tuple[list[Line], list[str]]:
    """Keys of [data] that say what cells mean.

    Args:
        table: Cells, of a CSV file as texts.
        lines: Keys of [data] so far.
        path: The first file.
        kind: The format.

    Returns:
        All keys, and what to say, a sentence each.
    """
    if kind == "parquet":
        values, said = cell_values.propose(table)
        return [*lines, *values], said
    given = {line.key: line.value for line in lines}
    csv = dict(given.get("csv", {}))
    formats = number_formats.detect(table, csv.get("delimiter", ","))
    keys, said = list(lines), []
    if formats.columns:
        said.append(_read(formats))
        written = {"decimal": formats.numbers.decimal, "thousands": formats.numbers.thousands}
        csv |= {key: value for key, value in written.items() if value not in (".", "")}
        csv |= {"units": list(formats.numbers.units)} if formats.numbers.units else {}
        before = next((line.why for line in lines if line.key == "csv"), "")
        why = "; ".join(part for part in (before, said[-1]) if part)
        keys = [*(line for line in lines if line.key != "csv"), Line("csv", csv, why)]
    settings = Data.model_validate({**given, "csv": csv, "path": path}).model_dump(mode="json")
    for column, examples in formats.mixed.items():
        # JSON lines have a row a line.
        rows = [index + 1 + (kind == "csv" and settings["csv"]["header"]) for index, _ in examples]
        places = [csv_places.place(path, settings, row) if kind == "csv" else f"line {row}" for row in rows]
        said.append(_mixed(column, [text for _, text in examples], places))
    tokens = dialect.odd_tokens(_plain(table, formats))
    if tokens:
        blank = [*Data(path="").blank, *tokens]
        keys.append(Line("blank", blank, f"{', '.join(map(repr, tokens))} among numbers means a missing value here"))
        table = _without(table, tokens)
    values, of_values = cell_values.propose(table, formats.numbers)
    return [*keys, *values], said + of_values


def _without(table: pa.Table, tokens: Sequence[str]) -> pa.Table:
    """The table with tokens as missing cells."""
    columns = [
        pc.if_else(pc.is_in(column, value_set=pa.array(tokens)), pa.scalar(None, pa.string()), column)
        for column in table.columns
    ]
    return pa.table(columns, names=table.column_names)


def _plain(table: pa.Table, formats: Formats) -> pa.Table:
    """The table with the numbers of its columns written plainly, whatever else stands among them."""
    for name in formats.columns:
        column = table[name]
        plain = pc.if_else(
            number_text.fits(column, formats.numbers), number_text.plain(column, formats.numbers), column
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
        digits = number_text.plain(pa.array([example]), formats.numbers)[0].as_py()
        other = "." if formats.numbers.decimal == "," else ","
        text += (
            f'; {name} may be meant otherwise: {example!r} is read as {digits}, and with csv = {{decimal = "{other}"}} '
            "as another number"
        )
    return text


def _mixed(column: str, texts: Sequence[str], places: Sequence[str]) -> str:
    shown = ", ".join(f"{text!r} ({place})" for text, place in zip(texts, places, strict=True))
    return (
        f"{column} holds numbers that no one format reads, and counts as text: {shown}: write them alike, or say "
        "data.csv decimal, thousands and units for the right ones, and data.blank for what means missing"
    )
