"""Texts that hold an amount which no reader parses: what they are, and how to write them."""

import re

from curation.facts.column_facts import Column
from curation.facts.number_formats import CODES

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
_MONTHS = "jan|feb|mar|mär|mrz|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez"
_PAIR = rf"{_NUMBER}\s*[,;]\s*{_NUMBER}"
_TWO = rf"{_NUMBER}\s?(?:\u00b1|\+/-|[x\u00d7])\s?{_NUMBER}|\d{{2,3}}/\d{{2,3}}"
_SIGNS = rf"(?:\(|\)|%|[+\-\u2212$\u20ac\u00a3\u00a5]|{'|'.join(map(re.escape, CODES))})?"
_AMOUNT = r"(?:[1-9]\d{0,2}(?:[.,' \u00a0\u202f\u2019]\d{3})+|[1-9]\d*|0)(?:[.,]\d+)?"
_ALONE = "write the numbers alone, all in one unit"
_OWN_COLUMNS = "write each number in a column of its own"
_KINDS = (
    (
        rf"{_SIGNS}\s?{_SIGNS}\s?{_AMOUNT}\s?{_SIGNS}\s?{_SIGNS}",
        "numbers with signs or separators",
        "write them as numbers",
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
    (
        rf"(?i:\d{{4}}-?W\d{{1,2}}|\d{{4}}[-/ ]?Q[1-4]|Q[1-4][-/ ]?\d{{4}}|\d{{4}}[-/](?:0?[1-9]|1[0-2])"
        rf"|(?:0?[1-9]|1[0-2])[-/]\d{{4}}|(?:{_MONTHS}){_LETTER}*\.?[-/ ]\d{{2,4}})",
        "weeks, months or quarters",
        "write the first day of each as YYYY-MM-DD, because a later one would be unknown to the model",
    ),
    (r"\d+\s?/\s?\d+|\d+ out of \d+\b.*|\d+ \d+/\d+", "fractions", "write each as one number, such as 0.75"),
    (r"[+-]?(?=.*[^\x00-\x7f])[\d.,\u066b\u066c]+", "numbers in other digits", "write them with the digits 0 to 9"),
)
_ONE_UNIT = re.compile(rf"{_NUMBER}\s?({_LETTER}{{2,}}.*|[^\x00-\x7f].*)")
_PLAIN = re.compile(_NUMBER)
_COMPILED = [(re.compile(pattern), kind, fix) for pattern, kind, fix in _KINDS]


def hint(column: Column) -> str:
    """Return what the texts of a column are and how to write them; empty if they are none of the known kinds."""
    if column.kind != "BYTES" or column.distinct < LEAST or not column.top:
        return ""
    values = [str(value) for value, _ in column.top]
    formatted = [value for value in values if not _PLAIN.fullmatch(value)]
    if not formatted or max(map(len, values)) > LONGEST:
        return ""
    for pattern, kind, fix in _COMPILED:
        if all(pattern.fullmatch(value) for value in values):
            return f"they are {kind} such as {formatted[0]!r}: {fix}"
    with_unit = [match for value in values if (match := _ONE_UNIT.fullmatch(value))]
    if len(with_unit) == len(values) and len({match[1] for match in with_unit}) == 1:
        return f"they are numbers with units such as {values[0]!r}: {_ALONE}"
    return ""
