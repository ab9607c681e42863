"""Markup, scales and charts of reports."""

import math
import re

import pytest

from inspection.read.column_statistics import Column, Split
from inspection.report import charts, markup, svg
from inspection.report.markup import Html, safe, table, tag
from inspection.report.sections import data_section
from inspection.report.sections.graph_section import draw


@pytest.mark.parametrize(
    ("value", "phrase"),
    [
        ("<b>&\"'", "&lt;b&gt;&amp;&quot;&#x27;"),
        ("a\0b\x1b[31m", "a\\x00b\\x1b[31m"),
        ("\u202egnp", "\\u202egnp"),
        ("\ud800", "\\ud800"),
        (None, "-"),
        (1234567.0, "1,234,567"),
        (True, "yes"),
        (Html("<b>"), "<b>"),
    ],
)
def test_values_become_text(value, phrase):
    assert safe(value) == phrase


def test_attributes_are_escaped_and_left_out():
    assert tag("a", "x", href='"><script>', class_="n", hidden=True, id=None) == (
        '<a href="&quot;&gt;&lt;script&gt;" class="n" hidden>x</a>'
    )


def test_numbers_of_a_table_stand_to_the_right():
    text = table(["a", "b"], [["x", 1.5], ["y", None]])
    assert text.count('<td class="n">') == 1
    assert "<td>-</td>" in text


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0, 10, [0, 2, 4, 6, 8, 10]), (0.13, 0.19, [0.14, 0.16, 0.18]), (-5, 5, [-4, -2, 0, 2, 4]), (3, 3, [3])],
)
def test_ticks_are_round_numbers(low, high, ticks):
    assert svg.Scale(low, high, 0, 100).ticks() == pytest.approx(ticks)


def test_a_logarithmic_scale_puts_powers_of_ten_equally_far_apart():
    scale = svg.Scale(0.01, 100, 0, 400, log=True)
    assert [scale(value) for value in (0.01, 0.1, 1, 10, 100)] == pytest.approx([0, 100, 200, 300, 400])
    assert scale.ticks() == pytest.approx([0.01, 0.1, 1, 10, 100])
    assert scale(0.0001) == 0


def test_a_falling_loss_is_drawn_downwards_and_through_every_epoch():
    text = svg.lines([("train", [(1, 4.0), (2, 2.0), (3, 1.0)])], label="loss", x_label="epoch", y_label="loss")
    [points] = re.findall(r'<polyline points="([^"]*)" class="s0 line">', text)
    heights = [float(point.split(",")[1]) for point in points.split()]
    assert len(heights) == 3
    assert heights == sorted(heights)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.inf, "infinite"),
        (-math.inf, "-infinite"),
        (math.nan, "-"),
        (None, "-"),
        (1e300, "1e+300"),
        (1234.0, "1,234"),
    ],
)
def test_any_number_can_be_a_cell(value, expected):
    assert markup.shown(value) == expected


def test_numbers_that_are_none_are_left_out():
    text = svg.lines([("train", [(1, math.nan), (2, 2.0), (3, math.inf)])], label="l", x_label="x", y_label="y")
    assert "nan" not in text
    assert "inf" not in text


@pytest.mark.parametrize("series", [[], [("train", [])], [("train", [(1, 1)])]])
def test_little_or_nothing_can_be_drawn(series):
    assert svg.lines(series, label="l", x_label="x", y_label="y").startswith("<svg ")
    assert svg.histograms([(name, []) for name, _ in series], label="l").startswith("<svg ")


def test_distributions_of_other_sizes_are_equally_high():
    few_rows, many_rows = ([(0.0, 1.0, count), (1.0, 2.0, count)] for count in (1.0, 1000.0))
    text = svg.histograms([("few", few_rows), ("many", many_rows)], label="l")
    outlines = re.findall(r'<polyline points="([^"]*)"', text)
    assert outlines[0] == outlines[1]


def test_bars_begin_at_zero_to_both_sides():
    text = svg.bars([("up", [2.0]), ("down", [-2.0])], ["change"], label="l")
    boxes = re.findall(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', text)
    (up, wide), (down, wide_too) = [(float(x), float(width)) for x, width in boxes]
    assert down + wide_too == pytest.approx(up, abs=0.2)
    assert wide == pytest.approx(wide_too, abs=0.2)


def test_a_matrix_is_darker_where_more_of_a_row_is():
    text = charts.matrix([[9, 1], [5, 5]], ["a", "b"], ["a", "b"], label="m")
    assert [float(opacity) for opacity in re.findall(r'fill-opacity="([\d.]+)"', text)] == [0.91, 0.17, 0.54, 0.54]


def test_intervals_show_value_reach_and_baseline():
    text = charts.intervals([("all", 0.5, [0.4, 0.6], 0.55), ("none", None, None, None)], label="i")
    assert text.count("dot") == 1
    assert text.count("ring") == 1
    assert text.count("reach") == 1


def test_a_graph_omits_transitive_edges_and_cycles():
    boxes = {name: (name, "", "COMPLETE") for name in "abc"}
    text = draw(boxes, [("a", "b"), ("b", "c"), ("a", "c"), ("c", "a"), ("a", "a")], label="g")
    assert text.count('class="edge"') == 4  # two edges, each with its tip
    places = [float(x) for x in re.findall(r'<rect x="([\d.]+)"', text)]
    assert places == sorted(set(places))


@pytest.mark.parametrize(("fullest", "crowded"), [(998.0, True), (600.0, False)])
def test_a_heavy_tail_is_drawn_between_its_outer_tenths(fullest, crowded):
    even = ((0.0, 500_000.0, fullest), (500_000.0, 1e6, 1000 - fullest))
    tenths = ((-5.0, 1.0, 100.0), *((float(low), low + 1.0, 100.0) for low in range(1, 9)), (9.0, 1e6, 100.0))
    column = Column(name="y", type="FLOAT", count=1000, nulls=0, quantiles=tenths, buckets=even)
    text = data_section._chart(
        "y", [("train", Split(split="train", rows=1000, columns=(column,)))], [{"y": column}], {}
    )
    [drawn] = re.findall(r"<svg.*?</svg>", text, re.DOTALL)

    assert ("1,000,000" in drawn, "one bucket of equal width contains 99.8" in text) == (not crowded, crowded)
    assert "1,000,000" in text, "the table has all of them"


@pytest.mark.parametrize("diagonal", [True, False])
def test_infinite_points_are_left_out(diagonal):
    points = [(1.0, 2.0), (math.inf, 3.0), (4.0, math.nan)]
    text = charts.points(points, label="l", x_label="x", y_label="y", diagonal=diagonal)
    [dots] = re.findall(r'<path d="([^"]*)"', text)
    assert dots.count("M") == 1
