"""How a text file is opened, and where in it the table is."""

import bz2
import gzip
import io
import lzma
import os
import zipfile

import pytest

from components.ingestion.discovery import compression, data_files, stray_files
from components.ingestion.omissions import Omissions
from components.ingestion.parsing import csv_header, csv_text
from components.ingestion.readers import csv as csv_source
from errors import UserError
from spec.data import Data

COLUMNS = {"id": "INT", "lat": "FLOAT", "city": "BYTES"}
HEADER = "id,lat,city\n"
TEXT = HEADER + "1,47.5,Zürich\n2,48,Bern\n"
ROWS = {"id": [1, 2], "lat": [47.5, 48.0], "city": ["Zürich", "Bern"]}


def zipped(members):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return packed.getvalue()


@pytest.fixture
def read(file_reader):
    return file_reader("table.csv", COLUMNS)


PACKED = {
    "gz": gzip.compress(TEXT.encode(), mtime=0),
    "bz2": bz2.compress(TEXT.encode()),
    "xz": lzma.compress(TEXT.encode()),
    "zip": zipped({"table.csv": TEXT, "__MACOSX/._table.csv": "x", "README.md": "y"}),
}


@pytest.mark.parametrize("ending", PACKED)
def test_packed_files_are_read_whatever_they_are_called(read, ending):
    assert read(PACKED[ending], name=f"table.csv.{ending}") == ROWS
    assert read(PACKED[ending]) == ROWS
    assert read(TEXT, name=f"table.csv.{ending}") == ROWS, "unpacked by what fetched it"


def test_an_archive_is_of_the_format_of_its_file(tmp_path):
    (tmp_path / "download.zip").write_bytes(PACKED["zip"])
    assert data_files.format_of(str(tmp_path / "download.zip")) == "csv"
    (tmp_path / "other.zip").write_bytes(zipped({"a.csv": TEXT, "b.csv": TEXT}))
    assert data_files.format_of(str(tmp_path / "other.zip")) is None


def test_what_an_archive_holds_beside_its_data_is_listed_as_in_a_folder(tmp_path):
    (tmp_path / "download.zip").write_bytes(PACKED["zip"])
    (tmp_path / "text.csv.zip").write_text(TEXT)
    found = Omissions()
    data_files.resolve(str(tmp_path), Data(path="."), found)

    assert found.lines() == [
        f"skipped 1 file: {stray_files.SYSTEM} (download.zip/__MACOSX/._table.csv)",
        f"skipped 1 file: {stray_files.DOCUMENTATION} (download.zip/README.md)",
    ]


@pytest.mark.parametrize("ending", PACKED)
def test_a_packed_file_that_is_cut_is_named(read, ending):
    packed = PACKED[ending]
    with pytest.raises(UserError, match=rf"table\.csv\.{ending}(:| cannot be read)"):
        read(packed[: len(packed) - 20], name=f"table.csv.{ending}")


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            {"a.csv": TEXT, "b.csv": TEXT},
            r"a zip archive of 2 files \(a\.csv, b\.csv\), and one is expected: unpack it",
        ),
        ({"README.md": "x"}, "a zip archive of no data file"),
    ],
)
def test_an_archive_of_several_files_or_none_is_refused(read, members, message):
    with pytest.raises(UserError, match=rf"table\.zip is {message}"):
        read(zipped(members), name="table.zip", format="csv")


def test_the_size_of_a_packed_file_is_that_of_its_text(tmp_path):
    for ending in ("gz", "zip"):
        (tmp_path / f"t.{ending}").write_bytes(PACKED[ending])
    assert compression.size(str(tmp_path / "t.gz")) == len(TEXT.encode())
    assert compression.size(str(tmp_path / "t.zip")) >= len(TEXT.encode())


@pytest.mark.parametrize(
    "keys", [{}, {"comment": "#"}, {"encoding": "latin-1"}], ids=["as it lies", "rewritten", "in another encoding"]
)
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("block", [48, 1 << 20])
def test_lines_end_in_any_way(read, monkeypatch, keys, ends, block):
    monkeypatch.setattr(csv_source, "BLOCK_BYTES", block)
    text = ("\n" + TEXT + "\n3,,x\n").replace("\n", ends)
    table = read(text.encode("latin-1" if "encoding" in keys else "utf-8"), csv=keys)
    assert table == {"id": [1, 2, 3], "lat": [47.5, 48.0, None], "city": ["Zürich", "Bern", "x"]}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "cp1252", "shift-jis"])
@pytest.mark.parametrize("keys", [{}, {"comment": "#"}, {"skip_footer": 1}])
def test_any_encoding_is_read(read, encoding, keys):
    text = TEXT.replace("ü", "u")
    table = read(
        (text + "3,4,5\n" * bool(keys.get("skip_footer"))).encode(encoding), csv={"encoding": encoding, **keys}
    )
    assert table == {**ROWS, "city": ["Zurich", "Bern"]}


