"""Pictures by hand: scales, axes, and the few kinds of charts that a report needs. Colours come from the style."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from inspection.report.markup import Html, tag
from inspection.text_output import number

Point = tuple[float, float]
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 22, 34
"""Margins of a chart, in pixels."""


class Scale(NamedTuple):
    """Where values stand along an axis.

    Attributes:
      low: Smallest value.
      high: Largest value.
      start: Where the smallest stands, in pixels.
      end: Where the largest stands.
      log: Whether powers of ten are equally far apart.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Returns the place of a value; one outside stands at the edge."""
        value = min(max(value, self.low), self.high)
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        part = ((math.log(value) if self.log else value) - low) / (high - low) if high > low else 0.5
        return self.start + (self.end - self.start) * part

    def ticks(self, wanted: int = 5) -> list[float]:
        """Returns about so many round values."""
        if self.log:
            powers = range(math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9) + 1)
            return [10.0**power for power in powers][:: max(1, len(powers) // wanted)] or [self.low, self.high]
        width = self.high - self.low
        if not width > 0 or not math.isfinite(width):
            return [self.low]
        rough = width / wanted
        step = 10 ** math.floor(math.log10(rough))
        step = next((step * times for times in (1, 2, 5, 10) if step * times >= rough), step * 10)
        first = math.ceil(self.low / step - 1e-9)
        return [each * step for each in range(first, math.floor(self.high / step + 1e-9) + 1)]


def svg(width: float, height: float, *parts: object, label: str) -> Html:
    """Makes a whole picture, whose label is read out."""
    sizes = {"viewBox": f"0 0 {width:g} {height:g}", "width": f"{width:g}", "height": f"{height:g}"}
    return tag("svg", tag("title", label), *parts, **sizes, role="img", aria_label=label, class_="chart")


def text(x: float, y: float, told: object, *, anchor: str = "start", class_: str | None = None) -> Html:
    """Sets a text."""
    return tag("text", told, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor, class_=class_)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Html:
    """Draws a straight line."""
    return tag("line", x1=f"{x1:.1f}", y1=f"{y1:.1f}", x2=f"{x2:.1f}", y2=f"{y2:.1f}", class_=class_)


def rect(x: float, y: float, width: float, height: float, class_: str, tip: str | None = None, **more: object) -> Html:
    """Draws a box, with what is said when the pointer rests on it."""
    sizes = {"x": f"{x:.1f}", "y": f"{y:.1f}", "width": f"{max(width, 0):.1f}", "height": f"{max(height, 0):.1f}"}
    return tag("rect", tag("title", tip) if tip else None, **sizes, class_=class_, **more)


def path(points: Sequence[Point], class_: str) -> Html:
    """Draws a line through points."""
    return tag("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in points), class_=class_)


def short(told: str, room: int) -> str:
    """Cuts a text to so many characters."""
    return told if len(told) <= room else f"{told[: room - 1]}…"


def legend(names: Sequence[str], *, x: float, y: float = 13) -> list[Html]:
    """Names the series in their colours."""
    parts = []
    for place, name in enumerate(names):
        parts += [rect(x, y - 8, 9, 9, f"s{place} key"), text(x + 12, y, short(name, 18))]
        x += 24 + 6.2 * min(len(name), 18)
    return parts


def span(values: Sequence[float], *, zero: bool = False) -> tuple[float, float]:
    """Returns the range of values, a little of one where all are the same."""
    found = [value for value in values if math.isfinite(value)] + ([0.0] if zero else [])
    low, high = (min(found), max(found)) if found else (0.0, 1.0)
    if low == high:
        around = abs(low) / 2 or 0.5
        return (low, high + around) if zero else (low - around, high + around)
    return low, high


def axes(x: Scale, y: Scale, *, across: str, up: str, whole: bool = False) -> list[Html]:
    """Draws both axes of a chart with their ticks; `whole`: across there is nothing between whole numbers."""
    parts = []
    for tick in y.ticks():
        parts += [
            line(x.start, y(tick), x.end, y(tick), "grid"),
            text(x.start - 5, y(tick) + 4, number(tick, 4), anchor="end"),
        ]
    for tick in x.ticks(6):
        if whole and tick != round(tick):
            continue
        parts.append(text(x(tick), y.start + 14, number(tick, 4), anchor="middle"))
    parts += [
        line(x.start, y.start, x.end, y.start, "axis"),
        text((x.start + x.end) / 2, y.start + 28, across, anchor="middle"),
    ]
    return [*parts, text(x.start - LEFT + 4, 13, up, class_="up")]


def lines(
    series: Sequence[tuple[str, Sequence[Point]]],
    *,
    label: str,
    across: str,
    up: str,
    marks: Sequence[tuple[float, str]] = (),
    width: float = 420,
    height: float = 240,
    square: bool = False,
    diagonal: bool = False,
) -> Html:
    """Draws lines over one another.

    Args:
      series: Name and points of each.
      label: What the picture shows.
      across: The horizontal axis.
      up: The vertical axis.
      marks: Places on the horizontal axis, with a word.
      width: In pixels.
      height: In pixels.
      square: Both axes go from 0 to 1.
      diagonal: The diagonal is drawn as well.
    """
    points = [point for _, each in series for point in each if all(map(math.isfinite, point))]
    low, high = (0.0, 1.0) if square else span([y for _, y in points])
    # A loss that falls through decades says nothing on an even axis.
    log = not square and low > 0 and high / low > 30
    ends = (0.0, 1.0) if square else span([x for x, _ in points] + [at for at, _ in marks])
    x, y = Scale(*ends, LEFT, width - RIGHT), Scale(low, high, height - BOTTOM, TOP + 12, log)
    counted = bool(points) and not square and all(at == round(at) for at, _ in points)
    parts = axes(x, y, across=across, up="", whole=counted)
    if diagonal:
        parts.append(line(x(0), y(0), x(1), y(1), "grid"))
    for at, word in marks:
        right = x(at) > (x.start + x.end) / 2
        parts += [
            line(x(at), y.start, x(at), y.end, "mark"),
            text(x(at) + (-4 if right else 4), y.end + 10, word, anchor="end" if right else "start"),
        ]
    for place, (_, each) in enumerate(series):
        kept = [(x(a), y(b)) for a, b in each if math.isfinite(a) and math.isfinite(b)]
        parts.append(path(kept, f"s{place} line"))
        if len(kept) < 20:
            parts += [tag("circle", cx=f"{a:.1f}", cy=f"{b:.1f}", r="2.5", class_=f"s{place} dot") for a, b in kept]
    names = [name for name, _ in series]
    return svg(width, height, *parts, *legend(names, x=LEFT), text(width - RIGHT, 13, up, anchor="end"), label=label)


def steps(
    series: Sequence[tuple[str, Sequence[tuple[float, float, float]]]], *, label: str, width: float = 330
) -> Html:
    """Draws distributions of numbers over one another, each as its share a unit of the axis.

    Args:
      series: Name, and buckets as low, high and number of values.
      label: What the picture shows.
      width: In pixels.
    """
    known = [(name, [each for each in buckets if all(map(math.isfinite, each))]) for name, buckets in series]
    x = Scale(*span([end for _, buckets in known for low, high, _ in buckets for end in (low, high)]), 8, width - 8)
    least = (x.high - x.low) / 200
    outlines = []
    for _, buckets in known:
        total = sum(count for _, _, count in buckets) or 1
        outlines.append([(low, high, count / total / max(high - low, least)) for low, high, count in buckets])
    y = Scale(0, max((part for outline in outlines for _, _, part in outline), default=0) or 1, 118, 24)
    parts: list[Html] = [line(8, 118, width - 8, 118, "axis")]
    for tick in x.ticks(4):
        parts.append(text(x(tick), 132, number(tick, 4), anchor="middle"))
    for place, outline in enumerate(outlines):
        corners = [
            (a, b) for low, high, part in outline for a, b in ((x(low), y(part)), (max(x(high), x(low) + 1), y(part)))
        ]
        if corners:
            closed = [(corners[0][0], 118.0), *corners, (corners[-1][0], 118.0)]
            parts.append(path(closed, f"s{place} {'area' if place == 0 else 'line'}"))
    return svg(width, 138, *parts, *legend([name for name, _ in known], x=8), label=label)


def bars(
    rows: Sequence[tuple[str, Sequence[float | None]]],
    names: Sequence[str],
    *,
    label: str,
    told: Callable[[float], str | None] = number,
    width: float = 330,
    room: int = 16,
) -> Html:
    """Draws lying bars, one for each series in each row.

    Args:
      rows: Name of a row, and its value in each series.
      names: Of the series.
      label: What the picture shows.
      told: How a value is said.
      width: In pixels.
      room: Characters of a row's name.
    """
    left, thick = 8 + 7 * min(room, max((len(name) for name, _ in rows), default=0)), 12 if len(names) == 1 else 7
    values = [value for _, each in rows for value in each if value is not None]
    x = Scale(*span(values, zero=True), left, width - 62)
    top = 22 if len(names) > 1 else 4
    step = thick * len(names) + 6
    parts: list[Html] = legend(names, x=8) if len(names) > 1 else []
    for number_, (name, each) in enumerate(rows):
        y = top + number_ * step
        parts.append(text(left - 5, y + step / 2 + 1, short(name, room), anchor="end"))
        for place, value in enumerate(each):
            if value is not None:
                at = sorted((x(0), x(value)))
                tip = f"{name}, {names[place]}: {told(value)}"
                parts.append(rect(at[0], y + place * thick, max(at[1] - at[0], 1), thick - 1, f"s{place} bar", tip))
        if len(names) == 1 and each[0] is not None:
            parts.append(text(max(x(0), x(each[0])) + 4, y + 10, told(each[0])))
    return svg(width, top + step * len(rows) + 4, *parts, label=label)
