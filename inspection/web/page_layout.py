"""What all pages have: the frame, links between pages, parts of a long list."""

import urllib.parse
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from inspection.report import page
from inspection.report.markup import Html, joined, link, tag

PAGE = 50
"""Rows of a list at once."""
_PLACES = (
    ("/", "Runs"),
    ("/models", "Models"),
    ("/artifacts", "Artifacts"),
    ("/compare", "Compare"),
    ("/schedules", "Schedules"),
)
Query = Mapping[str, str]


class Page(NamedTuple):
    """What a page shows.

    Attributes:
      title: Of the document.
      content: Below the links.
      refresh: Seconds after which the browser asks again; None where nothing changes by itself.
    """

    title: str
    content: Html
    refresh: int | None = None


def frame(shown: Page, *, where: str) -> str:
    """Makes a whole document.

    Args:
      shown: What is shown.
      where: The page's path, which is marked among the links.
    """
    links = [tag("a", name, href=path, aria_current="page" if path == where else None) for path, name in _PLACES]
    head = joined([tag("link", rel="stylesheet", href="/style.css"), tag("link", rel="icon", href="data:,")])
    again = tag("meta", http_equiv="refresh", content=str(shown.refresh)) if shown.refresh else None
    skip = tag("a", "To the content", href="#content", class_="skip")
    laid = joined([skip, tag("nav", *links, aria_label="Pages"), tag("div", shown.content, id="content")])
    return page.document(shown.title, laid, style=head, more=again)


def to(path: str, **query: object) -> str:
    """Returns the address of a page; what is None or empty is left out."""
    kept = {key: str(value) for key, value in query.items() if value not in (None, "")}
    return f"{path}?{urllib.parse.urlencode(kept)}" if kept else path


def run_link(run_id: str | None) -> Html | None:
    """Links a run by its id."""
    return link(run_id, to("/run", id=run_id)) if run_id else None


def artifact_link(id_: int | None, told: object = None) -> Html | None:
    """Links an artifact by its id."""
    return link(told or id_, to("/artifact", id=id_)) if id_ is not None else None


def number(query: Query, key: str, default: int = 1) -> int:
    """Reads a positive number of the query; anything else is the default."""
    given = query.get(key, "")
    return max(int(given), 1) if given.isascii() and given.isdigit() and len(given) < 8 else default


def parts(path: str, query: Query, *, more: bool) -> Html:
    """Links to the part of a list before this one and after it."""
    here = number(query, "page")
    kept = {key: value for key, value in query.items() if key != "page"}
    before = tag("a", "Newer", href=to(path, **kept, page=here - 1), rel="prev") if here > 1 else None
    after = tag("a", "Older", href=to(path, **kept, page=here + 1), rel="next") if more else None
    return tag("nav", before, tag("span", f"page {here}"), after, aria_label="Parts of the list")


def form(path: str, fields: Sequence[Html], word: str) -> Html:
    """Makes a form whose fields become the query of a page."""
    return tag("form", *fields, tag("button", word, type="submit"), action=path, method="get")


def field(name: str, told: str, value: str, choices: Sequence[str] | None = None) -> Html:
    """Makes a field of a form; with choices one of them, or none, is chosen."""
    if choices is None:
        return tag("label", told, " ", tag("input", name=name, value=value, type="text"))
    options = [tag("option", each or "any", value=each or "", selected=each == value) for each in ("", *choices)]
    return tag("label", told, " ", tag("select", *options, name=name))
