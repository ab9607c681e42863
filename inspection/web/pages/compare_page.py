"""Two runs side by side: what differs, the worst first."""

from typing import Any

from errors import UserError
from inspection.report.markup import Html, joined, keep, state, table, tag
from inspection.run_comparison import Difference, Section, compare
from inspection.run_history import newest_first
from inspection.store.artifact_lookup import find_run_of
from inspection.store.metadata_store import Store
from inspection.text_output import moment
from inspection.web.page_layout import Page, Query, field, form, run_link
from inspection.web.pages.artifacts_page import LEAD_OUT
from inspection.web.pages.run_page import leading_out

_MOST = 200
_RECENT = 100
"""Runs that the form offers."""


def page(store: Store, query: Query) -> Page:
    """Compares two runs, or asks which.

    Raises:
      UserError: There is no such run or model.
    """
    a, b = query.get("a", ""), query.get("b", "")
    recent = [context.name for context in newest_first(store)[:_RECENT]]
    offered = list(dict.fromkeys([*filter(None, (a, b)), *recent]))
    asked = form("/compare", [field("a", "A", a, offered), field("b", "B", b, offered)], "Compare")
    if not a or not b:
        return Page("Compare", joined([tag("h1", "Compare"), tag("p", "Choose two runs."), asked]))
    both = [find_run_of(store, a), find_run_of(store, b)]
    for each in both:
        if leading := leading_out(store, each):
            raise UserError(f"{leading}: {LEAD_OUT}")
    found = compare(store, *both)
    told = table(
        ["", "run", "pipeline", "state", "started", "why"],
        [
            [name, run_link(run.run_id), run.pipeline, state(run.state), keep(moment(run.started)), run.reason]
            for name, run in (("A", found.a), ("B", found.b))
        ],
    )
    return Page("Compare", joined([tag("h1", "Compare"), asked, told, *map(_section, found.sections)]))


def _section(section: Section) -> Html:
    count = len(section.differences)
    if not count:
        body: Html = tag("p", section.note or "The same.")
    else:
        rows = [_row(each) for each in section.differences[:_MOST]]
        body = table(["what", "where", "of it", "A", "B", "change", ""], rows, caption=f"{count} differ")
    return tag("section", tag("h2", section.name.capitalize()), body, id=section.name)


def _row(each: Difference) -> list[Any]:
    word = None if each.worse is None else "worse" if each.worse else "better"
    return [each.subject, each.where, each.aspect, _cell(each.a), _cell(each.b), each.size, word]


def _cell(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float) else str(value)
