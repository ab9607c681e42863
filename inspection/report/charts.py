"""Charts of an evaluation: intervals by slice, confusion matrix, scatter plot."""

import math
from collections.abc import Sequence

from inspection.report.markup import Html, tag
from inspection.report.svg import BOTTOM, LEFT, RIGHT, TOP, Point, Scale, axes, line, rect, short, span, svg, text
from inspection.text_output import number

IntervalRow = tuple[str, float | None, Sequence[float] | None, float | None]
"""A row of `intervals`: name, value, ends of its interval, value of the baseline."""


def intervals(rows: Sequence[IntervalRow], *, label: str, width: float = 620) -> Html:
    """Return a chart with a value per row as a dot on its interval, and the baseline's value as a ring."""
    left = 10 + 6.8 * min(34, max((len(name) for name, *_ in rows), default=0))
    ends = [
        end for _, value, interval, baseline in rows for end in (value, baseline, *(interval or ())) if end is not None
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
    for index, (name, value, interval, baseline) in enumerate(rows):
        y = 20 * index + 14
        parts.append(text(left - 6, y + 4, short(name, 34), anchor="end"))
        if interval:
            parts.append(line(x(interval[0]), y, x(interval[1]), y, "s0 reach"))
        if baseline is not None:
            parts.append(
                tag("circle", tag("title", "baseline"), cx=f"{x(baseline):.1f}", cy=y, r="4.5", class_="s1 ring")
            )
        if value is not None:
            parts.append(tag("circle", cx=f"{x(value):.1f}", cy=y, r="3.5", class_="s0 dot"))
            parts.append(text(width - 64, y + 4, number(value)))
    return svg(width, bottom + 18, *parts, label=label)


def matrix(cells: Sequence[Sequence[float]], rows: Sequence[str], columns: Sequence[str], *, label: str) -> Html:
    """Return a confusion matrix whose cells are darker the larger their share of the row is."""
    size = 46 if len(columns) <= 12 else 26
    left, top = 14 + 6.4 * min(16, max(map(len, rows), default=0)), 34
    parts: list[Html] = [text(left, 12, "predicted", class_="up")]
    name_chars = max(2, size // 7)
    for index, name in enumerate(columns):
        parts.append(text(left + index * size + size / 2, top - 6, short(name, name_chars), anchor="middle"))
    for row_index, (name, row) in enumerate(zip(rows, cells, strict=True)):
        y = top + row_index * size * 0.7
        parts.append(text(left - 5, y + size * 0.42, short(name, 16), anchor="end"))
        total = sum(row) or 1
        for column, value in enumerate(row):
            tip = f"{name} predicted as {columns[column]}: {number(value)}"
            x, share = left + column * size, value / total
            kind = "right" if row_index == column else "wrong"
            parts.append(
                rect(x, y, size - 1, size * 0.7 - 1, f"cell {kind}", tip, fill_opacity=f"{0.08 + 0.92 * share:.2f}")
            )
            if value and len(columns) <= 20:
                contrast = "over" if share > 0.55 else None
                parts.append(text(x + size / 2, y + size * 0.42, number(value, 4), anchor="middle", class_=contrast))
    return svg(left + size * len(columns) + 8, top + size * 0.7 * len(rows) + 8, *parts, label=label)


def points(
    points: Sequence[Point], *, label: str, x_label: str, y_label: str, diagonal: bool, width: float = 420
) -> Html:
    """Return a scatter plot; with the diagonal if both axes have the same unit."""
    points = [point for point in points if all(map(math.isfinite, point))]
    height = 300
    x_range = span([value for point in points for value in point]) if diagonal else span([x for x, _ in points])
    x = Scale(*x_range, LEFT + 16, width - RIGHT)
    y = Scale(*(x_range if diagonal else span([y for _, y in points])), height - BOTTOM, TOP)
    integers = bool(points) and not diagonal and all(x_value == round(x_value) for x_value, _ in points)
    parts = axes(x, y, x_label=x_label, y_label="", integers=integers)
    if diagonal:
        parts.append(line(x.start, y.start, x.end, y.end, "mark"))
    dots = "".join(f"M{x(a):.1f} {y(b):.1f}h0" for a, b in points)
    parts += [tag("path", d=dots, class_="s0 dots"), text(LEFT + 16, 13, y_label)]
    return svg(width, height, *parts, label=label)
