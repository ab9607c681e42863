"""Assembly of a report from its sections."""

import functools
import os
from collections.abc import Sequence

from inspection.report.markup import Html, joined, tag
from inspection.report.report_facts import Facts
from inspection.report.sections import (
    blessing_section,
    data_section,
    failure_section,
    features_section,
    graph_section,
    head_section,
    metrics_section,
    origin_section,
    predictions_section,
    training_section,
    tuning_section,
    worst_section,
)

MAX_BYTES = 500_000
"""Size limit of a report; with many columns or slices it has fewer charts and rows."""
Sections = Sequence[tuple[str, str, Html]]
"""Id, title and content of each section."""


def sections(facts: Facts, *, drawn: int = 40, listed: int = 200, images: int = 12) -> Sections:
    """Return all sections that are not empty.

    Args:
      facts: Facts of the run.
      drawn: Number of columns with a chart.
      listed: Number of slices in the table.
      images: Number of images with wrong predictions.
    """
    all_sections = [
        ("failure", "Failure", failure_section.section(facts)),
        ("data", "Data", data_section.section(facts, drawn=drawn)),
        ("features", "Features", features_section.section(facts)),
        ("network", "Network", training_section.network(facts)),
        ("training", "Training", training_section.section(facts)),
        ("tuning", "Tuning", tuning_section.section(facts)),
        ("metrics", "Metrics", metrics_section.section(facts, listed=listed)),
        ("predictions", "Predictions", predictions_section.section(facts)),
        ("worst", "Worst rows", worst_section.section(facts, images=images)),
        ("importance", "Importance of columns", blessing_section.importance(facts)),
        ("blessing", "Blessing", blessing_section.section(facts)),
        ("lineage", "Lineage", origin_section.lineage(facts)),
        ("settings", "Config and versions", origin_section.settings(facts)),
        ("unread", "Unreadable files", origin_section.notes(facts)),
    ]
    return [(name, title, content) for name, title, content in all_sections if content]


def body(facts: Facts, parts: Sections) -> Html:
    """Return head, graph and sections, with links to the sections."""
    links = [tag("a", title, href=f"#{name}") for name, title, _ in parts]
    graph = graph_section.section(facts)
    run = tag("section", tag("h2", "Run"), graph, id="run") if graph else None
    section_tags = [tag("section", tag("h2", title), content, id=name) for name, title, content in parts]
    return joined([head_section.section(facts), tag("nav", *links, aria_label="Sections"), run, *section_tags])


def report(facts: Facts) -> str:
    """Return the report as an HTML document of less than MAX_BYTES."""
    text = ""
    for drawn, listed, images in ((40, 200, 12), (15, 60, 6), (0, 20, 0)):
        parts = sections(facts, drawn=drawn, listed=listed, images=images)
        title = f"{facts.detail.run.pipeline} {facts.detail.run.run_id}"
        text = document(title, body(facts, parts), style=tag("style", Html(style())))
        if len(text.encode()) < MAX_BYTES:
            break
    return text


def document(title: str, content: Html, *, style: Html, more: Html | None = None) -> str:
    """Return an HTML document."""
    head_ = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        style,
        more,
    )
    html = tag("html", head_, tag("body", tag("main", content)), lang="en")
    return f"<!doctype html>\n{html}\n"


@functools.cache
def style() -> str:
    """Return the style sheet of reports and web pages."""
    with open(os.path.join(os.path.dirname(__file__), "style.css"), encoding="utf-8") as file:
        return file.read()
