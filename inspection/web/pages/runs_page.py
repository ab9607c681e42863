"""List of runs, newest first, by pipeline and state."""

from inspection.report.markup import joined, keep, state, table, tag
from inspection.run_files import RUN_STATES
from inspection.run_history import list_runs
from inspection.store.metadata_store import PIPELINE_CONTEXT, Store
from inspection.text_output import duration, moment
from inspection.web.page_layout import PAGE, Page, Query, field, form, number, pagination, run_link, to

STATES = tuple(state for state in RUN_STATES if state != "UNKNOWN")


def page(store: Store, query: Query) -> Page:
    """Return the list of runs."""
    pipeline, state_name = query.get("pipeline", ""), query.get("state", "")
    page_number = number(query, "page")
    pipelines = sorted(context.name for context in store.contexts(PIPELINE_CONTEXT))
    runs = list_runs(
        store,
        pipeline=pipeline if pipeline in pipelines else None,
        state=state_name if state_name in STATES else None,
        skip=(page_number - 1) * PAGE,
        limit=PAGE + 1,
    )
    rows = [
        [
            run_link(run.run_id),
            run.pipeline,
            state(run.state),
            keep(moment(run.started)),
            keep(duration(max((run.ended - run.started).total_seconds(), 0.0))) if run.started and run.ended else None,
            run.reason,
        ]
        for run in runs[:PAGE]
    ]
    filter_form = form(
        "/", [field("pipeline", "Pipeline", pipeline, pipelines), field("state", "State", state_name, STATES)], "Show"
    )
    body = (
        table(["run", "pipeline", "state", "started", "took", "reason"], rows) if rows else tag("p", "No runs match.")
    )
    newest = runs[0].run_id if runs else None
    last_two = [run.run_id for run in runs[:2]]
    compare_link = (
        tag("a", "Compare the last two", href=to("/compare", a=last_two[1], b=last_two[0]))
        if len(last_two) > 1 and newest
        else None
    )
    return Page(
        "Runs",
        joined([tag("h1", "Runs"), filter_form, compare_link, body, pagination("/", query, more=len(runs) > PAGE)]),
    )
