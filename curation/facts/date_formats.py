"""Detection of date formats other than YYYY-MM-DD in a table."""

import functools
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from components.ingestion.parsing import date_parsing, number_parsing
from curation.propose.name_hints import DATE_WORDS, TIME_WORDS, has
from spec.cells.date_format import CLOCK, EPOCHS, EXCEL, EXCEL_1970, ISO, DateFormat
from spec.cells.number_format import PLAIN

FORMATS = (
    *("YYYY-MM-DD", "YYYY/MM/DD", "YYYY.MM.DD", "DD.MM.YYYY", "DD.MM.YY", "DD/MM/YYYY", "MM/DD/YYYY", "DD-MM-YYYY"),
    *("MM-DD-YYYY", "DD/MM/YY", "MM/DD/YY", "MON DD, YYYY", "MON DD YYYY", "DD MON YYYY", "DD MON, YYYY"),
    *("DD. MON YYYY", "DD-MON-YYYY", "DD-MON-YY", "DD/MON/YYYY", "YYYY-MON-DD", "YYYYMMDD"),
    *("YYYY,MM,DD", "DD,MM,YYYY", "MM,DD,YYYY", "DDMONYYYY", "YYYY年MM月DD日", "YYYY년 MM월 DD일"),
)
"""Candidate formats."""
ODD = 2
"""Maximum number of distinct strings among dates that are not dates: null tokens."""
SAMPLE = 20_000
"""Number of distinct strings that are checked."""
MIN_NUMBERS = 5
"""Minimum number of distinct numbers, all of them dates, for YYYYMMDD."""
MIXED_SHARE = 0.8
"""Share of distinct strings that must be dates of any format for a column to be reported as mixed."""
EXAMPLES = 3
FIRST = 20
"""Number of the first strings, one of which must be a date."""
SPREAD = 200
"""Number of strings, spread over all, of which half must be dates for a column to be reported as mixed."""
MAX_TOKEN_LENGTH = 12
"""Maximum number of characters of a null token among dates."""
DECREASES = 0.01
"""Allowed share of decreases in rows sorted by date."""
_CLOCK = rf"^$|^\d{{1,2}}:?\d{{2}}|^{CLOCK}"
_CLOCK_WITHOUT_COLON = rf"[T\s]{CLOCK}"
_SECONDS = (946_684_800, 2_145_916_800)
"""Plausible seconds since 1970: from 2000 to 2037."""


@dataclass
class Dates:
    """Date formats of a table.

    Attributes:
        formats: Column -> its format, if that is not YYYY-MM-DD.
        examples: Column -> a date in that format.
        odd: Column -> strings among its dates that are not dates.
        ambiguous: Column -> its possible formats, if there are several.
        mixed: Column -> row indices of dates in different formats, and their strings.
    """

    formats: dict[str, str] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    odd: dict[str, list[str]] = field(default_factory=dict)
    ambiguous: dict[str, list[str]] = field(default_factory=dict)
    mixed: dict[str, list[tuple[int, str]]] = field(default_factory=dict)


def detect(table: pa.Table) -> Dates:
    """Detect the date formats of a table.

    Args:
        table: Columns of strings or numbers.
    """
    dates = Dates()
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_integer(column.type):
            column = column.cast(pa.string())
        if not pa.types.is_string(column.type):
            continue
        texts = pc.unique(column.drop_null())[:SAMPLE]
        if len(texts) < 2:
            continue
        candidates = list(_fitting(name, texts))
        if not candidates:
            mixed = _mixed(texts)
            if mixed:
                dates.mixed[name] = sorted((pc.index(column, text).as_py(), text) for text in mixed)
            continue
        if len(candidates) > 1:
            candidates = [form for form in candidates if _rises(column, form)] or candidates
        fits = date_parsing.fits(texts, DateFormat(candidates[0]))
        odd = texts.filter(pc.invert(fits)).to_pylist()
        if odd:
            dates.odd[name] = odd
        dates.examples[name] = texts.filter(fits)[0].as_py()
        if len(candidates) > 1:
            dates.ambiguous[name] = candidates
        elif candidates != ["YYYY-MM-DD"] or not _as_ingested(texts.filter(fits)):
            dates.formats[name] = candidates[0]
    return dates


def written(table: pa.Table, dates: Dates) -> pa.Table:
    """Convert the dates of a table to YYYY-MM-DD."""
    for name, text in dates.formats.items():
        column = date_parsing.iso(table[name].cast(pa.string()).combine_chunks(), DateFormat(text))
        table = table.set_column(table.column_names.index(name), name, column)
    return table


