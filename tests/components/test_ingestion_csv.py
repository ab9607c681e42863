import gzip

import pyarrow as pa
import pytest

from components.ingestion import sources
from components.ingestion.parsing import csv_text
from components.ingestion.readers import csv as csv_source
from errors import UserError
from spec.data import Data

COLUMNS = {"id": "INT", "lat": "FLOAT", "city": "BYTES"}
TEXT = "id,lat,city\n1,47.5,Zürich\n2,48,Bern\n"
ROWS = {"id": [1, 2], "lat": [47.5, 48.0], "city": ["Zürich", "Bern"]}


@pytest.fixture
def read(file_reader):
    return file_reader("table.csv", COLUMNS)


def test_columns_have_the_schemas_types(read):
    assert read(TEXT) == ROWS
    assert read.types == {"id": pa.int64(), "lat": pa.float32(), "city": pa.string()}


@pytest.mark.parametrize(
    "content",
    [
        "\ufeff" + TEXT,
        TEXT.replace("\n", "\r\n"),
        TEXT.rstrip("\n"),
        '"id","lat","city"\n"1","47.5","Zürich"\n2,48,Bern',
    ],
    ids=["BOM", "CRLF", "no last newline", "quoted"],
)
def test_the_same_table_written_otherwise(read, content):
    assert read(content) == ROWS


def test_a_gzipped_file(read):
    assert read(gzip.compress(TEXT.encode(), mtime=0), name="table.csv.gz") == ROWS


def test_quoted_newlines_commas_and_quotes_stay_in_their_cell(read):
    text = 'id,lat,city\n1,1,"a\nb"\n2,2,"a\r\n,""b"""\n'

    assert read(text)["city"] == ["a\nb", 'a\r\n,"b"']


@pytest.mark.parametrize("block", [48, 1 << 20])
def test_rows_come_whole_and_in_order_whatever_the_blocks(read, monkeypatch, block):
    monkeypatch.setattr(csv_source, "BLOCK_BYTES", block)
    rows = [(number, f"line {number}\nand more") for number in range(50)]
    table = read("id,city\n" + "".join(f'{number},"{city}"\n' for number, city in rows), {"id": "INT", "city": "BYTES"})

    assert list(zip(table["id"], table["city"], strict=True)) == rows


def test_an_empty_cell_is_null_in_every_type(read):
    table = read('id,lat,city\n1,2.5,x\n,,\n3,"",""\n')

    assert table == {"id": [1, None, 3], "lat": [2.5, None, None], "city": ["x", None, None]}


def test_text_that_looks_like_another_type_stays_text_where_the_schema_has_texts(read):
    table = read("id,lat,city\n1,1,True\n2,2,007\n3,3,2014-05-02\n4,4,nan\n")

    assert table["city"] == ["True", "007", "2014-05-02", "nan"]


def test_integers_are_floats_where_the_schema_has_floats(read):
    assert read("id,lat,city\n1,48,x\n")["lat"] == [48.0]


def test_a_column_beside_the_schema_is_a_number_or_text(read):
    table = read(
        "id,count,share,sold,day,time,moment,name,none\n1,2,0.5,True,2014-05-02,12:30,2014-05-02T01:02:03,x,\n"
    )

    assert table == {
        "id": [1],
        "count": [2],
        "share": [0.5],
        "sold": ["True"],
        "day": ["2014-05-02"],
        "time": ["12:30"],
        "moment": ["2014-05-02T01:02:03"],
        "name": ["x"],
        "none": [None],
    }


@pytest.mark.parametrize("block", [40, 1 << 20], ids=["in a later block", "in the first block"])
@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("x,47,Bern", r"table\.csv: column 'id', row 12: .*int64: invalid value 'x'"),
        ("1,47°,Bern", r"table\.csv: column 'lat', row 12: .*float: invalid value '47°'"),
        ("99999999999999999999,1,Bern", r"table\.csv: column 'id', row 12: .*int64"),
        ("1.5,1,Bern", r"table\.csv: column 'id', row 12: .*'1\.5'"),
    ],
)
def test_a_bad_cell_names_file_column_and_row(read, monkeypatch, block, row, message):
    monkeypatch.setattr(csv_source, "BLOCK_BYTES", block)
    turned = dict(reversed(COLUMNS.items()))
    with pytest.raises(UserError, match=message):
        read("id,lat,city\n" + "1,47,Bern\n" * 10 + row + "\n", turned)


