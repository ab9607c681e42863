"""A cell of a CSV file means the same in ingestion and in the signature `serving_rows`."""

import contextlib
import csv
import functools

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from components.ingestion import sources
from components.ingestion.parsing import casting
from models.transform_graph import text_cells
from spec.cells.cleaning import Rules
from spec.cells.date_format import DateFormat
from spec.cells.number_format import NumberFormat
from spec.data import Data

DTYPES = {"INT": tf.int64, "FLOAT": tf.float32, "BYTES": tf.string}
NULLS = ("", "?", "NA", "-999", "1e2", "7.50", "1900-01-01")
RULES = {
    "default": Rules(True, NULLS),
    "no null value": Rules(False, ()),
    "no whitespace stripped": Rules(False, ("", "?")),
    "decimal comma": Rules(True, NULLS, numbers=NumberFormat(",", ".", ("\u20ac", "%"))),
    "accounting": Rules(True, NULLS, numbers=NumberFormat(".", ",", ("$", "()"))),
    "SAP": Rules(True, NULLS, numbers=NumberFormat(",", ".", ("-", "\u20ac", ",-"))),
    "spaces": Rules(True, NULLS, numbers=NumberFormat(",", " ")),
    "lower case": Rules(True, NULLS, fold_case=True),
    "day first": Rules(True, NULLS, date=DateFormat("DD.MM.YYYY")),
    "short year": Rules(True, NULLS, date=DateFormat("MON DD, YY")),
    "seconds": Rules(True, NULLS, date=DateFormat("epoch_s")),
    "Chinese": Rules(True, NULLS, date=DateFormat("YYYY\u5e74MM\u6708DD\u65e5")),
    "Excel": Rules(True, NULLS, date=DateFormat("excel_days")),
}
PARTS = st.sampled_from(
    [*"0123456789", *".,-+/:' $%()eE?\u20ac\u00a0\u2212\u2003\u0130\u03a3\u00fc\n", "NA", "nan", "Jan "]
)
NUMBERS = st.one_of(st.integers(), st.floats(), st.floats(width=32)).map(str)
WRITTEN = st.sampled_from(
    [
        "1.234,5 \u20ac",
        "2024\u5e743\u67085\u65e58\u664230\u5206",
        "1.234,50-",
        "0,250-",
        "00012,50+",
        "45296.5625",
        "12,-",
        "(1,234.50)",
        "1 234,5",
        "5.1.2024 13:30",
        "Jan 5, 24",
        "1704461400",
        "1900-01-01",
        "+7",
        "inf",
    ]
)
SPACES = st.sampled_from(["", "", " ", "\u00a0\t"])
CELLS = st.one_of(
    *(
        st.from_regex(r"-?[0-9]{0,40}[.,]?[0-9]{0,40}(e-?[0-9]{1,2})?", fullmatch=True),
        st.lists(PARTS, max_size=6).map("".join),
        st.text(max_size=6),
        NUMBERS,
        WRITTEN,
        st.sampled_from(NULLS),
    )
)
PADDED = st.tuples(SPACES, CELLS, SPACES).map("".join)


@functools.cache
def graph(kind, rules, nullable=True):
    """The conversion as a graph, traced once."""
    dtype = DTYPES[kind]
    function = tf.function(
        lambda texts: text_cells.parse(texts[:, tf.newaxis], dtype, rules, ["size"], nullable=nullable)[:, 0],
        autograph=False,
    )
    return function.get_concrete_function(tf.TensorSpec([None], tf.string))


@pytest.fixture(scope="module", autouse=True)
def _released():
    """Lets go of the graphs while TensorFlow is still there."""
    yield
    graph.cache_clear()
    together.cache_clear()


def ingested(cell, kind, rules):
    """The cell after ingestion; "refused" where it is refused. The graph knows no NaN and no "" but null."""
    try:
        value = casting.cast(pa.array([cell], pa.string()), kind, rules)[0].as_py()
    except casting.BadCellError:
        return "refused"
    return plain(value)


def plain(value):
    """None for what the graph takes as null."""
    if value in ("", tf.int64.min) or value != value:
        return None
    # TensorFlow flushes denormal numbers to zero.
    return 0.0 if isinstance(value, float) and abs(value) < np.finfo(np.float32).tiny else value


def served(values):
    """Cells of the graph's result, None for null."""
    cells = [value.decode() if isinstance(value, bytes) else value for value in values.numpy().tolist()]
    return [plain(cell) for cell in cells]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (name, kind)
        for name, rules in RULES.items()
        for kind in DTYPES
        if (kind == "BYTES") == (rules.date is not None or rules.fold_case)
        or name in ("default", "no null value", "no whitespace stripped")
    ],
)
@settings(max_examples=20)
@given(cells=st.lists(PADDED, min_size=1, max_size=8))
def test_a_cell_means_the_same_in_ingestion_and_in_a_served_row(name, kind, cells):
    rules = RULES[name]
    # Arrow reads hexadecimal integers, which no file of decimal numbers has.
    cells = [cell for cell in cells if "\0" not in cell and "0x" not in cell.lower()]
    by_cell = {cell: ingested(cell, kind, rules) for cell in cells}
    good = [cell for cell, value in by_cell.items() if value != "refused"]

    assert served(graph(kind, rules)(tf.constant(good, tf.string))) == [by_cell[cell] for cell in good]
    for cell in by_cell.keys() - set(good):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"column .*size.* must hold"):
            graph(kind, rules)(tf.constant([cell]))


