"""All runs, the newest first, by pipeline and state."""

from inspection.report.markup import joined, keep, state, table, tag
from inspection.run_files import RUN_STATES
from inspection.run_history import list_runs
from inspection.store.metadata_store import PIPELINE_CONTEXT, Store
from inspection.text_output import duration, moment
from inspection.web.page_layout import PAGE, Page, Query, field, form, number, parts, run_link, to

STATES = tuple(state for state in RUN_STATES if state != "UNKNOWN")


def page(store: Store, query: Query) -> Page:
    """Lists runs."""
    pipeline, wanted = query.get("pipeline", ""), query.get("state", "")
    here = number(query, "page")
    known = sorted(context.name for context in store.contexts(PIPELINE_CONTEXT))
    found = list_runs(
        store,
        pipeline=pipeline if pipeline in known else None,
        state=wanted if wanted in STATES else None,
        skip=(here - 1) * PAGE,
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
        for run in found[:PAGE]
    ]
    chosen = form(
        "/", [field("pipeline", "Pipeline", pipeline, known), field("state", "State", wanted, STATES)], "Show"
    )
    body = table(["run", "pipeline", "state", "started", "took", "why"], rows) if rows else tag("p", "No such runs.")
    first = found[0].run_id if found else None
    two = [run.run_id for run in found[:2]]
    hint = tag("a", "Compare the last two", href=to("/compare", a=two[1], b=two[0])) if len(two) > 1 and first else None
    return Page("Runs", joined([tag("h1", "Runs"), chosen, hint, body, parts("/", query, more=len(found) > PAGE)]))