@pytest.mark.parametrize(
    ("third_row", "cell"), [("x,3,z", "'id', row 3: .*'x'"), ("3,3,z\0", "'city', row 3: a NUL byte")]
)
@pytest.mark.parametrize("second_row", ["2,2,y", " ?,2,y"], ids=["read by type", "read as text"])
def test_without_a_header_the_first_line_is_row_1(read, second_row, third_row, cell):
    with pytest.raises(UserError, match=rf"table\.csv: column {cell}"):
        read(f"1,1,x\n{second_row}\n{third_row}\n", csv={"header": False, "names": ["id", "lat", "city"]})


@pytest.mark.parametrize("size", [csv_text.FIELD_BYTES, csv_text.FIELD_BYTES + 1])
def test_a_text_is_refused_above_the_limit_alone(read, size):
    text = f"id,city\n1,{'x' * size}\n"
    if size > csv_text.FIELD_BYTES:
        with pytest.raises(UserError, match=r"column 'city', row 2: a text of over 131,072 bytes"):
            read(text)
    else:
        assert read(text)["city"] == ["x" * size]


def test_text_that_is_not_utf8_names_file_column_and_row(read):
    with pytest.raises(UserError, match=r"table\.csv: column 'city', row 3: .*invalid UTF8"):
        read(b"id,lat,city\n1,1,x\n2,2,Z\xfcrich\n")
    with pytest.raises(UserError, match=r"table\.csv: column 'name', row 3: .*invalid UTF8"):
        read(b"id,name\n1,x\n2,Z\xfcrich\n", {"id": "INT"})


@pytest.mark.parametrize(("row", "length"), [("2,48", 2), ("2,48,Bern,x", 4)])
def test_a_row_of_another_length_names_file_and_row(read, row, length):
    with pytest.raises(UserError, match=rf"table\.csv: .*Row #3: Expected 3 columns, got {length}"):
        read(f"id,lat,city\n1,47.5,Zürich\n{row}\n")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"missing\.csv: .*[Nn]o such file"):
        list(sources.batches(str(tmp_path / "missing.csv"), Data(path="not read"), COLUMNS))


@pytest.mark.parametrize("content", [b"", gzip.compress(TEXT.encode(), mtime=0)[:-12]])
def test_a_file_that_cannot_be_read_is_named(read, content):
    with pytest.raises(UserError, match=r"table\.csv\.gz( is empty:|:| cannot be read:) "):
        read(content, name="table.csv.gz")


def test_two_columns_of_one_name_are_refused(read):
    with pytest.raises(UserError, match=r"table\.csv: two columns are named 'lat'"):
        read("id,lat,lat\n1,2,3\n")


def test_blank_tokens_are_null_also_with_blanks_around_them(read):
    table = read("id,lat,city\n 1 , 2.5 , x \n ? ,NA, N/A\nnull,?,  \n+4,1e3,na\n")

    assert table == {"id": [1, None, None, 4], "lat": [2.5, None, None, 1000.0], "city": ["x", None, None, "na"]}


def test_blanks_around_names_go_too(read):
    assert read("id, lat ,city\n1, 2.5,x\n") == {"id": [1], "lat": [2.5], "city": ["x"]}
    assert list(read("id, lat ,city\n1, 2.5,x\n", strip_whitespace=False)) == ["id", " lat ", "city"]
    with pytest.raises(UserError, match=r"table\.csv: two columns are named 'id'"):
        read("id, id\n1,2\n")


def test_null_values_and_stripping_follow_the_config(read):
    table = read("id,lat,city\n1,-,?\n-, 2 , x\n", null_values=["-"], strip_whitespace=False)

    assert table == {"id": [1, None], "lat": [None, 2.0], "city": ["?", " x"]}


