"""Charts of an evaluation: intervals by slice, matrices, points."""

import math
from collections.abc import Sequence

from inspection.report.markup import Html, tag
from inspection.report.svg import BOTTOM, LEFT, RIGHT, TOP, Point, Scale, axes, line, rect, short, span, svg, text
from inspection.text_output import number

Reach = tuple[str, float | None, Sequence[float] | None, float | None]
"""A row of `intervals`: name, value, the ends of its interval, the baseline's value."""


def intervals(rows: Sequence[Reach], *, label: str, width: float = 620) -> Html:
    """Draws a value a row as a dot on its interval, and the baseline's as a ring."""
    left = 10 + 6.8 * min(34, max((len(name) for name, *_ in rows), default=0))
    ends = [
        each for _, value, reach, baseline in rows for each in (value, baseline, *(reach or ())) if each is not None
    ]
    low, high = span(ends)
    x = Scale(low, high, left, width - 70)
    bottom = 20 * len(rows) + 8
    parts: list[Html] = []
    for tick in x.ticks(6):
        parts += [
            line(x(tick), 4, x(tick), bottom, "grid"),
            text(x(tick), bottom + 13, number(tick, 4), anchor="middle"),
        ]
    for place, (name, value, reach, baseline) in enumerate(rows):
        y = 20 * place + 14
        parts.append(text(left - 6, y + 4, short(name, 34), anchor="end"))
        if reach:
            parts.append(line(x(reach[0]), y, x(reach[1]), y, "s0 reach"))
        if baseline is not None:
            parts.append(
                tag("circle", tag("title", "baseline"), cx=f"{x(baseline):.1f}", cy=y, r="4.5", class_="s1 ring")
            )
        if value is not None:
            parts.append(tag("circle", cx=f"{x(value):.1f}", cy=y, r="3.5", class_="s0 dot"))
            parts.append(text(width - 64, y + 4, number(value)))
    return svg(width, bottom + 18, *parts, label=label)


def matrix(cells: Sequence[Sequence[float]], rows: Sequence[str], columns: Sequence[str], *, label: str) -> Html:
    """Draws a matrix whose cells are the darker the larger their share of the row is."""
    size = 46 if len(columns) <= 12 else 26
    left, top = 14 + 6.4 * min(16, max(map(len, rows), default=0)), 34
    parts: list[Html] = [text(left, 12, "answered", class_="up")]
    room = max(2, size // 7)
    for place, name in enumerate(columns):
        parts.append(text(left + place * size + size / 2, top - 6, short(name, room), anchor="middle"))
    for down, (name, row) in enumerate(zip(rows, cells, strict=True)):
        y = top + down * size * 0.7
        parts.append(text(left - 5, y + size * 0.42, short(name, 16), anchor="end"))
        total = sum(row) or 1
        for across, value in enumerate(row):
            tip = f"{name} answered {columns[across]}: {number(value)}"
            x, part = left + across * size, value / total
            kind = "right" if down == across else "wrong"
            parts.append(
                rect(x, y, size - 1, size * 0.7 - 1, f"cell {kind}", tip, fill_opacity=f"{0.08 + 0.92 * part:.2f}")
            )
            if value and len(columns) <= 20:
                strong = "over" if part > 0.55 else None
                parts.append(text(x + size / 2, y + size * 0.42, number(value, 4), anchor="middle", class_=strong))
    return svg(left + size * len(columns) + 8, top + size * 0.7 * len(rows) + 8, *parts, label=label)


def points(pairs: Sequence[Point], *, label: str, across: str, up: str, diagonal: bool, width: float = 420) -> Html:
    """Draws points; with the diagonal where both axes are of one unit."""
    pairs = [pair for pair in pairs if all(map(math.isfinite, pair))]
    height = 300
    ends = span([each for pair in pairs for each in pair]) if diagonal else span([x for x, _ in pairs])
    x = Scale(*ends, LEFT + 16, width - RIGHT)
    y = Scale(*(ends if diagonal else span([y for _, y in pairs])), height - BOTTOM, TOP)
    counted = bool(pairs) and not diagonal and all(at == round(at) for at, _ in pairs)
    parts = axes(x, y, across=across, up="", whole=counted)
    if diagonal:
        parts.append(line(x.start, y.start, x.end, y.end, "mark"))
    dots = "".join(f"M{x(a):.1f} {y(b):.1f}h0" for a, b in pairs)
    parts += [tag("path", d=dots, class_="s0 dots"), text(LEFT + 16, 13, up)]
    return svg(width, height, *parts, label=label)
