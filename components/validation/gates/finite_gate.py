"""Gate on NaN and infinite numbers."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from components.validation.gate_context import GateContext
from components.validation.gate_findings import Finding, Predicate, percent
from spec.gates import Action, GateSettings, Share


class Settings(GateSettings):
    """NaN and infinite numbers in a column that must be complete; in other columns they count as null."""

    renamed: ClassVar[Mapping[str, str]] = {"most": "max_share"}
    action: Action = "block"
    """warn, block the run, or off."""
    max_share: Share = 0.0
    """Largest share of the rows of a split."""


def judge(context: GateContext, settings: Settings) -> Iterator[Finding]:
    """Compare the share of NaN and infinity in each column with the limit."""
    for split, facts in context.facts.items():
        for column, (nans, infinite) in facts.odd.items():
            if column not in context.columns.used or context.is_optional(column):
                continue
            if nans + infinite > settings.max_share * facts.rows:
                yield Finding(
                    column,
                    settings.max_share,
                    (nans + infinite) / facts.rows,
                    f"{nans:,} NaN and {infinite:,} infinite numbers in {facts.rows:,} rows "
                    f"({percent(nans + infinite, facts.rows)}), above the limit of {settings.max_share:g}",
                    edit='data.exclude = ["..."] in the config skips such rows; presence { min_fraction: 0.9 '
                    f"min_count: 1 }} for {column!r} in {context.schema_path} counts them as null",
                    splits=[split],
                    at_fault=_is_not_finite(column),
                )


def _is_not_finite(name: str) -> Predicate:
    def mark(batch: pa.RecordBatch) -> Any:
        column = batch.column(batch.schema.get_field_index(name))
        if not pa.types.is_floating(column.type):
            return pa.array([False] * len(column))
        return pc.fill_null(pc.invert(pc.is_finite(column)), False)

    return mark
