"""Output of `runner.py drift --labels`: metrics of served predictions as a table or JSON."""

import dataclasses
import math
from typing import TYPE_CHECKING

from errors import GateError
from inspection.text_output import as_json, drawn, number, table

if TYPE_CHECKING:
    from orchestration.live_metrics import LiveMetrics

_COUNTED = {
    "unlabeled": "served rows without a label yet",
    "without_id": "served rows without an id",
    "of_others": "rows of other versions",
    "served_twice": "ids that were served more than once, each row counts",
    "not_served": "ids with a label that are not in the log",
    "labeled_twice": "ids with several equal labels, which count as one",
    "contradictory": "ids with different labels, left out",
    "invalid": "invalid labels, left out",
}
"""Count -> what it counts, in the table."""


def shown(live: "LiveMetrics", *, json: bool) -> tuple[int, str]:
    """Return the exit code, which is that of a gate if a floor is broken, and the text to print.

    Args:
        live: The metrics.
        json: Whether to return JSON instead of a table.
    """
    code = GateError.exit_code if live.broken else 0
    limits = {rule.metric: rule for rule in live.rules if rule.kind == "floor"}
    if json:
        metrics = [
            {
                "metric": name,
                "value": _finite(value),
                "interval": [live.intervals[name].low, live.intervals[name].high] if name in live.intervals else None,
                "evaluated": live.evaluated.get(name),
                "floor": limits[name].limit if name in limits else None,
                "ok": limits[name].ok if name in limits else None,
            }
            for name, value in live.metrics.items()
        ]
        findings = [str(rule) for rule in live.broken]
        counts = dataclasses.asdict(live.counts)
        content = {"code": code, "version": live.version, "counts": counts, "metrics": metrics, "findings": findings}
        return code, as_json({**content, "named": list(live.named)})
    rows = [
        (
            name,
            number(value),
            f"{number(live.intervals[name].low)} to {number(live.intervals[name].high)}"
            if name in live.intervals
            else "",
            number(live.evaluated.get(name)) or "",
            number(limits[name].limit) if name in limits else "",
            "" if name not in limits or limits[name].ok else "broken",
        )
        for name, value in live.metrics.items()
        if value is not None
    ]
    counts = dataclasses.asdict(live.counts)
    notes = [f"served rows of version {live.version} with a label: {live.counts.joined:,}"]
    notes += [f"{text}: {counts[key]:,}" for key, text in _COUNTED.items() if counts[key]]
    notes += [f"  {text}" for text in live.named]
    lines = [f"floor: {rule}" for rule in live.broken] or "every floor holds"
    header = ("metric", "served", "95 % interval", "evaluated", "floor", "")
    return code, drawn(notes, table(header, rows), lines if live.rules else "")


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