@pytest.mark.parametrize("block", [40, 1 << 20])
def test_a_blank_in_a_later_block_changes_no_row(read, monkeypatch, block):
    monkeypatch.setattr(csv_source, "BLOCK_BYTES", block)
    lines = [f"{number},{number / 2},x" for number in range(50)]
    lines[30] = " ?, NA ,x"
    table = read("id,lat,city\n" + "\n".join(lines) + "\n")

    assert table["id"] == [None if number == 30 else number for number in range(50)]
    assert table["lat"] == [None if number == 30 else number / 2 for number in range(50)]


def test_without_a_schema_the_type_of_a_column_is_inferred_from_all_cells(read, monkeypatch):
    monkeypatch.setattr(csv_source, "BLOCK_BYTES", 24)
    table = read("a,b,c,zip\n" + "1,1,1,1234\n" * 5 + " ?,2.5,x,0123\n", {})

    assert table == {
        "a": [1] * 5 + [None],
        "b": [1.0] * 5 + [2.5],
        "c": ["1"] * 5 + ["x"],
        "zip": ["1234"] * 5 + ["0123"],
    }
    assert read.types["a"] == pa.int64()


@pytest.mark.parametrize(
    ("content", "dialect"),
    [
        ("id;lat;city\n1;47.5;Zürich\n2;48;Bern\n", {"delimiter": ";"}),
        ("id\tlat\tcity\n1\t47.5\tZürich\n2\t48\tBern\n", {"delimiter": "\t"}),
        ("'id','lat','city'\n1,47.5,'Zürich'\n2,48,Bern\n", {"quote": "'"}),
        (TEXT.encode("latin-1"), {"encoding": "latin-1"}),
        (TEXT.encode("utf-16"), {"encoding": "utf-16"}),
        (TEXT, {"encoding": "UTF-8"}),
        ("1,47.5,Zürich\n2,48,Bern\n", {"header": False, "names": ["id", "lat", "city"]}),
        ("a,b,c\n1,47.5,Zürich\n2,48,Bern\n", {"names": ["id", "lat", "city"]}),
    ],
)
def test_dialects(read, content, dialect):
    assert read(content, csv=dialect) == ROWS


def test_tabs_are_the_delimiter_of_tsv_files(read):
    assert read(TEXT.replace(",", "\t"), name="table.tsv") == ROWS
    assert read(gzip.compress(TEXT.replace(",", "\t").encode()), name="table.tsv.gz") == ROWS


def test_quotes_and_escapes_follow_the_dialect(read):
    assert read("id,city\n1,a\\,b\n", {"id": "INT"}, csv={"escape": "\\"})["city"] == ["a,b"]
    assert read('id,city\n1,a "b\n', {"id": "INT"}, csv={"quote": ""})["city"] == ['a "b']


MANY = 'id,lat,city\n1,1,"two\nlines"\n\n'


@pytest.mark.parametrize("block", [64, 1 << 20])
@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("x,1,b\n", r"column 'id', row 3, line 5: .*int64: invalid value 'x'"),
        ("2,1\n", r"Row #3, line 5: Expected 3 columns, got 2"),
        ("2,1,b\0c\n", r"column 'city', row 3, line 5: a NUL byte"),
        ('2,1,"b\n3,1,c\n', r"line 5: a quote is opened in this row and never closed"),
        (f"2,1,{'b' * 200_000}\n", r"line 5"),
    ],
    ids=["cell", "ragged", "NUL", "quote", "long text"],
)
def test_a_fault_names_the_line_as_an_editor_counts_it(read, monkeypatch, block, rows, message):
    monkeypatch.setattr(csv_source, "BLOCK_BYTES", block)
    with pytest.raises(UserError, match=rf"^\S*table\.csv: .*{message}"):
        read(MANY + rows)


def test_a_header_that_names_fewer_columns_than_there_are(read):
    with pytest.raises(UserError, match=r"table\.csv: .*Expected 2 columns, got 3"):
        read("1,2,3\n", {}, csv={"header": False, "names": ["a", "b"]})
