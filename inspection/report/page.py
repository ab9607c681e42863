"""Puts the sections of a report together."""

import functools
import os
from collections.abc import Sequence

from inspection.report.markup import Html, joined, tag
from inspection.report.report_facts import Facts
from inspection.report.sections import (
    answers_section,
    blessing_section,
    data_section,
    failure_section,
    features_section,
    graph_section,
    head_section,
    metrics_section,
    origin_section,
    training_section,
    tuning_section,
    worst_section,
)

MOST_BYTES = 500_000
"""A report stays below this; one of very many columns or slices leaves pictures and rows out."""
Sections = Sequence[tuple[str, str, Html]]
"""Name for links, title and content of each section."""


def sections(known: Facts, *, drawn: int = 40, listed: int = 200, images: int = 12) -> Sections:
    """Makes all sections for which there is something to show.

    Args:
      known: The run.
      drawn: Columns of data that are drawn.
      listed: Slices in the table.
      images: Pictures of wrong answers.
    """
    made = [
        ("failure", "Failure", failure_section.section(known)),
        ("data", "Data", data_section.section(known, drawn=drawn)),
        ("features", "Features", features_section.section(known)),
        ("network", "Network", training_section.network(known)),
        ("training", "Training", training_section.section(known)),
        ("tuning", "Tuning", tuning_section.section(known)),
        ("metrics", "Metrics", metrics_section.section(known, listed=listed)),
        ("answers", "Answers", answers_section.section(known)),
        ("worst", "Worst rows", worst_section.section(known, images=images)),
        ("importance", "Importance of columns", blessing_section.importance(known)),
        ("blessing", "Blessing", blessing_section.section(known)),
        ("lineage", "Lineage", origin_section.lineage(known)),
        ("settings", "Config and versions", origin_section.settings(known)),
        ("unread", "What could not be read", origin_section.notes(known)),
    ]
    return [(name, title, content) for name, title, content in made if content]


def body(known: Facts, parts: Sections) -> Html:
    """Lays head, graph and sections out, with links to the sections."""
    links = [tag("a", title, href=f"#{name}") for name, title, _ in parts]
    picture = graph_section.section(known)
    run = tag("section", tag("h2", "Run"), picture, id="run") if picture else None
    laid = [tag("section", tag("h2", title), content, id=name) for name, title, content in parts]
    return joined([head_section.section(known), tag("nav", *links, aria_label="Sections"), run, *laid])


def report(known: Facts) -> str:
    """Makes the whole document, below MOST_BYTES."""
    text = ""
    for drawn, listed, images in ((40, 200, 12), (15, 60, 6), (0, 20, 0)):
        parts = sections(known, drawn=drawn, listed=listed, images=images)
        title = f"{known.detail.run.pipeline} {known.detail.run.run_id}"
        text = document(title, body(known, parts), style=tag("style", Html(style())))
        if len(text.encode()) < MOST_BYTES:
            break
    return text


def document(title: str, content: Html, *, style: Html, more: Html | None = None) -> str:
    """Makes an HTML document of its content."""
    head_ = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        style,
        more,
    )
    whole = tag("html", head_, tag("body", tag("main", content)), lang="en")
    return f"<!doctype html>\n{whole}\n"


@functools.cache
def style() -> str:
    """Returns the style sheet of reports and pages."""
    with open(os.path.join(os.path.dirname(__file__), "style.css"), encoding="utf-8") as file:
        return file.read()
