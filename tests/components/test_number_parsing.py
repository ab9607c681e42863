import pyarrow as pa
import pytest

from components.ingestion import sources
from components.ingestion.parsing import number_parsing
from components.ingestion.readers import csv as csv_source
from errors import UserError
from spec.cells.number_format import NumberFormat
from spec.data import Data

FORMS = {
    "German": NumberFormat(",", "."),
    "English": NumberFormat(".", ",", ("$", "%", "()", "EUR")),
    "French": NumberFormat(",", " "),
    "Swiss": NumberFormat(".", "'"),
    "typographic": NumberFormat(units=("\u2212",)),
}


@pytest.mark.parametrize(
    ("form", "text", "number"),
    [
        *[("German", text, number) for text, number in [("1.234,5", 1234.5), ("3,14", 3.14), ("-1.000.000", -1e6)]],
        *[("German", text, number) for text, number in [("1234", 1234), (",5", 0.5), ("+2,5e3", 2500), ("1,", 1)]],
        *[("German", text, None) for text in ["3.14", "1.23,4", "1,2,3", "1 234", "x", "", "1.2345", "1234.567"]],
        ("German", "(1.234)", None),
        *[("English", text, number) for text, number in [("$1,234.50", 1234.5), ("-$5", -5), ("$-5", -5)]],
        *[("English", text, number) for text, number in [("(1,234)", -1234), ("($5.5)", -5.5), ("45 %", 45)]],
        *[("English", text, number) for text, number in [("12,34,567", 1234567), ("\u22124", -4), ("EUR 5", 5)]],
        *[("English", text, number) for text, number in [("5\u00a0EUR", 5), ("nan", float("nan")), ("-inf", -1e999)]],
        *[
            ("English", text, None)
            for text in ["--5", "-$-5", "(-5)", "($-5)", "1,23", "5 USD", "$", "1,2345", "5 5", "(5"]
        ],
        *[("French", text, number) for text, number in [("38\u00a0367", 38367), ("1\u202f234,5", 1234.5)]],
        *[("French", text, None) for text in ["12 34", "1.5"]],
        *[
            ("typographic", text, number)
            for text, number in [("\u22124.5", -4.5), ("4", 4), ("+4", 4), ("4\u2212", None)]
        ],
        *[("Swiss", text, number) for text, number in [("1'234.5", 1234.5), ("1\u2019234", 1234)]],
    ],
)
def test_a_number_is_read_in_its_format_only(form, text, number):
    texts = pa.array([text, None])
    fits = number_parsing.fits(texts, FORMS[form]).to_pylist()

    assert fits == [number is not None, None]
    if number is not None:
        [read, missing] = number_parsing.plain(texts, FORMS[form]).to_pylist()
        assert (repr(float(read)), missing) == (repr(float(number)), None)


@pytest.fixture
def read(tmp_path):
    def run(text, csv, columns=None):
        (tmp_path / "table.csv").write_text(text)
        settings = Data(path="not read", csv=csv)
        kinds = {"n": "INT", "x": "FLOAT", "t": "BYTES"} if columns is None else columns
        return pa.Table.from_batches(sources.batches(str(tmp_path / "table.csv"), settings, kinds)).to_pydict()

    return run


TEXT = 'n;x;t\n1.234;"1.000,5";1.234\n ? ;-3,25 ; "2,0"\n12;;"3"\n'


@pytest.mark.parametrize("block", [24, 1 << 20])
def test_columns_of_numbers_follow_the_format_and_texts_do_not(read, monkeypatch, block):
    monkeypatch.setattr(csv_source, "BLOCK_BYTES", block)

    assert read(TEXT, {"delimiter": ";", "decimal": ",", "thousands": "."}) == {
        "n": [1234, None, 12],
        "x": [1000.5, -3.25, None],
        "t": ["1.234", '"2,0"', "3"],
    }


def test_columns_beside_the_schema_are_numbers_where_all_cells_are(read):
    table = read(TEXT, {"delimiter": ";", "decimal": ",", "thousands": ".", "quote": '"'}, {})

    assert (table["n"], table["x"]) == ([1234, None, 12], [1000.5, -3.25, None])
    assert table["t"] == ["1.234", '"2,0"', "3"]


def test_a_minus_after_the_number_is_one_where_units_say_so(read):
    table = read('n,x\n12-,"1,250.50-"\n3,"-2.5"\n-,7 USD-\n', {"thousands": ",", "units": ["-", "USD"]}, {})
    assert (table["n"], table["x"]) == (["12-", "3", "-"], [-1250.5, -2.5, -7])
    table = read("n,x,t\n0000012-,000012.50-,a\n0000013+,000001.25+,b\n", {"units": ["-"]})
    assert (table["n"], table["x"]) == ([-12, 13], [-12.5, 1.25])
    with pytest.raises(UserError, match="invalid value '-5-'"):
        read("n,x,t\n1,2,a\n-5-,3,b\n", {"units": ["-"]})


def test_columns_that_csv_plain_names_have_a_decimal_point(read):
    csv = {"delimiter": ";", "decimal": ",", "plain": ["x"]}
    assert read("n;x;t\n1;2.5;1,5\n2;-3e2;7,5\n", csv) == {"n": [1, 2], "x": [2.5, -300], "t": ["1,5", "7,5"]}
    assert read("n;x;t\n1;2.5;1,5\n2;-3e2;7,5\n", csv, {})["t"] == [1.5, 7.5]
    with pytest.raises(UserError, match=r"invalid value '2,5'"):
        read("n;x;t\n1;2,5;a\n", csv)


@pytest.mark.parametrize("csv", [{"decimal": ","}, {"decimal": ",", "thousands": "."}], ids=["decimal", "thousands"])
def test_a_number_of_another_format_stops_with_its_place_and_the_key(read, csv):
    text = "n;x;t\n" + "1;2,5;a\n" * 3 + "1;3.14;a\n"
    keys = 'decimal = ","' + (', thousands = "."' if "thousands" in csv else "")
    expected = (
        rf"table\.csv: column 'x', row 5: .*invalid value '3\.14', where data\.csv says that numbers have {keys} "
        r"\(data\.csv\.plain names the columns with a decimal point\)$"
    )
    with pytest.raises(UserError, match=expected):
        read(text, {"delimiter": ";", **csv})


@pytest.mark.parametrize(
    ("csv", "message"),
    [
        ({"decimal": ",", "thousands": ","}, "decimal and thousands must differ"),
        ({"units": ["5"]}, "units are signs without digits"),
        ({"units": [" "]}, "units are signs without digits"),
    ],
)
def test_a_format_that_cannot_be_is_refused(csv, message):
    with pytest.raises(ValueError, match=message):
        Data(path="x", csv=csv)
