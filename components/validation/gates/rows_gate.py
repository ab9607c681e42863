"""Gate on the number of rows."""

import statistics
from collections.abc import Iterator, Mapping
from typing import ClassVar

from pydantic import Field

from components.validation.gate_context import GateContext, row_count
from components.validation.gate_findings import Finding, round_down, round_up
from spec.gates import Action, GateSettings, Share


class Settings(GateSettings):
    """Number of rows of all splits, compared with the median of the last runs."""

    renamed: ClassVar[Mapping[str, str]] = {"least": "min_ratio", "most": "max_ratio"}
    action: Action = "block"
    """warn, block the run, or off."""
    min_ratio: Share = 0.5
    """Smallest multiple of the median."""
    max_ratio: float = Field(default=10.0, ge=1.0)
    """Largest multiple of the median."""
    runs: int = Field(default=5, ge=1, le=50)
    """Number of earlier runs with other data."""


def judge(context: GateContext, settings: Settings) -> Iterator[Finding]:
    """Compare the number of rows with the median of previous runs."""
    if not context.previous_runs:
        return
    rows = sum(map(row_count, context.statistics.values()))
    previous = [run.rows for run in context.previous_runs[: settings.runs]]
    median = statistics.median(previous)
    ratio = rows / median if median else float("inf")
    if settings.min_ratio <= ratio <= settings.max_ratio:
        return
    is_low = ratio < settings.min_ratio
    key, limit = ("min_ratio", settings.min_ratio) if is_low else ("max_ratio", settings.max_ratio)
    yield Finding(
        None,
        limit,
        ratio,
        f"{rows:,} rows, {ratio:.4g} times the {int(median):,} of the last {len(previous)} run(s), "
        f"{'below' if is_low else 'above'} the limit of {limit:g}",
        edit=f"gates.rows.{key} = {round_down(ratio) if is_low else round_up(ratio):g} in the config, or once as "
        "--set gates.rows=warn",
        action="warn" if context.split_by == "all" else "",
    )
