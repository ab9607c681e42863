"""HTML that cannot be injected into: every text is escaped unless it was made by `tag`."""

import html
from collections.abc import Sequence

from inspection.text_output import number


class Html(str):
    """Text that is markup already and is not escaped again."""

    __slots__ = ()


def safe(value: object) -> Html:
    """Returns markup as it is, and of anything else its text, escaped; control characters are written out."""
    if isinstance(value, Html):
        return value
    told = value if isinstance(value, str) else shown(value)
    if not told.isprintable():
        told = "".join(each if each.isprintable() or each in "\n\t" else _written(each) for each in told)
    return Html(html.escape(told))


def _written(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode()


def shown(value: object) -> str:
    """Says a plain value: numbers in five digits, nothing as a dash."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number(value) or "-"
    return str(value)


def tag(name_: str, *children: object, **attributes: object) -> Html:
    """Makes an element.

    Args:
      name_: Of the element.
      *children: Markup, or values that are escaped; None is left out.
      **attributes: `class_` is class, `aria_label` is aria-label; None and False leave one out, True sets it.
    """
    told = "".join(_attribute(key, value) for key, value in attributes.items() if value not in (None, False))
    if name_ in ("img", "meta", "link", "input", "br"):
        return Html(f"<{name_}{told}>")
    return Html(f"<{name_}{told}>{joined(children)}</{name_}>")


def _attribute(key: str, value: object) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{safe(str(value))}"'


def joined(parts: Sequence[object]) -> Html:
    """Sets parts one after the other; None is left out."""
    return Html("".join(safe(part) for part in parts if part is not None))


def link(text: object, address: str | None) -> Html:
    """Makes a link, or the text alone where there is no address."""
    return safe(text) if address is None else tag("a", text, href=address)


def table(header: Sequence[object], rows: Sequence[Sequence[object]], *, caption: str | None = None) -> Html:
    """Lays out rows; numbers stand to the right. A wide one scrolls, also by keyboard.

    Args:
      header: One cell a column.
      rows: Cells: markup, texts, numbers or None.
      caption: What the table tells, for who cannot see where it stands.
    """
    head = tag("tr", *(tag("th", each, scope="col") for each in header))
    body = [tag("tr", *map(_cell, row)) for row in rows]
    told = tag("table", tag("caption", caption) if caption else None, tag("thead", head), tag("tbody", *body))
    return tag("div", told, class_="wide", tabindex="0", role="region", aria_label=caption or "table")


def _cell(value: object) -> Html:
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return tag("td", value if isinstance(value, Html) else shown(value), class_="n" if numeric else None)


def facts(pairs: Sequence[tuple[str, object]]) -> Html:
    """Lists names with their values; one without a value is left out."""
    rows = [tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs if value not in (None, "")]
    return tag("dl", *rows) if rows else Html()


def figure(picture: Html, caption: object, below: Html) -> Html:
    """Sets a picture with its caption, and under it the same as a table for who cannot see it."""
    return tag("figure", picture, tag("figcaption", caption), tag("details", tag("summary", "As a table"), below))


def keep(told: str | None) -> Html | None:
    """Keeps a time or the like on one line."""
    return tag("span", told, class_="keep") if told else None


def share(value: float | None) -> str | None:
    """Says a share in per cent."""
    return None if value is None else f"{value:.1%}" if value else "0 %"


def state(word: str) -> Html:
    """Shows a state by a coloured word."""
    return tag("span", word, class_=f"state {css(word)}")


def css(word: str) -> str:
    """Returns a state's word as a class of the style sheet."""
    return "".join(each if each.isalnum() else "-" for each in word.lower())
