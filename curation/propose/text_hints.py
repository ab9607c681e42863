"""Texts that hold an amount which no reader parses: what they are, and how to write them."""

import re
from collections.abc import Sequence

from curation.facts.column_facts import Column
from curation.facts.number_formats import CODES
from spec.cells.date_format import MONTHS

LEAST = 5
"""Smallest number of distinct strings that are named: fewer are categories, however they are written."""
LONGEST = 1000
"""Largest number of characters of a string that is compared with the patterns."""
_LETTER = r"[^\W\d_]"
_NUMBER = r"[+-]?(?:\d+(?:[.,]\d+)?|[.,]\d+)(?:[eE][+-]?\d+)?"
_UNIT = (
    r"(?:[kmcdµ]?[gGlLmM]|mm|[KMGT]i?B|kB|bytes?|t|lbs?|oz|ft|in|mi|yd|gal|ha|[kKMG]?W|[kKMG]?Wh|[kM]?Hz|[kM]?bps"
    r"|[kKMB]|bn|Mio\.?|Mrd\.?|Tsd\.?)"
)
_LENGTH = r"\d+(?:[.,]\d+)?\s?(?:days?|d|hours?|hrs?|h|Std\.?|min(?:ute)?s?\.?|m|sec(?:ond)?s?|s|ms)\.?"
_PAIR = rf"{_NUMBER}\s*[,;]\s*{_NUMBER}"
_TWO = rf"{_NUMBER}\s?(?:\u00b1|\+/-|[x\u00d7])\s?{_NUMBER}|\d{{2,3}}/\d{{2,3}}"
_SIGNS = rf"(?:\(|\)|%|[+\-\u2212$\u20ac\u00a3\u00a5]|{'|'.join(map(re.escape, CODES))})?"
_AMOUNT = r"(?:[1-9]\d{0,2}(?:[.,' \u00a0\u202f\u2019]\d{3})+|[1-9]\d*|0)(?:[.,]\d+)?"
_ALONE = "write the numbers alone, all in one unit"
_OWN_COLUMNS = "write each number in a column of its own"
_MARK = r"(CR|DR|DB|C|D|H|S)\.?"
_MARKED = re.compile(rf"(?i:{_MARK}\s?)?[+-]?{_AMOUNT}(?i:\s?{_MARK})?")
_SIDES = {"CR", "DR", "DB"}
"""Marks of credit and debit; amounts without one may stand beside them."""
_LETTERS = ({"C", "D"}, {"H", "S"})
"""Letters that mark them, in English and German: both occur, as one alone may be a unit."""
_MONTHLY = (
    rf"(?i:\d{{4}}-?W\d{{1,2}}(?:-?[1-7])?|\d{{4}}[年년]\s?\d{{1,2}}[月월]"
    rf"|\d{{4}}[-/ ]?Q[1-4]|Q[1-4][-/ ]?\d{{4}}|\d{{4}}(?:[-/]|,\s?)(?:0?[1-9]|1[0-2])"
    rf"|(?:0?[1-9]|1[0-2])(?:[-/]|,\s?)(?:19|20)\d\d|(?:{'|'.join(MONTHS)}){_LETTER}*\.?[-/ ]\d{{2,4}})",
    "weeks, months or quarters",
    "write the first day of each as YYYY-MM-DD, because a later one would be unknown to the model",
)
_IMAGE = re.compile(r"(?i:.+\.(?:png|jpe?g|jfif|gif|webp|avif|bmp|tiff?|heic))")
_KINDS = (
    (
        r"(?:\d{1,2}\s*,\s*\d{1,2}\s*,\s*(?:19|20)\d\d|(?:19|20)\d\d\s*,\s*\d{1,2}\s*,\s*\d{1,2})(?:[\sT,].*)?",
        "dates with commas",
        "write them as YYYY-MM-DD",
    ),
    (
        rf"{_SIGNS}\s?{_SIGNS}\s?{_AMOUNT}\s?{_SIGNS}\s?{_SIGNS}",
        "numbers with signs or separators",
        "write them as numbers",
    ),
    _MONTHLY,
    (
        rf"(?:{_LETTER}{{2,4}} )?(?i:{'|'.join(MONTHS)}){_LETTER}*\.? \d{{1,2}} \d\d:\d\d\S* (?:\S+ )?(?:19|20)\d\d",
        "dates that end in the year",
        "write them as YYYY-MM-DD hh:mm:ss",
    ),
    (
        r"(?:明治|大正|昭和|平成|令和)\s?(?:\d{1,2}|元)年.*",
        "dates that count years of an era",
        "write them as YYYY-MM-DD, with the year 2024 for 令和6年",
    ),
    (
        rf"\d{{1,2}}\.?\s+{_LETTER}{{3,}}\.?\s+(?:19|20)\d\d(?:\s?{_LETTER}\.)?",
        "dates with names of months that are not known",
        "write them as YYYY-MM-DD",
    ),
    (r"\d{4}[年년].+[日일].+", "dates with texts behind them", "write them as YYYY-MM-DD hh:mm"),
    (
        r"(?:0?[1-9]|[12]\d|3[01])[.](?:0?[1-9]|1[0-2])[.]",
        "dates without a year",
        "write them as YYYY-MM-DD",
    ),
    (
        r"(?:19|20)\d\d-(?:[0-2]\d\d|3[0-6]\d)",
        "years with a number of three digits",
        "if it is the day of the year, write dates as YYYY-MM-DD",
    ),
    (
        r"\d{1,3}:[0-5]\d(:[0-5]\d(\.\d+)?)?(\s?[AaPp]\.?[Mm]\.?)?",
        "times",
        "write them in the data as numbers of hours, such as 9.25 for 9:15, or with their date, as YYYY-MM-DD hh:mm",
    ),
    (
        rf"-?P(?=[\dT])(?:\d+[YMWD])*(?:T(?:[\d.]+[HMS])+)?|(?:{_LENGTH}[\s,]*)+",
        "durations",
        "write each as one number, such as 1.5 for 1 h 30 min",
    ),
    (
        rf"(?i:POINT\s*)?\(\s*(?:{_PAIR}|{_NUMBER}\s+{_NUMBER})\s*\)|{_PAIR}|{_TWO}",
        "two numbers in a cell",
        _OWN_COLUMNS,
    ),
    (
        rf"[\[({{]\s*{_NUMBER}(?:\s*[,; ]\s*{_NUMBER})*\s*[\])}}]",
        "lists of numbers",
        f"{_OWN_COLUMNS}, or the rows as JSON lines or Parquet, whose lists data.vectors reads",
    ),
    (r"(?s)\{.*:.*\}", "objects", "write each of their values in a column of its own"),
    (r"""\d{1,3}\s?[°º].*""", "degrees", "write them as decimal numbers, such as 52.52"),
    (
        r"""\d{1,2}\s?(?:'|\u2032|ft)\s?(?:\d{1,2}(?:[.,]\d+)?)?\s?(?:"|''|\u2033|in)?""",
        "feet and inches",
        "write one number, in one unit",
    ),
    (rf"{_NUMBER}\s?{_UNIT}", "numbers with units", _ALONE),
    (r"=\"[^\"]*\"", "formulas of Excel", 'write the text alone, as 01067 for ="01067"'),
    (rf"'{_NUMBER}'?", "numbers behind an apostrophe", "write them without it"),
    (r"0[xX][\dA-Fa-f]+", "hexadecimal numbers", "if they are amounts, write them as decimal numbers"),
    (r"\d+\s?/\s?\d+|\d+ out of \d+\b.*|\d+ \d+/\d+", "fractions", "write each as one number, such as 0.75"),
    (r"[+-]?(?=.*[^\x00-\x7f])[\d.,\u066b\u066c]+", "numbers in other digits", "write them with the digits 0 to 9"),
)
_ONE_UNIT = re.compile(rf"{_NUMBER}\s?({_LETTER}{{2,}}.*|[^\x00-\x7f].*)")
_PLAIN = re.compile(_NUMBER)
_COMPILED = [(re.compile(pattern), kind, fix) for pattern, kind, fix in _KINDS]


