"""Gate on categories that schema and previous runs do not have."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from components.data_checks import schema_mismatches
from components.validation.anomaly_sentences import domain, unlisted_values
from components.validation.gate_context import GateContext, by_column, row_count
from components.validation.gate_findings import Finding, Predicate, percent, raise_limit, toml_key
from spec.gates import Action, GateSettings, Share

MIN_ROWS = 100
"""Rows below which categories are not compared with those of another run."""
NAMED = 5
"""Values that a message names."""


class Settings(GateSettings):
    """Categories that the schema does not list; if it lists none, categories that the last run did not have."""

    renamed: ClassVar[Mapping[str, str]] = {"most": "max_share"}
    action: Action = "block"
    """warn, block the run, or off."""
    max_share: Share = 0.05
    """Largest share of the rows of a split. A smaller share, and values that the schema allows, are a warning."""
    columns: dict[str, Share] = Field(default_factory=dict)
    """Column -> its own limit instead of `max_share`."""


def judge(context: GateContext, settings: Settings) -> Iterator[Finding]:
    """Compare the share of unknown categories of each column with its limit."""
    previous = by_column(context.previous_runs[0].train) if context.previous_runs else {}
    for split, statistics in context.statistics.items():
        figures = context.figures(split)
        for column in context.columns.categories:
            feature = context.feature(column)
            if feature is None or column not in figures or not figures[column].HasField("string_stats"):
                continue
            domain_values, origin = domain(context.schema, feature), context.schema_path
            if domain_values is None:
                previous_figures = previous.get(column)
                if (
                    previous_figures is None
                    or not _lists_all_values(previous_figures)
                    or row_count(statistics) < MIN_ROWS
                ):
                    continue
                domain_values = [bucket.label for bucket in previous_figures.string_stats.rank_histogram.buckets]
                origin = context.previous_runs[0].name
            elif not feature.distribution_constraints.HasField("min_domain_mass"):
                # The schema's own gate rejects any other value.
                continue
            values, rows, total = unlisted_values(domain_values, figures[column])
            if not rows:
                continue
            limit = settings.columns.get(column, settings.max_share)
            is_above = rows / total > limit
            remove = f"remove {column!r} from [features] in the config, as nearly all of its values are unique"
            yield Finding(
                column,
                limit,
                rows / total,
                f"{rows:,.0f} of {total:,.0f} values ({percent(rows, total)}) are not in {origin}, "
                f"such as {', '.join(map(repr, values[:NAMED]))}, {'above' if is_above else 'within'} the limit of "
                f"{limit:g}" + schema_mismatches.spelled_otherwise(values, domain_values),
                edit=raise_limit(f"gates.unseen.columns.{toml_key(column)}", rows / total, remove) if is_above else "",
                splits=[split],
                at_fault=_is_not_in(column, domain_values),
                action="" if is_above else "warn",
            )


def _lists_all_values(figures: Any) -> bool:
    """Return whether statistics list every value of a column: up to 1,000 are listed."""
    text = figures.string_stats
    listed = len(text.rank_histogram.buckets)
    return bool(
        figures.HasField("string_stats") and text.unique <= listed and text.common_stats.num_non_missing >= MIN_ROWS
    )


def _is_not_in(name: str, values: list[str]) -> Predicate:
    def mark(batch: pa.RecordBatch) -> Any:
        column = batch.column(batch.schema.get_field_index(name)).cast(pa.string())
        return pc.and_(column.is_valid(), pc.invert(pc.is_in(column, value_set=pa.array(values, pa.string()))))

    return mark
