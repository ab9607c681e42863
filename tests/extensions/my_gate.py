"""A gate of your own: the smallest number of distinct values of a column.

Put this file into your project and name the function in the config, with its settings:

    [gates.custom."my_gate.min_distinct"]
    action = "block"
    columns = {city = 2}

In the repository itself the same file stands in components/validation/gates/ as distinct_gate.py, with `judge` as the
name of the function and [gates.distinct] in the config.
"""

from collections.abc import Iterator

from components.validation.gate_context import GateContext
from components.validation.gate_findings import Finding
from spec.gates import GateSettings


class Settings(GateSettings):
    """Number of distinct values of text columns."""

    columns: dict[str, int]
    """Column -> smallest number of distinct values."""


def min_distinct(context: GateContext, settings: Settings) -> Iterator[Finding]:
    """Compare the number of distinct values of each column and split with its limit."""
    for split in context.statistics:
        figures = context.figures(split)
        for column, limit in settings.columns.items():
            if column in figures and figures[column].string_stats.unique < limit:
                distinct = figures[column].string_stats.unique
                yield Finding(
                    column,
                    limit,
                    distinct,
                    f"{distinct} distinct values, below the limit of {limit}",
                    edit=f'gates.custom."my_gate.min_distinct".columns.{column} = {distinct} in the config',
                    splits=[split],
                )
