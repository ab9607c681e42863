"""Head of a report: the verdict in a sentence, and the main facts."""

from collections.abc import Mapping

from inspection.report.markup import Html, definitions, joined, state, tag
from inspection.report.report_facts import Facts
from inspection.text_output import duration, moment

_MAX_REASON = 500
"""Maximum length of a reason in characters."""
_SENTENCES: Mapping[str, str] = {
    "NOT_BLESSED": "The model is not blessed and was not pushed",
    "BLOCKED": "A gate refused the data",
    "FAILED": "The run failed",
    "CANCELED": "The run was canceled",
    "RUNNING": "Running",
    "UNKNOWN": "The store does not say how the run ended",
}


def sentence(facts: Facts) -> str:
    """Return how the run ended, in a sentence."""
    run, outcome = facts.detail.run, facts.run.outcome
    reason = " ".join((run.reason or "").split())
    reason = reason if len(reason) <= _MAX_REASON else f"{reason[: _MAX_REASON - 1]}…"
    if run.state != "COMPLETE":
        state_text = _SENTENCES.get(run.state, run.state)
        if run.state == "NOT_BLESSED" and outcome.blessed:
            state_text = "The model is blessed but was not pushed"
        node = next((node.node_id for node in facts.detail.nodes if node.state in ("FAILED", "RUNNING")), None)
        if node and run.state in ("FAILED", "CANCELED", "BLOCKED", "RUNNING"):
            state_text += f": {node}" if run.state == "RUNNING" else f" in {node}"
        return f"{state_text}: {reason}" if reason else f"{state_text}."
    if outcome.blessed:
        pushed = outcome.pushed
        version = f" and pushed as version {pushed.rstrip('/').rpartition('/')[2]}" if pushed else ""
        advisory = " (advisory run: rules refuse nothing)" if outcome.advisory else ""
        return f"The model is blessed{version}{advisory}: {outcome.reason or reason}"
    if outcome.reached:
        return f"The run ended with the requested stage: {reason}"
    return f"The run is complete: {reason}" if reason else "The run is complete."


def _data(facts: Facts) -> str | None:
    """Return the path of the data from the config, or the query, or the paths in run.json."""
    query = facts.run.query
    if query is not None:
        return f"{query.rows} rows of {query.database}: {query.sql}"
    settings = facts.run.config.get("data")
    path = settings.get("path") if isinstance(settings, Mapping) else None
    if isinstance(path, Mapping):
        return ", ".join(map(str, path.values()))
    return str(path) if path else facts.run.data


def section(facts: Facts) -> Html:
    """Return the verdict and the main facts of the run."""
    run = facts.detail.run
    seconds = (run.ended - run.started).total_seconds() if run.started and run.ended else None
    css_class = "good" if run.state == "COMPLETE" else "bad" if run.state in ("FAILED", "CANCELED") else "held"
    return joined(
        [
            tag("h1", run.pipeline or "run", " ", tag("small", run.run_id)),
            tag("p", sentence(facts), class_=f"verdict {css_class}"),
            tag("p", f"Check: {facts.run.outcome.too_good}", class_="note") if facts.run.outcome.too_good else None,
            definitions(
                [
                    ("state", state(run.state)),
                    ("started", moment(run.started)),
                    ("took", duration(max(seconds, 0.0)) if seconds is not None else None),
                    ("data", _data(facts)),
                    ("seed", facts.run.seed),
                ]
            ),
        ]
    )