def image_names(column: Column) -> str:
    """Return that the cells of a column are names of image files, and how images are read; empty if they are none."""
    values = [str(value) for value, _ in column.top or ()]
    if column.kind != "BYTES" or column.distinct < LEAST or not values or not all(map(_IMAGE.fullmatch, values)):
        return ""
    return (
        f"names of image files such as {values[0]!r}, and images are read from folders: put them into a folder for "
        "each class, as IMAGES/CLASS/FILE, and name IMAGES as the data"
    )


def hint(column: Column) -> str:
    """Return what the texts of a column are and how to write them; empty if they are none of the known kinds."""
    if column.kind != "BYTES" or column.distinct < LEAST or not column.top:
        return ""
    values = [str(value) for value, _ in column.top]
    formatted = [value for value in values if not _PLAIN.fullmatch(value)]
    if not formatted or max(map(len, values)) > LONGEST:
        return ""
    if sides := debits(values):
        return sides
    for pattern, kind, fix in _COMPILED:
        if all(pattern.fullmatch(value) for value in values):
            return f"they are {kind} such as {formatted[0]!r}: {fix}"
    with_unit = [match for value in values if (match := _ONE_UNIT.fullmatch(value))]
    if len(with_unit) == len(values) and len({match[1] for match in with_unit}) == 1:
        return f"they are numbers with units such as {values[0]!r}: {_ALONE}"
    return ""


def debits(values: Sequence[str]) -> str:
    """Return how to write amounts that are marked as credit or debit, such as 12.50 DR; empty if they are others."""
    matches = [_MARKED.fullmatch(value) for value in values]
    if not matches or any(match is None or (match[1] and match[2]) for match in matches):
        return ""
    marks = {(match[1] or match[2] or "").upper() for match in matches if match}
    if marks not in _LETTERS and not (marks - {""} and marks - {""} <= _SIDES):
        return ""
    one, *_ = (value for value, match in zip(values, matches, strict=True) if match and (match[1] or match[2]))
    return (
        f"they are amounts of credit and debit such as {one!r}: write those of one side as negative numbers, because "
        "data.csv.units would remove the mark, and the sign with it"
    )
