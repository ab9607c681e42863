"""HTML elements. Every text is escaped unless it is Html, so nothing can be injected."""

import html
from collections.abc import Sequence

from inspection.text_output import number


class Html(str):
    """Markup, which is not escaped again."""

    __slots__ = ()


def safe(value: object) -> Html:
    """Return markup unchanged, and anything else as text, with HTML and control characters escaped."""
    if isinstance(value, Html):
        return value
    text = value if isinstance(value, str) else shown(value)
    if not text.isprintable():
        text = "".join(
            character if character.isprintable() or character in "\n\t" else _escape_control(character)
            for character in text
        )
    return Html(html.escape(text))


def _escape_control(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode()


def shown(value: object) -> str:
    """Format a plain value: numbers with five digits, a missing value as `-`."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number(value) or "-"
    return str(value)


def tag(name_: str, *children: object, **attributes: object) -> Html:
    """Return an element.

    Args:
      name_: Name of the element.
      *children: Markup, or values, which are escaped; None is skipped.
      **attributes: `class_` is class, `aria_label` is aria-label; None and False skip it, True sets it without a value.
    """
    rendered = "".join(_attribute(key, value) for key, value in attributes.items() if value not in (None, False))
    if name_ in ("img", "meta", "link", "input", "br"):
        return Html(f"<{name_}{rendered}>")
    return Html(f"<{name_}{rendered}>{joined(children)}</{name_}>")


def _attribute(key: str, value: object) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{safe(str(value))}"'


def joined(parts: Sequence[object]) -> Html:
    """Concatenate parts; None is skipped."""
    return Html("".join(safe(part) for part in parts if part is not None))


def link(text: object, address: str | None) -> Html:
    """Return a link, or only the text if there is no address."""
    return safe(text) if address is None else tag("a", text, href=address)


def table(header: Sequence[object], rows: Sequence[Sequence[object]], *, caption: str | None = None) -> Html:
    """Return a table with right-aligned numbers; a wide one scrolls, also by keyboard.

    Args:
      header: Column names.
      rows: Cells: markup, text, numbers or None.
      caption: Caption, also read by screen readers.
    """
    head = tag("tr", *(tag("th", name, scope="col") for name in header))
    body = [tag("tr", *map(_cell, row)) for row in rows]
    element = tag("table", tag("caption", caption) if caption else None, tag("thead", head), tag("tbody", *body))
    return tag("div", element, class_="wide", tabindex="0", role="region", aria_label=caption or "table")


def _cell(value: object) -> Html:
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return tag("td", value if isinstance(value, Html) else shown(value), class_="n" if numeric else None)


def definitions(entries: Sequence[tuple[str, object]]) -> Html:
    """Return a definition list of names and values; a name without a value is skipped."""
    rows = [tag("div", tag("dt", name), tag("dd", value)) for name, value in entries if value not in (None, "")]
    return tag("dl", *rows) if rows else Html()


def figure(chart: Html, caption: object, data: Html) -> Html:
    """Return a chart with its caption, and a collapsed table with the same data."""
    return tag("figure", chart, tag("figcaption", caption), tag("details", tag("summary", "As a table"), data))


def keep(text: str | None) -> Html | None:
    """Keep a text on one line."""
    return tag("span", text, class_="keep") if text else None


def share(value: float | None) -> str | None:
    """Format a share as a percentage; None stays None."""
    return None if value is None else f"{value:.1%}" if value else "0 %"


def state(name: str) -> Html:
    """Return a state as colored text."""
    return tag("span", name, class_=f"state {css(name)}")


def css(name: str) -> str:
    """Return the CSS class of a state."""
    return "".join(character if character.isalnum() else "-" for character in name.lower())
