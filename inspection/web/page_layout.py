"""Layout of all pages: frame, navigation, pagination, forms."""

import urllib.parse
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from inspection.report import page
from inspection.report.markup import Html, joined, link, tag

PAGE = 50
"""Rows per page of a list."""
_NAVIGATION = (
    ("/", "Runs"),
    ("/models", "Models"),
    ("/artifacts", "Artifacts"),
    ("/compare", "Compare"),
    ("/schedules", "Schedules"),
)
Query = Mapping[str, str]


class Page(NamedTuple):
    """Content of a page.

    Attributes:
      title: Title of the document.
      content: Content below the navigation.
      refresh: Seconds after which the browser reloads the page; None for a static page.
    """

    title: str
    content: Html
    refresh: int | None = None


def frame(content: Page, *, path: str) -> str:
    """Return a page as an HTML document.

    Args:
      content: The page.
      path: Path of the page, which is marked in the navigation.
    """
    links = [
        tag("a", name, href=address, aria_current="page" if address == path else None) for address, name in _NAVIGATION
    ]
    head = joined([tag("link", rel="stylesheet", href="/style.css"), tag("link", rel="icon", href="data:,")])
    refresh = tag("meta", http_equiv="refresh", content=str(content.refresh)) if content.refresh else None
    skip = tag("a", "Skip to content", href="#content", class_="skip")
    body = joined([skip, tag("nav", *links, aria_label="Pages"), tag("div", content.content, id="content")])
    return page.document(content.title, body, style=head, more=refresh)


def to(path: str, **query: object) -> str:
    """Return the address of a page; None and empty values are skipped."""
    values = {key: str(value) for key, value in query.items() if value not in (None, "")}
    return f"{path}?{urllib.parse.urlencode(values)}" if values else path


def run_link(run_id: str | None) -> Html | None:
    """Return a link to a run."""
    return link(run_id, to("/run", id=run_id)) if run_id else None


def artifact_link(id_: int | None, text: object = None) -> Html | None:
    """Return a link to an artifact."""
    return link(text or id_, to("/artifact", id=id_)) if id_ is not None else None


def number(query: Query, key: str, default: int = 1) -> int:
    """Return a positive integer of the query; anything else becomes the default."""
    value = query.get(key, "")
    return max(int(value), 1) if value.isascii() and value.isdigit() and len(value) < 8 else default


def pagination(path: str, query: Query, *, more: bool) -> Html:
    """Return links to the previous and the next page of a list."""
    page_number = number(query, "page")
    parameters = {key: value for key, value in query.items() if key != "page"}
    newer = (
        tag("a", "Newer", href=to(path, **parameters, page=page_number - 1), rel="prev") if page_number > 1 else None
    )
    older = tag("a", "Older", href=to(path, **parameters, page=page_number + 1), rel="next") if more else None
    return tag("nav", newer, tag("span", f"page {page_number}"), older, aria_label="Pages of the list")


def form(path: str, fields: Sequence[Html], button: str) -> Html:
    """Return a form whose fields become the query of a page."""
    return tag("form", *fields, tag("button", button, type="submit"), action=path, method="get")


def field(name: str, label: str, value: str, choices: Sequence[str] | None = None) -> Html:
    """Return a field of a form: a text input, or with `choices` a selection that includes 'any'."""
    if choices is None:
        return tag("label", label, " ", tag("input", name=name, value=value, type="text"))
    options = [
        tag("option", choice or "any", value=choice or "", selected=choice == value) for choice in ("", *choices)
    ]
    return tag("label", label, " ", tag("select", *options, name=name))
