"""The gates on what cells hold: one category in several spellings, numbers that stand for a missing value."""

from collections.abc import Iterator
from typing import Any

from components.data_checks import sentinels
from components.validation.gate_context import TRAIN, Today
from components.validation.gate_findings import Finding, share, toml_key
from components.validation.gates.schema_gate import by_column

EMPTY = 0.002
"""Share of the rows of a bucket of a histogram that counts as empty."""


def spellings(today: Today) -> Iterator[Finding]:
    """Categories of the train split that differ by case alone."""
    figures = by_column(today.statistics[TRAIN]) if TRAIN in today.statistics else {}
    label = today.settings["label"]["column"]
    for column in dict.fromkeys([*today.settings["columns"]["categories"], *([label] if label else [])]):
        if column not in figures or not figures[column].HasField("string_stats"):
            continue
        buckets = figures[column].string_stats.rank_histogram.buckets
        counts = {bucket.label: bucket.sample_count for bucket in buckets}
        groups = sentinels.spellings(counts)
        if not groups or not sentinels.one_word(groups):
            continue
        yield Finding(
            "spellings",
            column,
            0,
            len(groups),
            today.action("spellings"),
            f"values that differ by case alone count as different ones: {sentinels.shown(groups, counts)}; "
            f"{toml_key(column)!r} in data.fold_case makes one of each",
            edit='gates.spellings = "off" in the config',
            splits=[TRAIN],
        )


def stand_ins(today: Today) -> Iterator[Finding]:
    """Numbers of the train split that surely stand for a missing value."""
    figures = by_column(today.statistics[TRAIN]) if TRAIN in today.statistics else {}
    for column in today.settings["columns"]["used"]:
        if column not in figures or not figures[column].HasField("num_stats"):
            continue
        for number, rows, every in _far_out(figures[column].num_stats):
            yield Finding(
                "sentinels",
                column,
                sentinels.MOST_FREQUENT,
                rows / every,
                today.action("sentinels"),
                f"{number:g} in {rows:,} of {every:,} cells ({share(rows, every)}), far from all other numbers, "
                f"seems to stand for a missing value: data.column_null_values = {{{toml_key(column)} = [{number:g}]}} "
                "says so",
                edit='gates.sentinels = "off" in the config',
                splits=[TRAIN],
            )


def _far_out(measured: Any) -> Iterator[tuple[float, int, int]]:
    """Least and greatest numbers that stand out, their rows, and all rows; by the histogram of equal widths."""
    histogram = next((one for one in measured.histograms if one.type == one.STANDARD), None)
    buckets = list(histogram.buckets) if histogram is not None else []
    every = round(sum(one.sample_count for one in buckets))
    # TFDV spreads a row or two over buckets that are empty.
    filled = [one for one in buckets if one.sample_count > max(1.0, EMPTY * every)]
    if len(filled) < 2:
        return
    for number, end, low, high in (
        (measured.min, filled[0], filled[1].low_value, measured.max),
        (measured.max, filled[-1], measured.min, filled[-2].high_value),
    ):
        rows = end.sample_count if end in (buckets[0], buckets[-1]) else 0
        if sentinels.stands_out(number, rows / every, low, high):
            yield number, round(rows), every
