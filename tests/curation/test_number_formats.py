import pyarrow as pa
import pytest

from curation.facts import number_formats
from curation.propose import cell_rules
from spec.cells.cleaning import Cleaning
from spec.cells.number_format import PLAIN, NumberFormat


def detect(delimiter=",", **columns):
    size = max(map(len, columns.values()))
    table = pa.table({name: pa.array((texts * size)[:size], pa.string()) for name, texts in columns.items()})
    return number_formats.detect(table, delimiter)


@pytest.mark.parametrize(
    ("columns", "numbers"),
    [
        ({"a": ["46,892", "1,234"], "b": ["38%", "24%"], "c": ["$2,310.00", "$4"]}, NumberFormat(".", ",", ("%", "$"))),
        ({"a": ["46892,45", "29616"], "b": ["4,16", "5,66"]}, NumberFormat(",")),
        ({"a": ["1.234,5", "29"], "b": ["4,16", "5,66"]}, NumberFormat(",", ".")),
        ({"a": ["38\u00a0367", "759"], "b": ["4.16", "5.66"]}, NumberFormat(".", " ")),
        ({"a": ["38\u202f367,5", "759"]}, NumberFormat(",", " ")),
        ({"a": ["1'234.5", "2\u2019000"]}, NumberFormat(".", "'")),
        ({"a": ["(1,234.5)", "200", "-3.5"]}, NumberFormat(".", ",", ("()",))),
        ({"a": ["19.7 kmpl", "20 kmpl"], "b": ["1248 CC", "99 CC"]}, NumberFormat(units=("kmpl", "CC"))),
        ({"a": ["$5", "7", "-"]}, NumberFormat(units=("$",))),
        ({"a": ["12,34,567", "1,234"]}, NumberFormat(".", ",")),
        ({"a": ["1.5", "2.5"], "b": ["1", "2"]}, PLAIN),
        ({"a": ["1.234,50-", "12,00", "7,5"]}, NumberFormat(",", ".", ("-",))),
        ({"a": ["12.50-", "1.25"], "b": ["3-", "4.5"]}, NumberFormat(units=("-",))),
        ({"a": ["000012.50-", "000001.25+"], "b": ["00003-", "00004+"]}, NumberFormat(units=("-",))),
        ({"a": ["1", "2", "4+"], "b": ["18+", "21+"]}, PLAIN),
        ({"a": ["12.\u2013", "1'250.50"]}, NumberFormat(".", "'", (".\u2013",))),
        ({"a": ["12,-", "1,50"]}, NumberFormat(",", units=(",-",))),
        ({"a": ["0,043", "-0,250", "1,125"]}, NumberFormat(",")),
        ({"a": ["1,104E-03", "2,250E+04"]}, NumberFormat(",")),
        ({"a": ["12-A", "13-B"], "b": ["2024-W05", "2024-W06"], "c": ["1-2", "3-4"]}, PLAIN),
        ({"a": ["\u22121.5", "2.5", "7"], "b": ["1", "2"]}, NumberFormat(units=("\u2212",))),
        ({"a": ["\u22121", "2", "7"]}, NumberFormat(units=("\u2212",))),
        ({"a": ["\u22121,5", "2,25"]}, NumberFormat(",")),
        ({"a": ["000.png", "001.png", "12.png"], "b": ["1.5", "2.5", "7"]}, PLAIN),
        ({"a": ["12A", "12B"], "b": ["3rd", "4th"], "c": ["5a", "7a"]}, PLAIN),
        ({"a": ["2024.01.05", "2023.11.12"], "b": ["10.0.0.1", "10.2.3.4"], "c": ["01.02.2024", "05.03.2023"]}, PLAIN),
        ({"a": ["12:30", "13:40"], "b": ["12345-6789", "12345-0000"], "c": ["1,2", "1,2,3"]}, PLAIN),
    ],
)
def test_a_format_is_detected_from_all_columns(columns, numbers):
    detected = detect(**columns)

    assert (detected.numbers, detected.mixed, detected.ambiguous) == (numbers, {}, {})