@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("null", ["", " ", "NA", "-999", "\u00a0?"])
def test_a_null_in_a_required_column_is_refused_by_name(kind, null):
    converted = graph(kind, RULES["default"], nullable=False)
    assert len(served(converted(tf.constant(["1", "2"])))) == 2
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"column .*size.* must have a value in every row"):
        converted(tf.constant(["1", null]))


def test_a_blank_text_is_a_value_unless_it_is_a_null_value():
    assert graph("BYTES", RULES["no null value"], nullable=False)(tf.constant([""])).numpy().tolist() == [b""]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "0.1" + "0" * 40,
            "-" + "9" * 40,
            "1" + "0" * 37 + ".5",
            "0." + "0" * 40 + "7",
            "." + "3" * 31,
            "3." + "0" * 30,
        ),
        *(
            "0" * 40,
            "0" * 31 + "7",
            "1" + "0" * 50 + "e-45",
            "1234567890123456789012345678.5E+3",
            "1e" + "0" * 40 + "3",
        ),
        *("2." + "5" * 28, "7" * 50),
    ],
)
def test_a_number_of_many_digits_is_read_alike(text):
    rules = RULES["default"]
    [value] = served(graph("FLOAT", rules)(tf.constant([text])))
    assert value == ingested(text, "FLOAT", rules)


@functools.cache
def together(kind, rules):
    """The conversion of three columns at once."""
    function = tf.function(
        lambda texts: text_cells.parse(texts, DTYPES[kind], rules, ["a", "size", "c"], nullable=True), autograph=False
    )
    return function.get_concrete_function(tf.TensorSpec([None, 3], tf.string))


@pytest.mark.parametrize(
    ("name", "kind"),
    [("default", "INT"), ("default", "FLOAT"), ("default", "BYTES"), ("accounting", "FLOAT"), ("seconds", "BYTES")],
)
@settings(max_examples=20)
@given(cells=st.lists(PADDED, min_size=1, max_size=8))
def test_columns_with_the_same_rules_are_read_as_each_alone(name, kind, cells):
    rules = RULES[name]
    alone = {}
    for cell in ["1", *cells]:
        with contextlib.suppress(tf.errors.InvalidArgumentError):
            [alone[cell]] = graph(kind, rules)(tf.constant([cell])).numpy().tolist()
    good = list(alone)
    rows = [[cell, good[-1], good[0]] for cell in good]
    expected = [[alone[cell] for cell in row] for row in rows]

    actual = together(kind, rules)(tf.constant(rows)).numpy().tolist()
    np.testing.assert_equal(actual, expected)
    for cell in set(cells) - alone.keys():
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"column \W*size\W* must"):
            together(kind, rules)(tf.constant([*rows, [good[0], cell, good[0]]]))


COLUMNS = {"size": "FLOAT", "rooms": "INT", "zone": "BYTES"}
ROWS = [
    ["3.5", "2", "north"],
    [" ?", " 7 ", " "],
    ["NA", "", "NA"],
    ["+.5", "-0", "\u00a0Z\u00fcrich\u3000"],
    ["1e39", "NA", '\u65e5\u672c, "x"'],
    ["nan", "+12", "?"],
    ["-1E-3", "9223372036854775807", "never seen"],
]


@pytest.mark.parametrize("decimal", [".", ","])
def test_a_csv_file_and_its_cells_as_texts_are_read_alike(tmp_path, decimal):
    rows = [[cell.replace(".", decimal) for cell in row] for row in ROWS]
    with open(tmp_path / "rows.csv", "w", newline="") as file:
        csv.writer(file).writerows([list(COLUMNS), *rows])
    data = Data.model_validate({"path": "x", "csv": {"decimal": decimal}})
    table = pa.Table.from_batches(sources.batches(str(tmp_path / "rows.csv"), data, COLUMNS)).to_pydict()

    for place, (name, kind) in enumerate(COLUMNS.items()):
        cells = graph(kind, data.cleaning.rules(name))(tf.constant([row[place] for row in rows]))
        assert served(cells) == [plain(cell) for cell in table[name]], name
    assert np.isinf(table["size"][4])
    assert table["zone"] == [
        "north",
        None,
        None,
        "Z\u00fcrich",
        '\u65e5\u672c, "x"'.replace(".", decimal),
        None,
        "never seen",
    ]
