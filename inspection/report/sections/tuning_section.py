"""The tuner's trials, by number and by each value that was tried."""

import math
from collections.abc import Mapping
from typing import Any

from inspection.report.charts import points
from inspection.report.markup import Html, figure, joined, table, tag
from inspection.report.report_facts import Facts

_MOST = 100


def section(known: Facts) -> Html | None:
    """Shows the trials, the best one first."""
    trials = [each for each in known.trials if isinstance(each.get("values"), Mapping)]
    if not trials:
        return None
    keys = list(dict.fromkeys(key for each in trials for key in each["values"]))
    scored = [each for each in trials if _number(each.get("score"))]
    order = sorted(scored, key=lambda each: not each.get("best")) + [each for each in trials if each not in scored]
    rows = [
        [each.get("trial"), *(_said(each["values"].get(key)) for key in keys), each.get("score"), _note(each)]
        for each in order[:_MOST]
    ]
    below = table(["trial", *keys, "objective", ""], rows, caption="Trials")
    if len(scored) < 2:
        return below
    pictures = [
        _picture(
            "trial", [(float(each["trial"]), float(each["score"])) for each in scored if _number(each.get("trial"))]
        )
    ]
    for key in keys:
        pairs = [
            (float(each["values"][key]), float(each["score"])) for each in scored if _number(each["values"].get(key))
        ]
        if len({x for x, _ in pairs}) > 1:
            pictures.append(_picture(key, pairs))
    return joined([tag("div", *pictures, class_="pictures"), below])


def _picture(key: str, pairs: list[tuple[float, float]]) -> Html:
    below = table([key, "objective"], sorted(pairs)[:_MOST], caption=f"Objective by {key}")
    # An even axis would press values like 0.0001 and 0.1 into two heaps.
    log = min(x for x, _ in pairs) > 0 and max(x for x, _ in pairs) / min(x for x, _ in pairs) > 30
    shown = [(math.log10(x), y) for x, y in pairs] if log else pairs
    across = f"{key}, power of ten" if log else key
    drawn = points(shown, label=f"Objective by {key}", across=across, up="objective", diagonal=False, width=360)
    return figure(drawn, f"Objective by {key}", below)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _said(value: Any) -> Any:
    return value if isinstance(value, str | int | float | None) else str(value)


def _note(trial: Mapping[str, Any]) -> str | None:
    if trial.get("best"):
        return "best"
    return f"failed: {trial['failure']}" if trial.get("failure") else None