def _fitting(name: str, texts: pa.Array) -> Iterator[str]:
    """Yield the formats that all strings match, except at most ODD of them."""
    numbers = _all(pc.match_substring_regex(texts, r"^[+-]?\d+(\.\d*)?$"))
    if numbers:
        if (
            len(texts) >= MIN_NUMBERS
            and _are_dates(texts, "YYYYMMDD", 0)
            and _all(pc.match_substring_regex(texts, r"^(19|20)"))
        ):
            yield "YYYYMMDD"
        ranges = {text: (_SECONDS[0] * factor, _SECONDS[1] * factor) for text, factor in EPOCHS.items()}
        if has(name, DATE_WORDS):
            ranges[EXCEL] = (_SECONDS[0] // 86_400 + EXCEL_1970, _SECONDS[1] // 86_400 + EXCEL_1970)
        for text, (low, high) in ranges.items() if has(name, TIME_WORDS) else ():
            values = number_parsing.plain(texts, PLAIN).cast(pa.float64())
            if len(texts) >= MIN_NUMBERS and low <= pc.min(values).as_py() <= pc.max(values).as_py() <= high:
                yield text
        return
    if not _any(pc.match_substring_regex(texts[:FIRST], r"\d")):
        return
    for text in FORMATS:
        if _are_dates(texts, text, ODD):
            yield text


def _are_dates(texts: pa.Array, text: str, odd: int) -> bool:
    """Return whether all strings except at most `odd` are dates in a format, optionally with a time of day."""
    form = DateFormat(text)
    if not any(map(_superset(text).match, texts[:FIRST].to_pylist())):
        return False
    fits = pc.match_substring_regex(texts, form.pattern)
    fitting = texts.filter(fits)
    if len(fitting) < max(2, len(texts) - odd) or (len(fitting) < len(texts) and len(fitting) < MIN_NUMBERS):
        return False
    times_of_day = pc.replace_substring_regex(fitting, form.pattern, r"\4")
    no_dates = texts.filter(pc.invert(fits))
    short = not len(no_dates) or pc.max(pc.utf8_length(no_dates)).as_py() <= MAX_TOKEN_LENGTH
    return short and _all(pc.match_substring_regex(times_of_day, _CLOCK))


@functools.cache
def _superset(text: str) -> re.Pattern[str]:
    """Compile a pattern for Python that matches each date of a format, and perhaps other strings.

    It is compiled once. RE2 compiles a pattern in each call, which takes 10 ms, and most columns hold no dates.
    """
    pattern = DateFormat(text).pattern.replace(r"\pL", r"[^\W\d_]")
    return re.compile(re.sub(r"\\x\{([0-9a-f]+)\}", lambda code: re.escape(chr(int(code[1], 16))), pattern))


def _mixed(texts: pa.Array) -> list[str]:
    """Return examples in different formats if most strings are dates of some format; else an empty list.

    A single one stands for dates of one format with another text behind them, which is no time of day.
    """
    if not _any(pc.match_substring_regex(texts[:FIRST], r"^(\d+[./-]\d+[./-]\d+|\d{4}[年년]|.*\pL{3}.*\d{2})")):
        return []
    spread: Sequence[str] = texts.take(pa.array(range(0, len(texts), -(-len(texts) // SPREAD)))).to_pylist()
    dates = sum(any(_superset(form).match(text) for form in FORMATS) for text in spread)
    if 2 * dates < len(spread):
        return []
    fitting = {text: pc.match_substring_regex(texts, DateFormat(text).pattern) for text in FORMATS}
    either = [any(fits) for fits in zip(*(fits.to_pylist() for fits in fitting.values()), strict=True)]
    if sum(either) < max(MIN_NUMBERS, MIXED_SHARE * len(either)):
        return []
    if any(_all(fits) for fits in fitting.values()):
        return [texts[0].as_py()]
    examples = dict.fromkeys(texts.filter(fits)[0].as_py() for fits in fitting.values() if _any(fits))
    no_date = texts.filter(pa.array([not fits for fits in either]))
    return [*list(examples)[:EXAMPLES], *([no_date[0].as_py()] if len(no_date) else [])]


def _rises(column: pa.ChunkedArray, text: str) -> bool:
    """Return whether the rows are sorted by date if the column has this format."""
    days = date_parsing.iso(column.drop_null().combine_chunks(), DateFormat(text)).to_pylist()
    decreases = sum(later[:10] < earlier[:10] for earlier, later in itertools.pairwise(days))
    return bool(decreases <= len(days) * DECREASES)


def _as_ingested(texts: pa.Array) -> bool:
    """Return whether dates are read without a format."""
    is_iso = _all(pc.match_substring_regex(texts, ISO))
    return is_iso and not _any(pc.match_substring_regex(texts, _CLOCK_WITHOUT_COLON))


def _all(truths: pa.Array) -> bool:
    return bool(pc.all(truths).as_py())


def _any(truths: pa.Array) -> bool:
    return bool(pc.any(truths).as_py())