@pytest.mark.parametrize(
    ("texts", "examples"),
    [
        (["1.234,50", "2,345.10", "7"], ["1.234,50", "2,345.10"]),
        (["$5", "\u20ac6", "$7"], ["$5", "\u20ac6"]),
        (["45%", "0.45", "50%"], ["45%", "0.45"]),
        (["1.2M", "3.5k", "7k"], ["1.2M", "3.5k"]),
        (["18", "25 years", "40", "61", "rather not say"], ["18", "25 years", "rather not say"]),
    ],
)
def test_a_column_that_no_one_format_reads_is_named(texts, examples):
    detected = detect(mix=texts, other=["1,234.5", "1,000"])

    assert detected.numbers == NumberFormat(".", ",")
    assert list(detected.columns) == ["other"]
    assert [text for _, text in detected.mixed["mix"]] == examples


def test_many_words_among_many_numbers_are_named():
    texts = [*map(str, range(100)), "none", "unknown", "refused"]

    assert detect(age=texts).mixed == {"age": [(0, "0"), (100, "none"), (101, "unknown"), (102, "refused")]}
    assert detect(age=texts[:-1]).mixed == {}
    assert detect(age=texts[98:]).mixed == {}


@pytest.mark.parametrize(("delimiter", "decimal"), [(",", "."), (";", ",")])
def test_an_ambiguous_comma_follows_the_delimiter_and_is_reported(delimiter, decimal):
    detected = detect(delimiter, a=["1,234", "2,345"])

    assert detected.numbers.decimal == decimal
    assert detected.ambiguous == {"a": "1,234"}
    assert detect(delimiter, a=["1,234", "2,345"], b=["1,234.50", "5.0"]).ambiguous == {}
    assert detect(delimiter, a=["1,234", "2,345"], b=["1,23", "4"]).numbers == NumberFormat(",")


def test_the_keys_are_written_and_reported_and_the_cells_read(read):
    data = read('income,share,name\n"46,892",38%,x\n"1,234",-,y\n"5,678",4%,x\n"5,679",3%,x\n')

    assert data.values["csv"] == {"thousands": ",", "units": ["%"]}
    assert data.values["null_values"][-1] == "-"
    assert data.table.to_pydict() == {
        "income": ["46892", "1234", "5678", "5679"],
        "share": ["38", None, "4", "3"],
        "name": ["x", "y", "x", "x"],
    }
    sentence, words = data.findings
    assert words == "'-' among numbers means null: data.null_values"
    assert sentence.startswith('numbers are written with decimal = ".", thousands = ",", units = ["%"]: income (')
    assert "45 % is read as 45" in sentence
    assert "income is ambiguous: '46,892' is read as 46892" in sentence
    assert [line.reason for line in data.lines if line.key == "csv"] == [sentence]


def test_the_keys_of_a_german_file_are_all_written(read):
    data = read("income;rent\n1.234,5;1.575,18 \u20ac\n94.691,36;560,54 \u20ac\n7,25;600,5 \u20ac\n")

    assert data.values["csv"] == {"delimiter": ";", "decimal": ",", "thousands": ".", "units": ["\u20ac"]}
    assert data.table.to_pydict() == {
        "income": ["1234.5", "94691.36", "7.25"],
        "rent": ["1575.18", "560.54", "600.5"],
    }


def test_a_point_that_may_separate_thousands_is_named_with_the_key_for_each_reading(read):
    german = read("lat;price\n52.123;1.234,5\n48.250;7,25\n")
    assert german.values["csv"] == {"delimiter": ";", "decimal": ",", "thousands": "."}
    assert german.findings[-1] == (
        "lat is ambiguous: '52.123' is read as 52123; if that is wrong, set csv = {plain = [\"lat\"]}"
    )
    without = read("lat;price\n52.123;234,5\n48.250;7,25\n")
    assert without.values["csv"] == {"delimiter": ";", "decimal": ",", "plain": ["lat"]}
    alone = read("n;c\n1.123;a\n8.250;b\n")
    assert alone.values["csv"] == {"delimiter": ";"}
    assert alone.findings[-1] == (
        'n is ambiguous: \'1.123\' is read as 1.123; if that is wrong, set csv = {decimal = ",", thousands = "."}'
    )
    assert not any("ambiguous" in finding for finding in read("n,c\n1.123,a\n8.250,b\n").findings)


def test_mixed_formats_are_reported_with_their_lines(read):
    data = read('note,rent\n"a\nb","1.234,50"\nc,"2,345.10"\nd,7\n')

    [sentence] = data.findings
    assert "rent holds numbers in several formats, or numbers and text, and is read as text" in sentence
    assert "'1.234,50' (row 2)" in sentence
    assert "'2,345.10' (row 3, line 4)" in sentence
    assert "csv" not in data.values