def test_the_error_of_a_wrong_encoding_names_the_key(read):
    with pytest.raises(
        UserError, match=r'table\.csv.* it looks like UTF-16-LE: set it, as in csv = {encoding = "utf-16'
    ):
        read(TEXT.encode("utf-16-le"), {}, csv={"header": False, "names": ["a", "b", "c"]})


@pytest.mark.parametrize(
    ("written", "set_as", "proposed"),
    [
        ("utf-8", "ascii", "utf-8"),
        ("cp1252", "ascii", "cp1252"),
        ("shift-jis", "euc_jp", "shift_jis"),
    ],
)
def test_the_error_of_a_wrong_encoding_proposes_that_of_the_text(read, written, set_as, proposed):
    text = TEXT.replace("Zürich", "東京都").replace("Bern", "横浜市") if "jp" in set_as else TEXT
    with pytest.raises(UserError, match=rf'is not {set_as} \(byte \d+\): .*{{encoding = "{proposed}"}}') as raised:
        read(text.encode(written), csv={"encoding": set_as})
    assert "as with iconv -t utf-8" in str(raised.value)


@pytest.mark.parametrize("block", [64, 1 << 20])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "BOM"])
def test_titles_comments_and_footers_are_left_out_and_counted(read, monkeypatch, block, ends, mark):
    monkeypatch.setattr(csv_source, "BLOCK_BYTES", block)
    text = (
        "Report, 2024\n\nby us\n# made\n" + HEADER + '1,47.5,"Zürich\n# no comment"\n# two\n\n2,48,Bern\n'
        "\nTotal,,\nSource: us\n\n"
    )
    keys = {"skip_rows": 3, "comment": "#", "skip_footer": 2}
    assert read((mark + text).replace("\n", ends), csv=keys)["city"] == [f"Zürich{ends}# no comment", "Bern"]
    assert read.omitted == [
        "skipped 3 lines: above the header (csv.skip_rows)",
        "skipped 2 lines: comments, which begin with '#' (csv.comment)",
        "skipped 2 rows: below the table (csv.skip_footer)",
    ]


def test_lines_above_a_large_table_are_passed_without_a_copy(read, monkeypatch):
    monkeypatch.setattr(csv_text.tempfile, "NamedTemporaryFile", None)
    for packed in (lambda text: text, gzip.compress, bz2.compress):
        assert read(packed(f"\ufeffRéport\n{TEXT}".encode()), csv={"skip_rows": 1}) == ROWS


def test_without_a_header_the_lines_above_are_passed_too(read):
    keys = {"header": False, "names": list(COLUMNS), "skip_rows": 2}
    assert read("a title\nx\n1,47.5,Zürich\n2,48,Bern\n", csv=keys) == ROWS
    assert read("a title\nx\n1,47.5,Zürich\n#\n2,48,Bern\n", csv={**keys, "comment": "#"}) == ROWS


@pytest.mark.parametrize("block", [64, 1 << 20])
@pytest.mark.parametrize("columns", [COLUMNS, dict.fromkeys(COLUMNS, "BYTES"), {}], ids=["typed", "texts", "by look"])
def test_a_header_line_in_the_middle_is_no_row(read, monkeypatch, block, columns):
    monkeypatch.setattr(csv_source, "BLOCK_BYTES", block)
    table = read(TEXT + TEXT.replace("lat", " Lat ").replace("city", "CITY") + f"\ufeff{TEXT}", columns)
    assert [str(cell) for cell in table["id"]] == ["1", "2"] * 3
    assert table["city"] == ROWS["city"] * 3
    assert read.omitted == ["left out 2 rows: the header line again, as where files were put together (line 4, line 7)"]


