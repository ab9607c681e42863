"""How numbers are written in a table of texts, and the columns in which they are written in several ways."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from components.ingestion.parsing import number_parsing
from spec.cells.cleaning import Cleaning
from spec.cells.number_format import PARENTHESES, PLAIN, NumberFormat, quoted

ODD = 2
"""Most other texts among numbers: they may stand for a missing value."""
SAMPLE = 20_000
"""Distinct texts of a column that are looked at."""
MIXED_SHARE = 0.8
"""Share of distinct texts that must be numbers of some format for a column to be named."""
WORDS_SHARE = 0.05
"""Largest share of distinct texts of a column of numbers that are none at all."""
EXAMPLES = 3
CODES = (
    *("EUR", "USD", "CHF", "GBP", "JPY", "CNY", "INR", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "BRL", "AUD", "CAD"),
    *("US$", "C$", "A$", "R$", "Rs.", "Rs", "kr", "Fr.", "zł", "Kč", "Ft"),
)
"""Words for currencies, which stand before a number or after it."""
_PAIRS = ((".", ","), (",", ""), (".", " "), (",", "."), (",", " "), (".", "'"), (",", "'"), (".", "_"))
"""Decimal sign and thousands separator, the likeliest first."""
_CURRENCY = r"\p{Sc}|" + "|".join(quoted(code) for code in sorted(CODES, key=len, reverse=True))
_LOOKS = (
    r"^(?P<open>\(?)[+\-\x{2212}]?(?P<before>" + _CURRENCY + r"|%)?\s*[+\-\x{2212}]?"
    r"(?:[.,]?\d|\d[\d.,'_ \x{a0}\x{2000}-\x{200a}\x{202f}\x{2019}]*\d[.,]?)(?:[eE][+-]?\d+)?"
    r"(?P<gap>[\s\x{a0}\x{202f}]*)(?P<after>" + _CURRENCY + r"|%|\pL[\pL\x{b0}/\x{b2}\x{b3}]*|\x{b0}\pL?)?\)?$"
)
"""A number with what may stand around it."""


@dataclass(frozen=True)
class Formats:
    """What was found.

    Attributes:
        numbers: How numbers are written.
        columns: Columns that hold numbers because of it -> an example.
        mixed: Columns whose numbers no one format reads -> places of examples in the table, and their texts.
        ambiguous: Columns whose numbers another decimal sign reads as other numbers -> an example.
    """

    numbers: NumberFormat
    columns: dict[str, str]
    mixed: dict[str, list[tuple[int, str]]]
    ambiguous: dict[str, str]


@dataclass(frozen=True)
class _Column:
    """Distinct texts of one column that look like numbers, not all of them whole ones.

    Attributes:
        name: Its name.
        texts: The texts that look so.
        others: The other texts.
        units: Signs around its numbers.
        one_unit: Whether these mean one unit in all rows.
    """

    name: str
    texts: pa.Array
    others: pa.Array
    units: tuple[str, ...]
    one_unit: bool

    def fits(self, form: NumberFormat) -> pa.Array:
        """Which of the texts are numbers in this format."""
        return number_parsing.fits(self.texts, replace(form, units=self.units))

    def fitted(self, form: NumberFormat) -> bool:
        """Whether all of the texts are."""
        return self.one_unit and len(self.others) <= ODD and _all(self.fits(form))


def detect(table: pa.Table, delimiter: str = ",") -> Formats:
    """Look at a table.

    Args:
        table: Cells as texts, null where one is missing.
        delimiter: What divides the cells of the file: a semicolon suggests a decimal comma.
    """
    columns = list(_columns(table))
    forms = sorted((NumberFormat(*pair) for pair in _PAIRS), key=lambda form: delimiter == ";" and form.decimal == ".")
    fitted = {form: [column for column in columns if column.fitted(form)] for form in forms}
    best = max(forms, key=lambda form: len(fitted[form]))
    rivals = [form for form in forms if form.decimal != best.decimal and len(fitted[form]) == len(fitted[best])]
    columns_read, ambiguous, units = {}, {}, dict[str, None]()
    grouped = False
    for column in fitted[best]:
        own = column.texts.filter(column.fits(best))
        odd = own.filter(pc.invert(number_parsing.fits(own, PLAIN)))
        if not len(odd):
            continue
        columns_read[column.name] = odd[0].as_py()
        units |= dict.fromkeys(column.units)
        form = replace(best, units=column.units)
        grouped |= not _all(number_parsing.fits(own, replace(form, thousands="")))
        if any(_differ(own, form, replace(rival, units=column.units)) for rival in rivals):
            ambiguous[column.name] = columns_read[column.name]
    mixed = {
        column.name: _examples(table[column.name], column, best)
        for column in columns
        if column not in fitted[best] and _mixed(column, forms)
    }
    numbers = replace(best, thousands=best.thousands if grouped else "", units=tuple(units)) if columns_read else PLAIN
    return Formats(numbers, columns_read, mixed, ambiguous)


def as_read(table: pa.Table, cleaning: Cleaning, texts: Sequence[str] = ()) -> pa.Table:
    """Cells of numbers as ingestion reads them: written plainly, and null where a number stands for a missing value.

    Args:
        table: Cells; a column of texts is one of numbers where all of them are.
        cleaning: The rules.
        texts: Columns that are known to hold texts.
    """
    arrays = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        rules = cleaning.rules(name)
        if pa.types.is_string(column.type) and name not in texts and column.null_count < len(column):
            if not rules.numbers.plain and _all(number_parsing.fits(column, rules.numbers)):
                column = number_parsing.plain(column, rules.numbers)
            if rules.null_numbers and _all(number_parsing.fits(column, PLAIN)):
                numbers = pa.array([float(number) for number in rules.null_numbers])
                is_null = pc.is_in(number_parsing.plain(column, PLAIN).cast(pa.float64()), value_set=numbers)
                column = pc.if_else(is_null, pa.scalar(None, pa.string()), column)
        arrays.append(column)
    return pa.table(arrays, names=table.column_names)


def _columns(table: pa.Table) -> Iterator[_Column]:
    for name, column in zip(table.column_names, table.columns, strict=True):
        if not pa.types.is_string(column.type):
            continue
        texts = pc.unique(column.drop_null())[:SAMPLE]
        distinct, looks = len(texts), pc.extract_regex(texts, _LOOKS)
        others = texts.filter(pc.invert(looks.is_valid()))
        texts, looks = texts.filter(looks.is_valid()), looks.drop_null()
        if len(texts) < 2 or len(others) > max(ODD, WORDS_SHARE * distinct):
            continue
        if len(others) <= ODD and _all(pc.match_substring_regex(texts, r"^[+-]?\d+$")):
            continue
        signs = [_group(looks, "before"), _group(looks, "after")]
        own = set(pc.unique(pc.binary_join_element_wise(*signs, "")).to_pylist())
        found = {sign for part in signs for sign in pc.unique(part).to_pylist()} - {""}
        words = {sign for sign in found if sign[0].isalpha() and sign not in CODES}
        if words and not _written(texts) and (len(words) > 1 or not _any(pc.equal(_group(looks, "gap"), " "))):
            # 3rd, 12A and 12B are names; 12 km and 1.5km/h are numbers.
            continue
        one_unit = len(found) <= 1 and ("" not in own or not (words or "%" in found))
        in_parentheses = _any(pc.equal(_group(looks, "open"), "("))
        yield _Column(name, texts, others, (*sorted(found), *([PARENTHESES] if in_parentheses else [])), one_unit)


def _group(looks: pa.StructArray, name: str) -> pa.Array:
    names = [field.name for field in looks.type]
    return pc.fill_null(pc.struct_field(looks, [names.index(name)]), "")


def _written(texts: pa.Array) -> bool:
    """Whether a text has a sign that names rarely have."""
    return _any(pc.match_substring_regex(texts, r"[.,'%]|\p{Sc}"))


def _mixed(column: _Column, forms: Sequence[NumberFormat]) -> bool:
    """Whether most of the texts are numbers, of one format or another."""
    of_a_format = [any(fits) for fits in zip(*(column.fits(form).to_pylist() for form in forms), strict=True)]
    return sum(of_a_format) >= MIXED_SHARE * len(of_a_format) and (len(column.others) > ODD or _written(column.texts))


def _examples(cells: pa.ChunkedArray, column: _Column, form: NumberFormat) -> list[tuple[int, str]]:
    """Texts of each kind, with their places."""
    fits = column.fits(form)
    units: dict[tuple[bool, str], str] = {}
    looks = pc.extract_regex(column.texts, _LOOKS)
    signs = pc.binary_join_element_wise(_group(looks, "before"), _group(looks, "after"), "").to_pylist()
    for text, fit, sign in zip(column.texts.to_pylist(), fits.to_pylist(), signs, strict=True):
        units.setdefault((fit, sign), text)
    chosen = [*list(units.values())[:EXAMPLES], *column.others[:EXAMPLES].to_pylist()]
    return sorted((pc.index(cells, text).as_py(), text) for text in chosen)


def _differ(texts: pa.Array, form: NumberFormat, other: NumberFormat) -> bool:
    """Whether two formats read some texts as other numbers."""
    both = texts.filter(pc.and_(number_parsing.fits(texts, form), number_parsing.fits(texts, other)))
    one, another = (number_parsing.plain(both, each).cast(pa.float64()) for each in (form, other))
    return _any(pc.not_equal(one, another))


def _all(truths: pa.Array) -> bool:
    return bool(pc.all(truths).as_py())


def _any(truths: pa.Array) -> bool:
    return bool(pc.any(truths).as_py())
