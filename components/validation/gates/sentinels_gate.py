"""Gate on numbers such as -999 that stand for null."""

from collections.abc import Iterator
from typing import Any

from components.data_checks import sentinels
from components.validation.gate_context import TRAIN, GateContext
from components.validation.gate_findings import Finding, percent, toml_key
from spec.gates import GateSettings

EMPTY_SHARE = 0.002
"""A bucket of a histogram with at most this share of the rows counts as empty."""


class Settings(GateSettings):
    """Numbers such as -999 that are frequent in the train split and far from all other values."""


def judge(context: GateContext, settings: Settings) -> Iterator[Finding]:
    """Find numbers that are frequent, far from all others, and written like a placeholder."""
    figures = context.figures(TRAIN)
    for column in context.columns.used:
        if column not in figures or not figures[column].HasField("num_stats"):
            continue
        for number, rows, total in _outliers(figures[column].num_stats):
            yield Finding(
                column,
                sentinels.MIN_SHARE,
                rows / total,
                f"{number:g} in {rows:,} of {total:,} rows ({percent(rows, total)}) is far from all other numbers and "
                f"probably stands for null: data.column_null_values = {{{toml_key(column)} = [{number:g}]}} reads it "
                "as null",
                edit='gates.sentinels = "off" in the config',
                splits=[TRAIN],
            )


def _outliers(figures: Any) -> Iterator[tuple[float, int, int]]:
    """Yield smallest and largest number if it is a sentinel, with its rows and all rows.

    Args:
        figures: NumericStatistics with a histogram of equal widths.
    """
    histogram = next((candidate for candidate in figures.histograms if candidate.type == candidate.STANDARD), None)
    buckets = list(histogram.buckets) if histogram is not None else []
    total = round(sum(bucket.sample_count for bucket in buckets))
    # TFDV spreads a row or two over empty buckets.
    filled = [bucket for bucket in buckets if bucket.sample_count > max(1.0, EMPTY_SHARE * total)]
    if len(filled) < 2:
        return
    for number, bucket, low, high in (
        (figures.min, filled[0], filled[1].low_value, figures.max),
        (figures.max, filled[-1], figures.min, filled[-2].high_value),
    ):
        rows = bucket.sample_count if bucket in (buckets[0], buckets[-1]) else 0
        if sentinels.is_sentinel(number, rows / total, low, high):
            yield number, round(rows), total
