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
        row_counts = placeholders.read(figures[column]) if column in figures else {}
        if not row_counts:
            continue
        total, rows = figures[column].num_stats.common_stats.num_non_missing, sum(row_counts.values())
        listed_numbers = " and ".join(f"{number} in {count:,}" for number, count in row_counts.items())
        verb, stand, them = ("is", "stands", "it") if len(row_counts) == 1 else ("are", "stand", "them")
        yield Finding(
            column,
            sentinels.MIN_SHARE,
            rows / total,
            f"{listed_numbers} of {total:,} rows ({percent(rows, total)}) {verb} far from all other numbers and "
            f"probably {stand} for null: data.column_null_values = {{{toml_key(column)} = {list(row_counts)}}} reads "
            f"{them} as null",
            edit='gates.sentinels = "off" in the config',
            splits=[TRAIN],
        )
