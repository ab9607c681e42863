"""Comparison of two runs: differences, largest first."""

from typing import Any

from errors import UserError
from inspection.report.markup import Html, joined, keep, state, table, tag
from inspection.run_comparison import Difference, Section, compare
from inspection.run_history import newest_first
from inspection.store.artifact_lookup import find_run_of
from inspection.store.metadata_store import Store
from inspection.text_output import moment
from inspection.web.page_layout import Page, Query, field, form, run_link
from inspection.web.pages.artifacts_page import OUTSIDE_LINKS
from inspection.web.pages.run_page import with_outside_links

_MAX_DIFFERENCES = 200
_RECENT = 100
"""Number of runs in the form."""


def page(store: Store, query: Query) -> Page:
    """Return the comparison of two runs, or a form to choose them.

    Raises:
      UserError: The run or model does not exist.
    """
    a, b = query.get("a", ""), query.get("b", "")
    recent = [context.name for context in newest_first(store)[:_RECENT]]
    choices = list(dict.fromkeys([*filter(None, (a, b)), *recent]))
    run_form = form("/compare", [field("a", "A", a, choices), field("b", "B", b, choices)], "Compare")
    if not a or not b:
        return Page("Compare", joined([tag("h1", "Compare"), tag("p", "Choose two runs."), run_form]))
    run_ids = [find_run_of(store, a), find_run_of(store, b)]
    for run_id in run_ids:
        if unsafe := with_outside_links(store, run_id):
            raise UserError(f"{unsafe}: {OUTSIDE_LINKS}")
    comparison = compare(store, *run_ids)
    run_table = table(
        ["", "run", "pipeline", "state", "started", "reason"],
        [
            [name, run_link(run.run_id), run.pipeline, state(run.state), keep(moment(run.started)), run.reason]
            for name, run in (("A", comparison.a), ("B", comparison.b))
        ],
    )
    return Page("Compare", joined([tag("h1", "Compare"), run_form, run_table, *map(_section, comparison.sections)]))


def _section(section: Section) -> Html:
    count = len(section.differences)
    if not count:
        body: Html = tag("p", section.note or "Equal.")
    else:
        rows = [_row(difference) for difference in section.differences[:_MAX_DIFFERENCES]]
        body = table(["subject", "where", "aspect", "A", "B", "change", ""], rows, caption=f"{count} differences")
    return tag("section", tag("h2", section.name.capitalize()), body, id=section.name)


def _row(difference: Difference) -> list[Any]:
    direction = None if difference.worse is None else "worse" if difference.worse else "better"
    return [
        difference.subject,
        difference.where,
        difference.aspect,
        _cell(difference.a),
        _cell(difference.b),
        difference.size,
        direction,
    ]


def _cell(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float) else str(value)
