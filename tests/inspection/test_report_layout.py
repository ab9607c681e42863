"""Layout of charts: no clipped or overlapping parts, and equal to the files in tests/inspection/charts.

The files were checked in a browser; `CHARTS=write` writes them again, to be checked again.
"""

import itertools
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from inspection.report import charts, svg
from inspection.report.sections import graph_section

CHECKED = Path(__file__).parent / "charts"
STYLED = '<?xml-stylesheet href="../../../inspection/report/style.css"?>'

NAMES = ["bern", "basel", "a city of a very long name indeed"]
CURVE = [(float(epoch), 40.0 / epoch) for epoch in range(1, 31)]
BUCKETS = [(float(low), low + 1.0, 5.0 + low) for low in range(8)]
CHARTS = {
    "lines": svg.lines(
        [("train", CURVE), ("eval", [(x, 1 + y) for x, y in CURVE])],
        label="l",
        x_label="epoch",
        y_label="loss",
        marks=[(3.0, "best: 3"), (30.0, "stopped early: 30")],
    ),
    "few-points": svg.lines([("train", [(1, 5.0), (2, 4.0)])], label="l", x_label="epoch", y_label="mae"),
    "square": svg.lines(
        [("ROC", [(0, 0), (0.2, 0.7), (1, 1)])],
        label="r",
        x_label="false positives",
        y_label="true positives",
        square=True,
        diagonal=True,
    ),
    "steps": svg.histograms([("train", BUCKETS), ("eval", [(low, high, 1.0) for low, high, _ in BUCKETS])], label="s"),
    "bars": svg.bars([(name, [9.0 - 6 * place]) for place, name in enumerate(NAMES)], ["importance"], label="b"),
    "pairs-of-bars": svg.bars([(name, [0.5, 0.25]) for name in NAMES], ["train", "eval"], label="b"),
    "intervals": charts.intervals([(name, 0.5, [0.4, 0.9], 0.55) for name in NAMES], label="i"),
    "matrix": charts.matrix([[9, 1, 0], [5, 5, 2], [0, 0, 7]], NAMES, NAMES, label="m"),
    "points": charts.points(
        [(float(x), 2.0 * x) for x in range(-3, 9)], label="p", x_label="label", y_label="answer", diagonal=True
    ),
    "graph": graph_section.draw(
        {name: (name, "COMPLETE 12.5 s", "COMPLETE") for name in "abcd"},
        [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")],
        label="g",
    ),
    "bars-beside-none": svg.bars([("a", [None, -2.0]), ("b", [1e6, None])], ["train", "eval"], label="b"),
    "one-value": svg.lines(
        [("train", [(4, 0.0)])], label="l", x_label="epoch", y_label="mae", marks=[(4.0, "best: 4")]
    ),
}


def numbers(element, *names):
    return tuple(float(element.get(name)) for name in names)


def kind(element):
    return element.tag.rpartition("}")[2]


def box(element):
    """Left, top, right and bottom of an element; a text is about 6 pixels a letter wide and 10 high."""
    if kind(element) == "text":
        (x, y), wide = numbers(element, "x", "y"), 5.5 * len(element.text or "")
        left = x - wide * {"start": 0, "middle": 0.5, "end": 1}[element.get("text-anchor", "start")]
        return left, y - 9, left + wide, y + 1
    if kind(element) == "rect":
        x, y, width, height = numbers(element, "x", "y", "width", "height")
        return x, y, x + width, y + height
    if kind(element) == "circle":
        x, y, radius = numbers(element, "cx", "cy", "r")
        return x - radius, y - radius, x + radius, y + radius
    if kind(element) == "line":
        x1, y1, x2, y2 = numbers(element, "x1", "y1", "x2", "y2")
        return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)
    if kind(element) == "polyline":
        points = [tuple(map(float, point.split(","))) for point in element.get("points").split()]
        xs, ys = zip(*points, strict=True)
        return min(xs), min(ys), max(xs), max(ys)
    return None


def boxes(picture):
    root = ElementTree.fromstring(picture)
    root = root if kind(root) == "svg" else next(element for element in root.iter() if kind(element) == "svg")
    return root, [(element, bounds) for element in root.iter() if (bounds := box(element)) is not None]


@pytest.mark.parametrize("name", CHARTS)
def test_all_of_a_chart_is_within_its_edges(name):
    root, placed = boxes(CHARTS[name])
    width, height = numbers(root, "width", "height")

    assert root.get("viewBox") == f"0 0 {width:g} {height:g}"
    assert len(placed) > 4
    for element, (left, top, right, bottom) in placed:
        assert left >= -1, ElementTree.tostring(element)
        assert top >= -1, ElementTree.tostring(element)
        assert right <= width + 1, ElementTree.tostring(element)
        assert bottom <= height + 1, ElementTree.tostring(element)
    # Nor is much of it empty below.
    assert max(bottom for _, (*_, bottom) in placed) > height - 16


@pytest.mark.parametrize("name", CHARTS)
def test_no_texts_overlap(name):
    _, placed = boxes(CHARTS[name])
    texts = [(element.text, place) for element, place in placed if kind(element) == "text"]
    assert len(texts) > 1

    for (first_text, first_box), (second_text, second_box) in itertools.combinations(texts, 2):
        apart = (
            first_box[2] <= second_box[0]
            or second_box[2] <= first_box[0]
            or first_box[3] <= second_box[1]
            or second_box[3] <= first_box[1]
        )
        assert apart, (first_text, second_text)


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_equals_the_one_that_was_checked_in_a_browser(name):
    path = CHECKED / f"{name}.svg"
    root, _ = boxes(CHARTS[name])
    root.set("xmlns", "http://www.w3.org/2000/svg")
    ElementTree.indent(root)
    drawn = f"{STYLED}\n{ElementTree.tostring(root, encoding='unicode')}\n"
    if os.environ.get("CHARTS") == "write":
        path.write_text(drawn)

    assert drawn == path.read_text(), f"check {path} in a browser after CHARTS=write"
