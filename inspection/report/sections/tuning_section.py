"""Trials of the tuner: objective by trial and by hyperparameter."""

import math
from collections.abc import Mapping
from typing import Any

from inspection.report.charts import points
from inspection.report.markup import Html, figure, joined, table, tag
from inspection.report.report_facts import Facts

_MAX_TRIALS = 100


def section(facts: Facts) -> Html | None:
    """Return table and charts of the trials, the best one first."""
    trials = [trial for trial in facts.trials if isinstance(trial.get("values"), Mapping)]
    if not trials:
        return None
    keys = list(dict.fromkeys(key for trial in trials for key in trial["values"]))
    scored = [trial for trial in trials if _is_number(trial.get("score"))]
    order = sorted(scored, key=lambda trial: not trial.get("best")) + [trial for trial in trials if trial not in scored]
    rows = [
        [trial.get("trial"), *(_plain(trial["values"].get(key)) for key in keys), trial.get("score"), _note(trial)]
        for trial in order[:_MAX_TRIALS]
    ]
    data = table(["trial", *keys, "objective", ""], rows, caption="Trials")
    if len(scored) < 2:
        return data
    charts = [
        _chart(
            "trial",
            [(float(trial["trial"]), float(trial["score"])) for trial in scored if _is_number(trial.get("trial"))],
        )
    ]
    for key in keys:
        values_and_scores = [
            (float(trial["values"][key]), float(trial["score"]))
            for trial in scored
            if _is_number(trial["values"].get(key))
        ]
        if len({value for value, _ in values_and_scores}) > 1:
            charts.append(_chart(key, values_and_scores))
    return joined([tag("div", *charts, class_="charts"), data])


def _chart(key: str, values_and_scores: list[tuple[float, float]]) -> Html:
    data = table([key, "objective"], sorted(values_and_scores)[:_MAX_TRIALS], caption=f"Objective by {key}")
    # Values such as 0.0001 and 0.1 need a logarithmic axis.
    log = (
        min(x for x, _ in values_and_scores) > 0
        and max(x for x, _ in values_and_scores) / min(x for x, _ in values_and_scores) > 30
    )
    points_ = [(math.log10(x), y) for x, y in values_and_scores] if log else values_and_scores
    x_label = f"{key}, log10" if log else key
    chart = points(
        points_, label=f"Objective by {key}", x_label=x_label, y_label="objective", diagonal=False, width=360
    )
    return figure(chart, f"Objective by {key}", data)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | None) else str(value)


def _note(trial: Mapping[str, Any]) -> str | None:
    if trial.get("best"):
        return "best"
    return f"failed: {trial['failure']}" if trial.get("failure") else None
