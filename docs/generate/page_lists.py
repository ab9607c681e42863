"""Lists of pages with their titles."""

from pathlib import Path

DOCS = Path(__file__).resolve().parents[1]


def pages(folder: str) -> str:
    """Return a list with a link to each page of a folder of the documents, README.md first, deeper ones indented.

    Args:
        folder: Relative to the documents; an empty folder gives a line without links.
    """
    return "\n".join(_lines(DOCS / folder, "")) or "No pages yet."


def title(path: Path) -> str:
    """Return the first heading of a page."""
    return path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")


def ordered(folder: Path) -> list[Path]:
    """Return the pages of a folder, README.md first."""
    return sorted(folder.glob("*.md"), key=lambda path: (path.name != "README.md", path.name))


def _lines(folder: Path, indent: str) -> list[str]:
    lines = []
    for path in ordered(folder):
        escaped_title = title(path).replace("[", "\\[").replace("]", "\\]")
        lines.append(f"{indent}- [{escaped_title}]({path.relative_to(DOCS)})")
        lines += _lines(path.with_suffix(""), f"{indent}    ")
    return lines
