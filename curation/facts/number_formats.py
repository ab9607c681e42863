"""Detection of number formats in a table of strings, and of columns that mix several formats."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from components.ingestion.parsing import number_parsing
from curation.facts import column_facts
from models.data import arrow
from spec.cells.cleaning import Cleaning
from spec.cells.number_format import MINUS, PARENTHESES, PLAIN, TRAILING_MINUS, NumberFormat, quoted

ODD = 2
"""Maximum number of distinct strings among numbers that are not numbers: possible null tokens."""
SAMPLE = 20_000
"""Number of distinct strings of a column that are checked."""
MIXED_SHARE = 0.8
"""Share of distinct strings that must be numbers of any format for a column to be reported as mixed."""
WORDS_SHARE = 0.05
"""Maximum share of distinct strings in a column of numbers that are not numbers in any format."""
EXAMPLES = 3
CODES = (
    *("EUR", "USD", "CHF", "GBP", "JPY", "CNY", "INR", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "BRL", "AUD", "CAD"),
    *("US$", "C$", "A$", "R$", "Rs.", "Rs", "kr", "Fr.", "zł", "Kč", "Ft"),
    *(".\u2013", ".-", ".--", ",\u2013", ",-", ",--", "\\"),
)
"""Codes and abbreviations of currencies, before or after a number; dashes in place of cents, such as 12.- and 12,--. In
Japanese encodings a backslash is the sign of the yen."""
_PAIRS = ((".", ","), (",", ""), (".", " "), (",", "."), (",", " "), (".", "'"), (",", "'"), (".", "_"))
"""Decimal sign and thousands separator, most likely first."""
_CURRENCY = r"\p{Sc}|" + "|".join(quoted(code) for code in sorted(CODES, key=len, reverse=True))
_INTEGER = r"^[+-]?\d+$"
_LOOKS = (
    r"^(?P<open>\(?)[+\-\x{2212}]?(?P<before>" + _CURRENCY + r"|%)?\s*[+\-\x{2212}]?"
    r"(?:[.,]?\d|\d[\d.,'_ \x{a0}\x{2000}-\x{200a}\x{202f}\x{2019}]*\d[.,]??)(?:[eE][+-]?\d+)?(?P<behind>[+\-]?)"
    r"(?P<gap>[\s\x{a0}\x{202f}]*)(?P<after>" + _CURRENCY + r"|%|\pL[\pL\x{b0}/\x{b2}\x{b3}]*|\x{b0}\pL?)?\)?$"
)
"""A number with optional sign, currency, percent sign or unit; a sign may follow it."""


@dataclass(frozen=True)
class Formats:
    """Number formats of a table.

    Attributes:
        numbers: The number format of the table.
        columns: Column whose strings are numbers in this format -> an example.
        mixed: Column whose numbers do not share a format -> row indices and strings of examples.
        ambiguous: Column whose numbers have other values with another decimal sign -> an example.
        plain: Column whose numbers are in the default format, but not in that of the table -> an example.
        either: Column whose points may be decimal signs or separate thousands -> an example.
    """

    numbers: NumberFormat
    columns: dict[str, str]
    mixed: dict[str, list[tuple[int, str]]]
    ambiguous: dict[str, str]
    plain: dict[str, str] = field(default_factory=dict)
    either: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Column:
    """Distinct strings of one column that look like numbers, not all of them integers.

    Attributes:
        name: Name of the column.
        texts: The strings that look like numbers.
        others: The other strings.
        units: Units, currencies and parentheses around its numbers.
        one_unit: Whether all rows have the same unit.
        grouped: Whether points separate thousands: 934 has none, and decimals keep no zeros as in 7.270 beside it.
    """

    name: str
    texts: pa.Array
    others: pa.Array
    units: tuple[str, ...]
    one_unit: bool
    grouped: bool

    @property
    def example(self) -> str:
        """One of the strings that look like numbers."""
        return str(self.texts[0].as_py())

    def fits(self, form: NumberFormat) -> pa.Array:
        """Return which of the strings are numbers in this format, bool (n,)."""
        return number_parsing.fits(self.texts, replace(form, units=self.units))

    def plain(self) -> bool:
        """Return whether the strings are numbers in the default format, except at most ODD others."""
        return len(self.others) <= ODD and not self.grouped and _all(number_parsing.fits(self.texts, PLAIN))

    def fitted(self, form: NumberFormat) -> bool:
        """Return whether the column can be read in this format: all strings fit, except at most ODD others."""
        is_read = self.one_unit and len(self.others) <= ODD and _all(self.fits(form))
        return is_read and (form.thousands == "." or not self.grouped)


def detect(table: pa.Table, delimiter: str = ",") -> Formats:
    """Detect the number format of a table.

    Args:
        table: Cells as strings.
        delimiter: Delimiter of the file: a semicolon suggests a decimal comma.
    """
    columns = list(_columns(table))
    forms = sorted(
        (NumberFormat(*separators) for separators in _PAIRS), key=lambda form: delimiter == ";" and form.decimal == "."
    )
    fitted = {form: [column for column in columns if column.fitted(form)] for form in forms}
    # Columns in the default format decide last: they can be read beside any other.
    weights = {form: (sum(not column.plain() for column in fitted[form]), len(fitted[form])) for form in forms}
    best = max(forms, key=lambda form: weights[form])
    rivals = [form for form in forms if form.decimal != best.decimal and weights[form] == weights[best]]
    columns_read, ambiguous, units = {}, {}, dict[str, None]()
    grouped = False
    for column in fitted[best]:
        fitting = column.texts.filter(column.fits(best))
        formatted = fitting.filter(pc.invert(number_parsing.fits(fitting, PLAIN)))
        if column.grouped:
            formatted = fitting.filter(pc.match_substring(fitting, "."))
        if not len(formatted):
            continue
        columns_read[column.name] = formatted[0].as_py()
        units |= dict.fromkeys(column.units)
        form = replace(best, units=column.units)
        grouped |= not _all(number_parsing.fits(fitting, replace(form, thousands="")))
        if any(_differ(fitting, form, replace(rival, units=column.units)) for rival in rivals):
            ambiguous[column.name] = columns_read[column.name]
    numbers = replace(best, thousands=best.thousands if grouped else "", units=tuple(units)) if columns_read else PLAIN
    without = replace(numbers, units=tuple(unit for unit in numbers.units if unit != MINUS))
    numbers = numbers if without.plain else without
    unformatted = [column for column in columns if column.name not in columns_read]
    plain = {column.name: column.example for column in unformatted if column.plain() and not _all(column.fits(numbers))}
    mixed = {
        column.name: _examples(table[column.name], column, best)
        for column in unformatted
        if column not in fitted[best] and column.name not in plain and not column.grouped and _mixed(column, forms)
    }
    rival = NumberFormat(",", ".") if numbers.plain and delimiter == ";" else PLAIN
    either = {
        column.name: column.example
        for column in unformatted
        if column.grouped
        or (
            column.plain()
            and _all(column.fits(numbers))
            and _all(column.fits(rival))
            and _differ(column.texts, numbers, rival)
        )
    }
    return Formats(numbers, columns_read, mixed, ambiguous, plain, either)


def as_read(table: pa.Table, cleaning: Cleaning, texts: Sequence[str] = ()) -> tuple[pa.Table, list[str]]:
    """Rewrite numbers as ingestion reads them: in plain format, with null for null tokens.

    Args:
        table: Cells; a column of strings counts as numbers if all of them are numbers.
        cleaning: Rules of the columns.
        texts: Columns that are known to be text.

    Returns:
        The table, and the columns of plain numbers that are text because they do not have the format of data.csv.
    """
    arrays, not_numbers = [], []
    for name, column in zip(table.column_names, table.columns, strict=True):
        rules = cleaning.rules(name)
        if pa.types.is_string(column.type) and name not in texts and column.null_count < len(column):
            if not rules.numbers.plain:
                if _all(number_parsing.fits(column, rules.numbers)):
                    is_formatted = not _all(number_parsing.fits(column, PLAIN))
                    column = number_parsing.plain(column, rules.numbers)
                    if is_formatted:
                        # 02134 is a code, and 000047.35- an amount of a fixed width.
                        column = pc.replace_substring_regex(column, r"^([+-]?)0+(\d)", r"\1\2")
                elif column_facts.settle(column)[0] != "BYTES":
                    not_numbers.append(name)
            if rules.null_numbers and _all(number_parsing.fits(column, PLAIN)):
                numbers = pa.array([float(number) for number in rules.null_numbers])
                is_null = pc.is_in(number_parsing.plain(column, PLAIN).cast(pa.float64()), value_set=numbers)
                column = arrow.if_else(is_null, pa.scalar(None, pa.string()), column)
        arrays.append(column)
    return pa.table(arrays, names=table.column_names), not_numbers


def _columns(table: pa.Table) -> Iterator[_Column]:
    for name, column in zip(table.column_names, table.columns, strict=True):
        if not pa.types.is_string(column.type):
            continue
        texts = pc.unique(column.drop_null())[:SAMPLE]
        # RE2 compiles _LOOKS in each call, which takes 10 ms.
        if not _any(pc.match_substring_regex(texts, r"\d")) or _all(pc.match_substring_regex(texts, _INTEGER)):
            continue
        distinct, looks = len(texts), pc.extract_regex(texts, _LOOKS)
        not_numbers = texts.filter(pc.invert(looks.is_valid()))
        texts, looks = texts.filter(looks.is_valid()), looks.drop_null()
        if len(texts) < 2 or len(not_numbers) > max(ODD, WORDS_SHARE * distinct):
            continue
        if len(not_numbers) <= ODD and _all(pc.match_substring_regex(texts, _INTEGER)):
            continue
        signs = [_group(looks, "before"), _group(looks, "after")]
        unit_sets = set(pc.unique(pc.binary_join_element_wise(*signs, "")).to_pylist())
        separators = {sign for part in signs for sign in pc.unique(part).to_pylist()} - {""}
        words = {sign for sign in separators if sign[0].isalpha() and sign not in CODES}
        if words and not _written(texts) and (len(words) > 1 or not _any(pc.equal(_group(looks, "gap"), " "))):
            # 3rd, 12A and 12B are text; 12 km and 1.5km/h are numbers.
            continue
        if words and _any(pc.match_substring_regex(texts, r"\d[.]\pL")):
            # 007.png is the name of a file.
            continue
        one_unit = len(separators) <= 1 and ("" not in unit_sets or not (words or "%" in separators))
        in_parentheses = _any(pc.equal(_group(looks, "open"), "("))
        with_minus = _any(pc.match_substring(texts, MINUS))
        # 4+ is a number beside 4-, and means 4 or more elsewhere.
        trailing = _any(pc.equal(_group(looks, "behind"), TRAILING_MINUS))
        signs_found = ((PARENTHESES, in_parentheses), (TRAILING_MINUS, trailing), (MINUS, with_minus))
        further = [sign for sign, occurs in signs_found if occurs]
        yield _Column(name, texts, not_numbers, (*sorted(separators), *further), one_unit, _grouped(texts))


def _grouped(texts: pa.Array) -> bool:
    pointed = texts.filter(pc.match_substring(texts, "."))
    some = 0 < len(pointed) < len(texts) and _any(pc.match_substring_regex(pointed, "0$"))
    return some and _all(pc.match_substring_regex(texts, r"^[+-]?(?:0|[1-9]\d{0,2}(?:[.]\d{3})*)$"))


def _group(looks: pa.StructArray, name: str) -> pa.Array:
    names = [field.name for field in looks.type]
    return pc.fill_null(pc.struct_field(looks, [names.index(name)]), "")


def _written(texts: pa.Array) -> bool:
    """Return whether a string has a character that is typical of numbers and rare in names."""
    return _any(pc.match_substring_regex(texts, r"[.,'%]|\p{Sc}"))


def _mixed(column: _Column, forms: Sequence[NumberFormat]) -> bool:
    """Return whether most of the strings are numbers of any format."""
    of_a_format = [any(fits) for fits in zip(*(column.fits(form).to_pylist() for form in forms), strict=True)]
    several = len(column.others) > ODD or not column.one_unit or _written(column.texts)
    return several and sum(of_a_format) >= MIXED_SHARE * len(of_a_format)


def _examples(cells: pa.ChunkedArray, column: _Column, form: NumberFormat) -> list[tuple[int, str]]:
    """Return the row index and string of an example of each unit, and of strings that are not numbers."""
    fits = column.fits(form)
    units: dict[tuple[bool, str], str] = {}
    looks = pc.extract_regex(column.texts, _LOOKS)
    signs = pc.binary_join_element_wise(_group(looks, "before"), _group(looks, "after"), "").to_pylist()
    for text, fit, sign in zip(column.texts.to_pylist(), fits.to_pylist(), signs, strict=True):
        units.setdefault((fit, sign), text)
    chosen = [*list(units.values())[:EXAMPLES], *column.others[:EXAMPLES].to_pylist()]
    return sorted((pc.index(cells, text).as_py(), text) for text in chosen)


def _differ(texts: pa.Array, form: NumberFormat, rival: NumberFormat) -> bool:
    """Return whether two formats parse a string to different numbers."""
    shared_texts = texts.filter(pc.and_(number_parsing.fits(texts, form), number_parsing.fits(texts, rival)))
    numbers, rival_numbers = (
        number_parsing.plain(shared_texts, candidate).cast(pa.float64()) for candidate in (form, rival)
    )
    return _any(pc.not_equal(numbers, rival_numbers))


def _all(truths: pa.Array) -> bool:
    return bool(pc.all(truths).as_py())


def _any(truths: pa.Array) -> bool:
    return bool(pc.any(truths).as_py())
