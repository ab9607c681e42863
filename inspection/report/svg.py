"""SVG charts: scales, axes, lines, histograms and bars. Colors are in style.css."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from inspection.report.markup import Html, tag
from inspection.text_output import number

Point = tuple[float, float]
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 22, 34
"""Margins of a chart, in pixels."""


class Scale(NamedTuple):
    """Mapping of values to positions on an axis.

    Attributes:
      low: Smallest value.
      high: Largest value.
      start: Position of the smallest value, in pixels.
      end: Position of the largest value, in pixels.
      log: Whether the axis is logarithmic.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the position of a value; one outside of the axis is clipped to its end."""
        value = min(max(value, self.low), self.high)
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        fraction = ((math.log(value) if self.log else value) - low) / (high - low) if high > low else 0.5
        return self.start + (self.end - self.start) * fraction

    def ticks(self, count: int = 5) -> list[float]:
        """Return about this many round values."""
        if self.log:
            powers = range(math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9) + 1)
            return [10.0**power for power in powers][:: max(1, len(powers) // count)] or [self.low, self.high]
        width = self.high - self.low
        if not width > 0 or not math.isfinite(width):
            return [self.low]
        rough = width / count
        step = 10 ** math.floor(math.log10(rough))
        step = next((step * factor for factor in (1, 2, 5, 10) if step * factor >= rough), step * 10)
        first_step = math.ceil(self.low / step - 1e-9)
        return [index * step for index in range(first_step, math.floor(self.high / step + 1e-9) + 1)]


def svg(width: float, height: float, *parts: object, label: str) -> Html:
    """Return a chart with a label for screen readers."""
    sizes = {"viewBox": f"0 0 {width:g} {height:g}", "width": f"{width:g}", "height": f"{height:g}"}
    return tag("svg", tag("title", label), *parts, **sizes, role="img", aria_label=label, class_="chart")


def text(x: float, y: float, content: object, *, anchor: str = "start", class_: str | None = None) -> Html:
    """Return a text."""
    return tag("text", content, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor, class_=class_)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Html:
    """Return a straight line."""
    return tag("line", x1=f"{x1:.1f}", y1=f"{y1:.1f}", x2=f"{x2:.1f}", y2=f"{y2:.1f}", class_=class_)


def rect(x: float, y: float, width: float, height: float, class_: str, tip: str | None = None, **more: object) -> Html:
    """Return a rectangle with an optional tooltip."""
    sizes = {"x": f"{x:.1f}", "y": f"{y:.1f}", "width": f"{max(width, 0):.1f}", "height": f"{max(height, 0):.1f}"}
    return tag("rect", tag("title", tip) if tip else None, **sizes, class_=class_, **more)


def path(points: Sequence[Point], class_: str) -> Html:
    """Return a line through points."""
    return tag("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in points), class_=class_)


def short(text_: str, max_chars: int) -> str:
    """Truncate a text to a number of characters."""
    return text_ if len(text_) <= max_chars else f"{text_[: max_chars - 1]}…"


def legend(names: Sequence[str], *, x: float, y: float = 13) -> list[Html]:
    """Return the names of the series with their colors."""
    parts = []
    for index, name in enumerate(names):
        parts += [rect(x, y - 8, 9, 9, f"s{index} key"), text(x + 12, y, short(name, 18))]
        x += 24 + 6.2 * min(len(name), 18)
    return parts


def span(values: Sequence[float], *, zero: bool = False) -> tuple[float, float]:
    """Return the range of the finite values, widened if they are all equal; with `zero`, the range includes 0."""
    finite = [value for value in values if math.isfinite(value)] + ([0.0] if zero else [])
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    if low == high:
        margin = abs(low) / 2 or 0.5
        return (low, high + margin) if zero else (low - margin, high + margin)
    return low, high


def axes(x: Scale, y: Scale, *, x_label: str, y_label: str, integers: bool = False) -> list[Html]:
    """Return both axes of a chart with ticks; with `integers`, only ticks at integers on the x axis."""
    parts = []
    for tick in y.ticks():
        parts += [
            line(x.start, y(tick), x.end, y(tick), "grid"),
            text(x.start - 5, y(tick) + 4, number(tick, 4), anchor="end"),
        ]
    for tick in x.ticks(6):
        if integers and tick != round(tick):
            continue
        parts.append(text(x(tick), y.start + 14, number(tick, 4), anchor="middle"))
    parts += [
        line(x.start, y.start, x.end, y.start, "axis"),
        text((x.start + x.end) / 2, y.start + 28, x_label, anchor="middle"),
    ]
    return [*parts, text(x.start - LEFT + 4, 13, y_label, class_="up")]


def lines(
    series: Sequence[tuple[str, Sequence[Point]]],
    *,
    label: str,
    x_label: str,
    y_label: str,
    marks: Sequence[tuple[float, str]] = (),
    width: float = 420,
    height: float = 240,
    square: bool = False,
    diagonal: bool = False,
) -> Html:
    """Return a line chart.

    Args:
      series: Name and points of each line.
      label: Text for screen readers.
      x_label: Label of the x axis.
      y_label: Label of the y axis.
      marks: Positions on the x axis, with their labels.
      width: In pixels.
      height: In pixels.
      square: Whether both axes go from 0 to 1.
      diagonal: Whether to draw the diagonal.
    """
    points = [point for _, series_points in series for point in series_points if all(map(math.isfinite, point))]
    low, high = (0.0, 1.0) if square else span([y for _, y in points])
    # A loss that falls by orders of magnitude needs a logarithmic axis.
    log = not square and low > 0 and high / low > 30
    x_range = (0.0, 1.0) if square else span([x for x, _ in points] + [position for position, _ in marks])
    x, y = Scale(*x_range, LEFT, width - RIGHT), Scale(low, high, height - BOTTOM, TOP + 12, log)
    integers = bool(points) and not square and all(position == round(position) for position, _ in points)
    parts = axes(x, y, x_label=x_label, y_label="", integers=integers)
    if diagonal:
        parts.append(line(x(0), y(0), x(1), y(1), "grid"))
    for position, mark in marks:
        right = x(position) > (x.start + x.end) / 2
        parts += [
            line(x(position), y.start, x(position), y.end, "mark"),
            text(x(position) + (-4 if right else 4), y.end + 10, mark, anchor="end" if right else "start"),
        ]
    for index, (_, series_points) in enumerate(series):
        finite = [
            (x(x_value), y(y_value))
            for x_value, y_value in series_points
            if math.isfinite(x_value) and math.isfinite(y_value)
        ]
        parts.append(path(finite, f"s{index} line"))
        if len(finite) < 20:
            parts += [
                tag("circle", cx=f"{x_value:.1f}", cy=f"{y_value:.1f}", r="2.5", class_=f"s{index} dot")
                for x_value, y_value in finite
            ]
    names = [name for name, _ in series]
    return svg(
        width, height, *parts, *legend(names, x=LEFT), text(width - RIGHT, 13, y_label, anchor="end"), label=label
    )


def histograms(
    series: Sequence[tuple[str, Sequence[tuple[float, float, float]]]], *, label: str, width: float = 330
) -> Html:
    """Return overlaid histograms of numbers, as densities.

    Args:
      series: Name, and buckets as low, high and number of values.
      label: Text for screen readers.
      width: In pixels.
    """
    finite = [(name, [bucket for bucket in buckets if all(map(math.isfinite, bucket))]) for name, buckets in series]
    x = Scale(
        *span([bound for _, buckets in finite for low, high, _ in buckets for bound in (low, high)]), 8, width - 8
    )
    min_width = (x.high - x.low) / 200
    outlines = []
    for _, buckets in finite:
        total = sum(count for _, _, count in buckets) or 1
        outlines.append([(low, high, count / total / max(high - low, min_width)) for low, high, count in buckets])
    y = Scale(0, max((density for outline in outlines for _, _, density in outline), default=0) or 1, 118, 24)
    parts: list[Html] = [line(8, 118, width - 8, 118, "axis")]
    for tick in x.ticks(4):
        parts.append(text(x(tick), 132, number(tick, 4), anchor="middle"))
    for index, outline in enumerate(outlines):
        corners = [
            (x_position, y_position)
            for low, high, density in outline
            for x_position, y_position in ((x(low), y(density)), (max(x(high), x(low) + 1), y(density)))
        ]
        if corners:
            closed = [(corners[0][0], 118.0), *corners, (corners[-1][0], 118.0)]
            parts.append(path(closed, f"s{index} {'area' if index == 0 else 'line'}"))
    return svg(width, 138, *parts, *legend([name for name, _ in finite], x=8), label=label)


def bars(
    rows: Sequence[tuple[str, Sequence[float | None]]],
    names: Sequence[str],
    *,
    label: str,
    format_value: Callable[[float], str | None] = number,
    width: float = 330,
    name_chars: int = 16,
) -> Html:
    """Return horizontal bars, one for each series in each row.

    Args:
      rows: Name of a row, and its value in each series.
      names: Names of the series.
      label: Text for screen readers.
      format_value: Formats a value.
      width: In pixels.
      name_chars: Maximum length of a row's name.
    """
    left, bar_height = (
        8 + 7 * min(name_chars, max((len(name) for name, _ in rows), default=0)),
        12 if len(names) == 1 else 7,
    )
    values = [value for _, row_values in rows for value in row_values if value is not None]
    x = Scale(*span(values, zero=True), left, width - 62)
    top = 22 if len(names) > 1 else 4
    step = bar_height * len(names) + 6
    parts: list[Html] = legend(names, x=8) if len(names) > 1 else []
    for row, (name, row_values) in enumerate(rows):
        y = top + row * step
        parts.append(text(left - 5, y + step / 2 + 1, short(name, name_chars), anchor="end"))
        for index, value in enumerate(row_values):
            if value is not None:
                ends = sorted((x(0), x(value)))
                tip = f"{name}, {names[index]}: {format_value(value)}"
                parts.append(
                    rect(
                        ends[0], y + index * bar_height, max(ends[1] - ends[0], 1), bar_height - 1, f"s{index} bar", tip
                    )
                )
        if len(names) == 1 and row_values[0] is not None:
            parts.append(text(max(x(0), x(row_values[0])) + 4, y + 10, format_value(row_values[0])))
    return svg(width, top + step * len(rows) + 4, *parts, label=label)
