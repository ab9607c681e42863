"""Spans: numbered or dated parts of the data, from the paths or from a column of dates."""

import datetime
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.ingestion.rows import row_times
from errors import UserError
from spec.data import Data
from spec.rows import span_names
from spec.rows.data_paths import placeholders

OTHER = "of other spans"
"""Reason recorded for rows of spans that are not selected."""
_DIGITS = {"SPAN": r"\d+", "VERSION": r"\d+", "YYYY": r"\d{4}", "MM": r"\d{2}", "DD": r"\d{2}"}


@dataclass(frozen=True, order=True)
class Span:
    """A part of the data.

    Attributes:
        number: As in TFX: the span's number, or days since 1970-01-01; for a column also weeks or months since 1970.
        shown: The span as text for messages.
    """

    number: int
    shown: str


@dataclass(frozen=True)
class Found:
    """A file that matches the pattern."""

    path: str
    span: Span | None
    version: int | None


def found(pattern: str, paths: Iterable[str]) -> list[Found]:
    """Parse the span and version of each path that matches a pattern.

    Args:
        pattern: Pattern from data.path.
        paths: Paths that match `as_glob(pattern)`.

    Raises:
        UserError: the digits in a path are not a date.
    """
    names = placeholders(pattern)
    if not names:
        return [Found(path, None, None) for path in paths]
    rule = re.compile(_rule(pattern))
    matches = []
    for path in paths:
        match = rule.fullmatch(path)
        if match is None:
            continue
        span = None
        if "SPAN" in names:
            span = Span(int(match["SPAN"]), str(int(match["SPAN"])))
        elif "YYYY" in names:
            parts = [int(match[name]) if name in names else 1 for name in ("YYYY", "MM", "DD")]
            try:
                day = datetime.date(*parts)
            except ValueError as error:
                raise UserError(
                    f"{path}: {'-'.join(map(str, parts))} is not a date, which data.path says it is"
                ) from error
            span = Span(day.toordinal() - span_names.EPOCH, day.isoformat())
        matches.append(Found(path, span, int(match["VERSION"]) if "VERSION" in names else None))
    return matches


def newest_versions(files: Sequence[Found]) -> list[Found]:
    """Return the files with the highest version of each span."""
    highest: dict[Span | None, int] = {}
    for file in files:
        highest[file.span] = max(highest.get(file.span, 0), file.version or 0)
    return [file for file in files if (file.version or 0) == highest[file.span]]


def chosen(spans: Iterable[Span], data: Data) -> list[Span]:
    """Select the spans to read: the last `window` of them, up to `span`.

    Args:
        spans: All spans.
        data: [data]: `window`, and `span` as it is shown or its number; None for the latest.

    Returns:
        The spans, in ascending order.

    Raises:
        UserError: data.span does not exist.
    """
    rising = sorted(set(spans))
    if data.span is not None:
        indices = [index for index, span in enumerate(rising) if str(data.span) in (span.shown, str(span.number))]
        if not indices:
            span_texts = [span.shown for span in rising]
            listed = (
                ", ".join(span_texts)
                if len(span_texts) <= 5
                else f"{span_texts[0]}, {span_texts[1]}, ... {span_texts[-1]}"
            )
            raise UserError(f"data.span is {data.span}, which does not exist. Known spans: {listed}")
        rising = rising[: indices[0] + 1]
    return rising[-(data.window or 1) :]


def numbers(keys: np.ndarray[Any, Any], by: str, column: str) -> np.ndarray[Any, Any]:
    """Return the span of each time.

    Args:
        keys: (rows,) as `times.keys` returns them for dates.
        by: day, week (from Monday) or month.
        column: The column's name, for the message.

    Returns:
        int64 (rows,): days, weeks or months in UTC, counted from 1970.

    Raises:
        UserError: the times are not dates.
    """
    if not row_times.are_instants(keys):
        raise UserError(f"data.spans cuts column {column!r} by {by}: it must hold dates as YYYY-MM-DD, not numbers")
    days = row_times.days(keys)
    if by == "month":
        return np.asarray(days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64))
    return np.asarray(days if by == "day" else (days + span_names.WEEK_START) // 7)


def from_number(number: int, by: str) -> Span:
    """Return a span of a column of dates, shown as 2024-05-01, the Monday of a week, or 2024-05."""
    return Span(number, span_names.shown(number, by))


def sentence(selected: Sequence[Span], version: int | None) -> str:
    """Return a sentence on the selected spans."""
    first, last = selected[0].shown, selected[-1].shown
    text = f"span {last}" if first == last else f"{len(selected)} spans, {first} to {last}"
    return text if version is None else f"{text}, version {version}"


def _rule(pattern: str) -> str:
    """Return the regular expression of the paths that a pattern matches."""
    parts, fields, offset = [], set(), 0
    for token in re.finditer(r"\{(?:SPAN|VERSION|YYYY|MM|DD)\}|\*\*|\*|\?|\[[^\]]+\]", pattern):
        parts.append(re.escape(pattern[offset : token.start()]))
        text, offset = token[0], token.end()
        name = text.strip("{}")
        if text.startswith("{"):
            parts.append(f"(?P={name})" if name in fields else f"(?P<{name}>{_DIGITS[name]})")
            fields.add(name)
        else:
            sets = "[" + re.sub(r"([\\\[^])", r"\\\1", text[1:]) if text.startswith("[") else text
            sets = f"[^{sets[2:]}" if sets.startswith("[!") else sets
            parts.append({"**": ".*", "*": "[^/]*", "?": "[^/]"}.get(text, sets))
    return "".join([*parts, re.escape(pattern[offset:])])
