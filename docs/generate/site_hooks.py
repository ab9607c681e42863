"""MkDocs hooks: navigation by kind of document, and a check that pages load nothing from other hosts.

MkDocs imports this file by its path, in an environment without the pipeline's packages.
"""

import re
from pathlib import Path
from typing import Any

SECTIONS = (
    ("Tutorial", "tutorial"),
    ("How-to", "how-to"),
    ("Reference", "reference"),
    ("Explanation", "explanation"),
    ("Decisions", "decisions"),
)
"""Title of a section of the navigation -> its folder; a section without pages is left out."""
LOADS = re.compile(r"<(?:script|img|iframe|link)\b[^>]*?\b(?:src|href)=[\"']?(?:https?:)?//[^>]*>")
"""Elements that make a browser load something from another host."""


def on_config(config: Any) -> Any:
    """Set the navigation from the folders of the documents."""
    docs = Path(config["docs_dir"])
    sections = [{title: _section(docs, docs / folder)} for title, folder in SECTIONS if (docs / folder).is_dir()]
    extending = {"Extending": ["extending.md", "extending-runs.md"]}
    config["nav"] = [{"Start": "README.md"}, *sections, extending, {"Glossary": "glossary.md"}]
    return config


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Return a page unchanged.

    Raises:
        ValueError: The page loads something from another host.
    """
    if load := LOADS.search(output):
        raise ValueError(f"{page.file.src_uri} loads from another host: {load[0]}")
    return output


def _section(docs: Path, folder: Path) -> list[Any]:
    """Return the pages of a folder, README.md first; a page with a folder of its name is followed by that folder."""
    pages: list[Any] = []
    for path in sorted(folder.glob("*.md"), key=lambda path: (path.name != "README.md", path.name)):
        page = str(path.relative_to(docs))
        below = path.with_suffix("")
        pages.append({_title(path): [page, *_section(docs, below)]} if below.is_dir() else page)
    return pages


def _title(path: Path) -> str:
    """Return the first heading of a page."""
    return path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
