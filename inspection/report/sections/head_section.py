"""The head of a report: the verdict in a sentence, and what a person asks first."""

from collections.abc import Mapping

from inspection.report.markup import Html, facts, joined, state, tag
from inspection.report.report_facts import Facts
from inspection.text_output import duration, moment

_LONGEST = 500
"""Characters of a reason."""
_SAYS: Mapping[str, str] = {
    "NOT_BLESSED": "The model was trained and is not blessed, so it was not pushed",
    "BLOCKED": "A gate stopped the run",
    "FAILED": "The run failed",
    "CANCELED": "The run was stopped",
    "RUNNING": "The run has not ended",
    "UNKNOWN": "Nothing of this run is recorded",
}


def sentence(known: Facts) -> str:
    """Says how the run ended, in a sentence."""
    run, told = known.detail.run, known.run.get("outcome")
    outcome = told if isinstance(told, Mapping) else {}
    reason = " ".join((run.reason or "").split())
    reason = reason if len(reason) <= _LONGEST else f"{reason[: _LONGEST - 1]}…"
    if run.state != "COMPLETE":
        node = next((each.node_id for each in known.detail.nodes if each.state in ("FAILED", "RUNNING")), None)
        where = f" in {node}" if node and run.state in ("FAILED", "CANCELED", "BLOCKED", "RUNNING") else ""
        begun = f"{_SAYS.get(run.state, run.state)}{where}"
        return f"{begun}: {reason}" if reason else f"{begun}."
    if outcome.get("blessed"):
        pushed = outcome.get("pushed")
        version = f" and pushed as version {str(pushed).rstrip('/').rpartition('/')[2]}" if pushed else ""
        advisory = " (rules only advise in this run)" if outcome.get("advisory") else ""
        return f"The model is blessed{version}{advisory}: {outcome.get('reason') or reason}"
    if outcome.get("reached"):
        return f"The run went as far as it was asked to: {reason}"
    return f"The run is complete: {reason}" if reason else "The run is complete."


def _data(known: Facts) -> str | None:
    """Names the data as the config does, else as the run found it."""
    query = known.run.get("query")
    if isinstance(query, Mapping):
        return f"{query.get('rows')} rows of {query.get('database')}: {query.get('sql')}"
    settings = known.config.get("data")
    path = settings.get("path") if isinstance(settings, Mapping) else None
    if isinstance(path, Mapping):
        return ", ".join(map(str, path.values()))
    return str(path) if path else known.run.get("data")


def section(known: Facts) -> Html:
    """Shows the verdict, and the run in short."""
    run = known.detail.run
    took = (run.ended - run.started).total_seconds() if run.started and run.ended else None
    good = "good" if run.state == "COMPLETE" else "bad" if run.state in ("FAILED", "CANCELED") else "held"
    return joined(
        [
            tag("h1", run.pipeline or "run", " ", tag("small", run.run_id)),
            tag("p", sentence(known), class_=f"verdict {good}"),
            facts(
                [
                    ("state", state(run.state)),
                    ("started", moment(run.started)),
                    ("took", duration(max(took, 0.0)) if took is not None else None),
                    ("data", _data(known)),
                    ("seed", known.run.get("seed")),
                ]
            ),
        ]
    )
