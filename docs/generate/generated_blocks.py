"""Find the generated blocks of the pages and fill them."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from docs.generate import command_tables, config_tables, page_lists, run_file_tables

DOCS = Path(__file__).resolve().parents[1]
BLOCK = re.compile(
    r"(<!-- generated: (?P<name>[\w-]+)(?: (?P<argument>.+?))? -->\n).*?(<!-- end of generated -->)", re.S
)

RENDERERS: Mapping[str, Callable[[str], str]] = {
    "keys": config_tables.section,
    "groups": config_tables.groups,
    "networks": config_tables.networks,
    "metrics": config_tables.metrics,
    "losses": config_tables.losses,
    "command": command_tables.command,
    "exit-codes": command_tables.exit_codes,
    "pages": page_lists.pages,
    "states": run_file_tables.states,
    "fields": run_file_tables.fields,
    "events": run_file_tables.events,
    "findings": run_file_tables.findings,
    "file": lambda path: f"```python\n{(DOCS.parent / path).read_text(encoding='utf-8').rstrip()}\n```",
}
"""Name of a block -> what renders it from the rest of the block's first line."""


def pages() -> list[Path]:
    """Return all Markdown pages of the documents."""
    return sorted(DOCS.rglob("*.md"))


def blocks(text: str) -> list[tuple[str, str]]:
    """Return name and argument of each generated block of a page."""
    return [(match["name"], match["argument"] or "") for match in BLOCK.finditer(text)]


def fill(text: str) -> str:
    """Return a page with all of its generated blocks rendered again.

    Raises:
        KeyError: A block has an unknown name.
    """
    return BLOCK.sub(
        lambda match: f"{match[1]}\n{RENDERERS[match['name']](match['argument'] or '')}\n\n{match[4]}", text
    )


def changed_pages() -> Iterator[tuple[Path, str]]:
    """Yield each page whose generated blocks are not current, with its new text."""
    for path in pages():
        text = path.read_text(encoding="utf-8")
        if (updated := fill(text)) != text:
            yield path, updated