def test_a_row_that_holds_one_name_is_a_row(read):
    assert read("a,b\na,x\ny,b\n", {})["a"] == ["a", "y"]
    assert read("a,b\na,\ny,x\n", {})["a"] == ["a", "y"]
    assert read("word\nword\n", {})["word"] == ["word"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("x,3,z\n", r"column 'id', row 5, line 7: .*'x'"),
        ("3,3\n", r"Row #6, line 7: Expected 3 columns, got 2"),
    ],
)
def test_a_fault_below_such_lines_names_the_line_of_the_editor(read, rows, message):
    with pytest.raises(UserError, match=message):
        read("title\n" + TEXT + HEADER + "3,3,z\n" + rows + "4,4,z\n", csv={"skip_rows": 1})


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (",a,b\n0,1,x\n1,2,y\n", ["column_1", "a", "b"]),
        ("a,b,\n1,x,\n2,y,\n", ["a", "b", "column_3"]),
        ("a,b\n1,x,\n2,y,\n", ["a", "b", "column_3"]),
        ("a,b,\n1,x\n2,y\n", ["a", "b"]),
        ("a,b\nr1,1,x\nr2,2,y\n", ["column_1", "a", "b"]),
        ("column_2,,\n1,x,y\n", ["column_2", "column_2_", "column_3"]),
    ],
    ids=["pandas", "both end in one", "rows end in one", "header ends in one", "R", "taken"],
)
def test_columns_without_a_name_are_called_by_their_place(read, text, names):
    assert list(read(text, {})) == names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            TEXT + "Total,95.5,\n",
            r"column 'id', row 4: .*'Total': if the row is a total, csv = {skip_footer = 1}",
        ),
        (TEXT.replace("1,", "a,").replace("2,", "b,") + "Total,95.5,\n", r"line 4: the last row holds 'Total': "),
        (TEXT + "Source: us\n", r"line 4|Row #4: Expected 3 .*: if it is a footer, csv = {skip_footer = 1}"),
        (TEXT + "# x\n3,3,z\n", r"Row #4: Expected 3 .*: if it is a comment, csv = {comment = '#'}"),
        (TEXT + "day,n\n1,2\n3,4\n", r"Row #4: Expected 3 .*: another table may begin here: .*{skip_footer = 3}"),
        (TEXT + "3,3\n4,4,z\n", r"Row #4: Expected 3 columns, got 2: 3,3$"),
        (TEXT + "3,3", r"Row #4: Expected 3 .*: the file ends in this row: it is truncated"),
        ("Report\n" + TEXT, r"Row #2: Expected 1 .*: if the lines above are a title, csv = {skip_rows = 1}"),
    ],
)
def test_what_may_be_no_row_is_named_with_the_key(read, text, message):
    columns = {} if "Report" in text else {**COLUMNS, "id": "BYTES" if text.startswith("id,lat,city\na") else "INT"}
    with pytest.raises(UserError, match=message):
        read(text, columns)


def test_a_last_row_that_is_called_total_may_be_a_row(read):
    texts = {"id": "BYTES"}
    assert read("id,n\na,1\ntotal,2\n", texts, csv={"skip_footer": 0})["id"] == ["a", "total"]
    assert read("id,n\ntotal,1\na,1\ntotal,2\n", texts)["id"] == ["total", "a", "total"], "a value like others"


def test_a_file_that_is_rewritten_leaves_nothing(read, monkeypatch, tmp_path):
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(csv_text.tempfile, "tempdir", str(tmp_path / "scratch"))
    assert read(lzma.compress(TEXT.encode()), csv={"comment": "#"}) == ROWS
    assert read(PACKED["zip"]) == ROWS
    assert os.listdir(tmp_path / "scratch") == []


LONG = "é" * csv_text.FIELD_BYTES


@pytest.mark.parametrize("block", [1 << 16, 1 << 22])
def test_long_texts_are_cut_or_their_rows_left_out(read, monkeypatch, block):
    monkeypatch.setattr(csv_source, "BLOCK_BYTES", block)
    text = f"id,city\n1,a\n2,{LONG}\n3,b\nx,c\n"
    columns = {"id": "BYTES", "city": "BYTES"}
    table = read(text, columns, csv={"long_cells": "cut"})
    assert table["city"] == ["a", LONG[: csv_text.FIELD_BYTES // 2], "b", "c"]
    assert read.omitted == ["cut 1 cell: a text of over 131,072 bytes (csv.long_cells) (city)"]
    assert read(text, columns, csv={"long_cells": "skip"})["city"] == ["a", "b", "c"]
    assert read.omitted == ["left out 1 row: a text of over 131,072 bytes (csv.long_cells)"]
    with pytest.raises(UserError, match=r"column 'id', row 4, line 5: .*'x'"):
        read(text, {"id": "INT", "city": "BYTES"}, csv={"long_cells": "skip"})
    with pytest.raises(UserError, match=r"line 3|row 3.*csv = {long_cells = \"cut\"} under \[data\] cuts such text"):
        read(text, columns)


def test_a_text_of_several_blocks_is_cut(read):
    text = f"id,city\n1,a\n2,{'x' * (3 * csv_source.BLOCK_BYTES)}\n3,b\n"
    assert [len(city) for city in read(text, csv={"long_cells": "cut"})["city"]] == [1, csv_text.FIELD_BYTES, 1]


@pytest.mark.parametrize(
    ("cells", "header", "expected"),
    [
        (["ID ", "lat", None], ["id", "Lat", "city"], True),
        (["id", "lat", " "], ["id", "lat", ""], True),
        (["id", "lat", "x"], ["id", "lat", ""], False),
        (["id", "lat", "Bern"], ["id", "lat", "city"], False),
        (["id", "lat"], ["id", "lat", "city"], False),
        (["id", "", ""], ["id", "lat", "city"], False),
        (["id"], ["id"], False),
    ],
)
def test_a_row_repeats_the_header_where_all_its_cells_are_blank_or_names_and_most_are_names(cells, header, expected):
    assert csv_header.is_repeated(cells, header) is expected
