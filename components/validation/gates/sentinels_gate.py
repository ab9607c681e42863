"""Gate on numbers such as -999 that stand for null."""

from collections.abc import Iterator

from components.data_checks import placeholders, sentinels
from components.validation.gate_context import TRAIN, GateContext
from components.validation.gate_findings import Finding, percent, toml_key
from spec.gates import GateSettings


class Settings(GateSettings):
    """Numbers such as -999 that are frequent in the train split and far from all other values."""


def judge(context: GateContext, settings: Settings) -> Iterator[Finding]:
    """Find numbers that are frequent, far from all others, and written like a placeholder."""
    figures = context.figures(TRAIN)
    for column in context.columns.used:
        found = placeholders.read(figures[column]) if column in figures else {}
        if not found:
            continue
        total, rows = figures[column].num_stats.common_stats.num_non_missing, sum(found.values())
        shown = " and ".join(f"{number} in {count:,}" for number, count in found.items())
        verb, stand, them = ("is", "stands", "it") if len(found) == 1 else ("are", "stand", "them")
        yield Finding(
            column,
            sentinels.MIN_SHARE,
            rows / total,
            f"{shown} of {total:,} rows ({percent(rows, total)}) {verb} far from all other numbers and probably "
            f"{stand} for null: data.column_null_values = {{{toml_key(column)} = {list(found)}}} reads {them} "
            "as null",
            edit='gates.sentinels = "off" in the config',
            splits=[TRAIN],
        )
