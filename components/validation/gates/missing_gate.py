"""Gate on null values and whitespace."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from components.validation.gate_context import TRAIN, GateContext, by_column
from components.validation.gate_findings import Finding, Predicate, percent, raise_limit, round_up, toml_key
from spec.gates import GateSettings, Share


class Settings(GateSettings):
    """Null values, or texts that are only whitespace, in a column that the model reads."""

    renamed: ClassVar[Mapping[str, str]] = {"most": "max_share", "more": "max_increase"}
    max_share: Share = 0.5
    """Largest share of the rows of a split."""
    max_increase: Share = 0.1
    """Largest increase of the share in the train split since the last run that passed."""
    columns: dict[str, Share] = Field(default_factory=dict)
    """Column -> its own limit instead of `max_share`."""


def judge(context: GateContext, settings: Settings) -> Iterator[Finding]:
    """Compare the share of nulls of each column with its limit and with the previous run."""
    previous = by_column(context.previous_runs[0].train) if context.previous_runs else {}
    for split in context.statistics:
        figures = context.figures(split)
        for column in context.columns.used:
            if column not in figures or column == context.label.column:
                continue
            share, rows, total = _nulls(figures[column])
            # NaN and infinity count as null in an optional column.
            if split in context.facts and context.is_optional(column):
                not_finite = sum(context.facts[split].odd.get(column, []))
                rows, share = rows + not_finite, share + (not_finite / total if total else 0)
            limit = settings.columns.get(column, settings.max_share)
            text = f"{rows:,.0f} of {total:,.0f} values ({percent(rows, total)}) are null or blank"
            if share > limit:
                remove = f"remove {column!r} from [features] in the config"
                yield Finding(
                    column,
                    limit,
                    share,
                    f"{text}, above the limit of {limit:g}",
                    edit=raise_limit(f"gates.missing.columns.{toml_key(column)}", share, remove),
                    splits=[split],
                    at_fault=_is_blank(column),
                )
            elif split == TRAIN and column in previous:
                previous_share = _nulls(previous[column])[0]
                increase = share - previous_share
                if increase > settings.max_increase:
                    yield Finding(
                        column,
                        settings.max_increase,
                        increase,
                        f"{text}, and {100 * previous_share:.4g} % in {context.previous_runs[0].name}: an increase of "
                        f"{100 * increase:.4g} percentage points, above the limit of {100 * settings.max_increase:g}",
                        edit=f"gates.missing.max_increase = {round_up(increase):g} in the config",
                        splits=[split],
                        at_fault=_is_blank(column),
                    )


def _nulls(figures: Any) -> tuple[float, float, float]:
    """Return share and number of null or blank values, and the number of all values."""
    is_text = figures.HasField("string_stats")
    common = figures.string_stats.common_stats if is_text else figures.num_stats.common_stats
    buckets = figures.string_stats.rank_histogram.buckets if is_text else ()
    rows = common.num_missing + sum(bucket.sample_count for bucket in buckets if not bucket.label.strip())
    total = common.num_missing + common.num_non_missing
    return (rows / total if total else 0.0), rows, total


def _is_blank(name: str) -> Predicate:
    def mark(batch: pa.RecordBatch) -> Any:
        column = batch.column(batch.schema.get_field_index(name))
        if pa.types.is_string(column.type):
            return pc.fill_null(pc.equal(pc.utf8_trim_whitespace(column), ""), True)
        return pc.is_null(column, nan_is_null=True) if pa.types.is_floating(column.type) else pc.is_null(column)

    return mark