def test_amounts_of_credit_and_debit_are_named_with_what_to_write(read):
    data = read('note,balance\na,"1,234.50 DR"\nb,2.25 CR\nc,7.00 CR\n')

    [sentence] = data.findings
    assert sentence.startswith("balance is read as text: they are amounts of credit and debit such as '1,234.50 DR': ")
    assert "csv" not in data.values


def test_zeros_that_fill_the_width_of_amounts_are_not_those_of_codes(read):
    data = read("zip,price\n02134,000012.50-\n01067,000001.25+\n00501,000000.00+\n")

    assert data.values["csv"] == {"units": ["-"]}
    assert data.table.to_pydict() == {"zip": ["02134", "01067", "00501"], "price": ["-12.50", "1.25", "0.00"]}


def test_points_that_no_decimals_explain_separate_thousands(read):
    rows = ['7.270,"1,5"', '934,"2,25"', '12.001,"3,5"']
    with_comma = read("\n".join(["reviews,price", *rows, ""]))
    assert with_comma.values["csv"] == {"decimal": ",", "thousands": "."}
    assert with_comma.table["reviews"].to_pylist() == ["7270", "934", "12001"]
    for values in (["7.270", "934", "0.5"], ["7.271", "934", "12.001"]):
        assert not read("n,c\n" + "".join(f"{value},a\n" for value in values)).findings
    decimals = read("n,c,m\n7.270,a,1.5\n934,b,2.5\n12.001,c,3.75\n")
    assert decimals.values["csv"] == {"decimal": ",", "thousands": ".", "plain": ["m"]}
    english = read('n,c,m\n7.270,a,"1,200.5"\n934,b,2.5\n12.001,c,"3,400.75"\n')
    assert english.values["csv"] == {"thousands": ","}
    assert english.findings[-1] == (
        'n is ambiguous: \'7.270\' is read as 7.270; if that is wrong, set csv = {decimal = ",", thousands = "."}'
    )


def test_cells_are_shown_as_ingestion_reads_them():
    table = pa.table({"a": ["1,5", "-999,0", None], "code": ["1,5", "x", None], "text": ["-999", "1", "2"]})
    cleaning = Cleaning(True, ("",), {"a": ("-999",), "text": ("-999",)}, numbers=NumberFormat(","))

    read, not_numbers = number_formats.as_read(table, cleaning, texts=["text"])
    assert (read.to_pydict(), not_numbers) == (
        {"a": ["1.5", None, None], "code": ["1,5", "x", None], "text": ["-999", "1", "2"]},
        [],
    )


def test_plain_numbers_are_texts_where_the_format_is_another_one_unless_csv_plain_names_them():
    table = pa.table({"price": ["1,5", "2,25"], "lat": ["52.5", "48.25"], "n": ["1", "2"]})
    numbers = NumberFormat(",")
    assert number_formats.as_read(table, Cleaning(True, ("",), {}, numbers=numbers))[1] == ["lat"]
    read, not_numbers = number_formats.as_read(table, Cleaning(True, ("",), {}, numbers=numbers, plain=("lat",)))
    assert (read["price"].to_pylist(), read["lat"].to_pylist(), not_numbers) == (["1.5", "2.25"], ["52.5", "48.25"], [])


def test_a_column_with_a_decimal_point_beside_decimal_commas_is_proposed_as_plain(read):
    data = read("price;lat;conc\n1,5;52.5;1.104E-03\n2,25;48.25;2.250E-04\n")
    assert data.values["csv"] == {"delimiter": ";", "decimal": ",", "plain": ["lat", "conc"]}
    assert data.findings[-1] == (
        "numbers are written with decimal = \",\": price ('1,5'); with a decimal point, whatever the others have: "
        "lat ('52.5'), conc ('1.104E-03')"
    )


def test_nothing_is_proposed_for_a_plain_table():
    lines, sentence = cell_rules.propose(pa.table({"a": ["1", "2.5", None], "b": ["x", "y", "x"]}), [], "not read")

    assert (lines, sentence) == ([], [])


@pytest.mark.parametrize(("kind", "places"), [("jsonl", ("line 1", "line 2")), ("xlsx", ("row 2", "row 3"))])
def test_places_are_counted_as_the_format_has_them(kind, places):
    table = pa.table({"rent": ["1.234,50", "2,345.10", "7"]})
    _, [sentence] = cell_rules.propose(table, [], "not read", kind)

    assert f"'1.234,50' ({places[0]}), '2,345.10' ({places[1]})" in sentence
