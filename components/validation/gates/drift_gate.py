"""Gate on drift: the train split compared with that of a previous run."""

from collections.abc import Iterator

from pydantic import Field

from components.validation.distances import column_distances
from components.validation.gate_context import GateContext
from components.validation.gate_findings import Finding
from spec.gates import GateSettings, Share


class Settings(GateSettings):
    """The train split compared with that of the previous span, else of the last run with other data."""

    categories: Share = 0.1
    """Texts: limit of the L-infinity distance, the largest difference of a value's share."""
    numbers: Share = 0.1
    """Numbers: limit of the Jensen-Shannon divergence over the deciles of the earlier rows, 0 to 1."""
    label: Share = 0.05
    """Label with two values, text or number: limit of the difference of a value's share. A difference within three
    standard errors is chance and is not reported."""
    min_rows: int = Field(default=500, ge=1)
    """Data with fewer rows on either side is not compared, because chance alone moves it; with action = "block" a
    warning says so."""
    columns: dict[str, Share] = Field(default_factory=dict)
    """Column -> its own limit."""


def judge(context: GateContext, settings: Settings) -> Iterator[Finding]:
    """Compare the train split with that of the previous run."""
    if context.previous_runs:
        yield from column_distances.compare(context, "drift", settings, context.previous_runs[0])
