"""Gate on spellings of one category."""

from collections.abc import Iterator

from components.data_checks import sentinels
from components.validation.gate_context import TRAIN, GateContext
from components.validation.gate_findings import Finding, toml_key
from spec.gates import GateSettings


class Settings(GateSettings):
    """Categories of the train split that differ only by case or surrounding whitespace."""


def judge(context: GateContext, settings: Settings) -> Iterator[Finding]:
    """Find categories and labels that differ only by case or surrounding whitespace."""
    figures = context.figures(TRAIN)
    for column in dict.fromkeys([*context.columns.categories, *filter(None, [context.label.column])]):
        if column not in figures or not figures[column].HasField("string_stats"):
            continue
        buckets = figures[column].string_stats.rank_histogram.buckets
        counts = {bucket.label: bucket.sample_count for bucket in buckets}
        groups = sentinels.spellings(counts)
        if not groups or not sentinels.are_same_words(groups):
            continue
        yield Finding(
            column,
            0,
            len(groups),
            f"values that differ only by case count as different categories: {sentinels.listing(groups, counts)}; "
            f"{toml_key(column)!r} in data.fold_case merges them",
            edit='gates.spellings = "off" in the config',
            splits=[TRAIN],
        )
