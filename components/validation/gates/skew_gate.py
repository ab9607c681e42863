"""Gate on skew: the train split compared with served rows."""

from collections.abc import Iterator

from components.validation.distances import column_distances
from components.validation.gate_context import GateContext, PreviousRun, row_count
from components.validation.gate_findings import Finding
from components.validation.gates import drift_gate
from spec.data import Paths


class Settings(drift_gate.Settings):
    """The train split compared with served rows."""

    path: Paths | None = None
    """Served rows: files as in data.path, in the same format; the label may be absent."""


def judge(context: GateContext, settings: Settings) -> Iterator[Finding]:
    """Compare the train split with served rows."""
    if context.served_paths:
        # TFDV imports TensorFlow.
        from components.validation.distances import served_rows

        served = served_rows.statistics(context)
        rows = PreviousRun(row_count(served), served, "the served rows")
        yield from column_distances.compare(context, "skew", settings, rows)
