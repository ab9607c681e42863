"""Rules that clean cells: whitespace, null values, case, number and date formats.

Ingestion applies these rules to Arrow columns (components/ingestion/parsing/casting.py), a served model to tensors
(models/transform_graph/served_cells.py), so that a cell has the same value in training and in serving. Plain Python.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from spec.cells.date_format import DateFormat
from spec.cells.number_format import PLAIN, NumberFormat

WHITESPACE = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680"
    + "".join(map(chr, range(0x2000, 0x200B)))
    + "\u2028\u2029\u202f\u205f\u3000"
)
"""Characters that are stripped around a cell: those of `str.isspace`, including no-break spaces."""
_NUMBERS = ("decimal", "thousands", "units", "plain")
"""Keys of data.csv that say how numbers are written."""
INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True)
class Rules:
    """How the cells of one column are cleaned, in this order.

    Attributes:
        strip: Whether surrounding whitespace is removed.
        null_values: Strings that mean null; one that is a number also means that number in any notation.
        fold_case: Whether text is converted to lower case.
        numbers: Format of numbers in text.
        date: Format of dates, which are converted to YYYY-MM-DD; None for other text, and for dates in that form.
    """

    strip: bool = True
    null_values: tuple[str, ...] = ()
    fold_case: bool = False
    numbers: NumberFormat = PLAIN
    date: DateFormat | None = None

    @property
    def null_numbers(self) -> tuple[float | int, ...]:
        """Numbers that mean null."""
        return tuple(number for text in self.null_values if (number := _number(text)) is not None)

    def null_integers(self) -> tuple[int, ...]:
        """Return the null numbers that are integers in the range of int64."""
        return tuple(int(number) for number in self.null_numbers if number == int(number) and int(number) in INT64)


@dataclass(frozen=True)
class Cleaning:
    """The cleaning rules of all columns, from [data].

    Attributes:
        strip: data.strip_whitespace.
        null_values: data.null_values.
        of_column: data.column_null_values.
        fold_case: data.fold_case.
        numbers: Those of data.csv.
        dates: data.dates.
        plain: Columns whose numbers do not have that format: data.csv.plain.
    """

    strip: bool
    null_values: tuple[str, ...]
    of_column: Mapping[str, tuple[str, ...]]
    fold_case: tuple[str, ...] = ()
    numbers: NumberFormat = PLAIN
    dates: Mapping[str, str] = field(default_factory=dict)
    plain: tuple[str, ...] = ()

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Cleaning":
        """Read the rules from [data].

        Args:
            data: [data] with all its defaults, or the part that `section` returns.
        """
        of_column = {name: tuple(texts) for name, texts in data["column_null_values"].items()}
        csv = data.get("csv", {})
        numbers = NumberFormat(csv["decimal"], csv["thousands"], tuple(csv["units"])) if csv else None
        return cls(
            data["strip_whitespace"],
            tuple(data["null_values"]),
            of_column,
            tuple(data["fold_case"]),
            numbers or PLAIN,
            data["dates"],
            tuple(csv.get("plain", ())),
        )

    def rules(self, column: str) -> Rules:
        """Return the rules of one column."""
        null_values = (*self.null_values, *self.of_column.get(column, ()))
        date = DateFormat(self.dates[column]) if column in self.dates else None
        numbers = PLAIN if column in self.plain else self.numbers
        return Rules(self.strip, null_values, column in self.fold_case, numbers, date)


DOTTED, FINAL = ("\u0130", "i"), ("\u03c2", "\u03c3")
"""Substitutions before and after lower-casing, which differs here between Arrow and ICU."""


def folded(text: str) -> str:
    """Convert text to lower case as rules with `fold_case` do."""
    return text.replace(*DOTTED).lower().replace(*FINAL)


def section(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of [data] that clean a served row, with those of data.csv for numbers in text."""
    keys = ("strip_whitespace", "null_values", "column_null_values", "fold_case", "dates")
    return {key: data[key] for key in keys} | {"csv": {key: data["csv"][key] for key in _NUMBERS}}


def _number(text: str) -> float | int | None:
    """Parse a finite number; None if the text is not one."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
