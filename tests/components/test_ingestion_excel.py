"""Sheets of Excel workbooks: what cells become, what is counted, and what is refused."""

import datetime
import gzip
import sys
import zipfile
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest

from components.ingestion import sources
from components.ingestion.discovery import data_files
from components.ingestion.omissions import Omissions
from components.ingestion.readers import xlsx
from curation import new_config
from errors import ResourceError, UserError
from orchestration.preflight import check_data
from pipeline import load
from spec.data import Data

DAY = datetime.datetime(2024, 5, 1)
ROWS = [["a", "b", "c"], [1, 2.5, "x"], [2, None, "y"]]


@pytest.fixture
def write(tmp_path):
    """Writes a workbook with sheets of rows and returns its path."""

    def run(*sheets, name="x.xlsx", edit=lambda book: None):
        book = openpyxl.Workbook()
        book.remove(book.active)
        for number, rows in enumerate(sheets or [ROWS]):
            sheet = book.create_sheet(f"Sheet {number + 1}")
            for row in rows:
                sheet.append(row)
        edit(book)
        book.save(tmp_path / name)
        return str(tmp_path / name)

    return run


def settings(**keys):
    return Data(path="x", **keys)


def read(path, columns=None, omissions=None, **keys):
    table = pa.Table.from_batches(sources.batches(path, settings(**keys), columns or {}, omissions))
    return table.to_pylist()


def test_cells_come_typed(write):
    rows = [
        ["n", "day", "time", "truth", "long", 7, "formula", "mixed"],
        [1, DAY, DAY, True, datetime.timedelta(hours=1), 0.1, None, 1],
        [2.0, None, DAY + datetime.timedelta(hours=7), False, None, 3, None, "x"],
    ]
    path = write(rows)
    assert read(path, {"7": "FLOAT"}) == [
        {
            "7": pytest.approx(0.1),
            "n": 1,
            "day": "2024-05-01",
            "time": "2024-05-01",
            "truth": "true",
            "long": 3600,
            "formula": None,
            "mixed": "1",
        },
        {
            "7": 3.0,
            "n": 2,
            "day": None,
            "time": "2024-05-01 07:00:00",
            "truth": "false",
            "long": None,
            "formula": None,
            "mixed": "x",
        },
    ]


def test_a_formula_is_the_value_that_is_kept_of_it_and_an_error_is_missing(write):
    path = write([["a", "b"], [1, 2], [3, 4], [5, 6]])
    cell = '<c r="B2"><f>A2+1</f><v>20</v></c>'
    patched(path, b'<c r="B2" t="n"><v>2</v></c>', cell.encode())
    patched(path, b'<c r="B3" t="n"><v>4</v></c>', b'<c r="B3" t="e"><f>1/0</f><v>#DIV/0!</v></c>')
    patched(path, b'<c r="B4" t="n"><v>6</v></c>', b'<c r="B4" t="e"><v>#N/A</v></c>')
    omissions = Omissions()
    assert read(path, omissions=omissions) == [{"a": 1, "b": 20}, {"a": 3, "b": None}, {"a": 5, "b": None}]
    assert omissions.lines() == ["read 2 cells: an error such as #N/A, as a missing value, in column 'b'"]


def patched(path, old_bytes, new_bytes, part="xl/worksheets/sheet1.xml"):
    """Replace a part's bytes."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    assert old_bytes in contents[part]
    contents[part] = contents[part].replace(old_bytes, new_bytes)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


def test_empty_rows_merged_cells_and_other_sheets_are_counted(write):
    def edit(book):
        book.worksheets[0].merge_cells("A3:A5")
        book.worksheets[0].merge_cells("B3:C3")

    path = write([[], ["a", "b", "c"], [1, 2, 3], [], ["", 5, 6]], ROWS, [], edit=edit)
    omissions = Omissions()
    # A run asks for the types before it reads the rows.
    sources.types([path], settings(), {}, omissions)
    assert [row["a"] for row in read(path, omissions=omissions)] == [1, None]
    for omission in omissions:
        # openpyxl writes ranges in any order.
        omission.names.sort()
    assert omissions.lines() == [
        "skipped 2 sheets: data.sheet names none, so the first is read (Sheet 2, Sheet 3)",
        "read 2 ranges: merged cells, of which the first alone has the value: unmerge and fill them if the others have "
        "it too (A3:A5, B3:C3)",
        "skipped 1 row: empty (4)",
    ]


def test_a_damaged_row_number_stops_the_reading(write, monkeypatch):
    monkeypatch.setattr(xlsx, "MAX_ROWS", 1000)
    path = write(ROWS)
    patched(path, b'<row r="3"', b'<row r="99999999999999"')
    with pytest.raises(UserError, match=r"x\.xlsx: the sheet names a row above 1,000, the last one of Excel"):
        read(path)


def test_a_sheet_is_named(write):
    path = write(ROWS, [["z"], [9]])
    assert read(path, sheet="Sheet 2") == [{"z": 9}]
    with pytest.raises(UserError, match=r"there is no sheet 'Sheet 3': .*'Sheet 1', 'Sheet 2'"):
        read(path, sheet="Sheet 3")


def test_a_table_below_a_title_is_named_and_read_with_its_place(write):
    path = write([["Sales of May"], ["a", "b"], [1, 2]])
    with pytest.raises(
        UserError, match=r"cell B2 holds a value, and the header in row 1 names 1 column.*skip_rows = 1"
    ):
        read(path)
    assert read(path, csv={"skip_rows": 1}) == [{"a": 1, "b": 2}]


SALES = [["day", "city", "rent"], *([f"2024-01-{1 + row:02d}", "Bern", 900 + row * 7 % 50] for row in range(28))]
ABOVE = [["Sales of 2024"], [], [None, "printed in May"]]
BELOW = [["Total", None, 25_000], ["Source: the office"]]


@pytest.mark.parametrize("block", [1, 250_000])
@pytest.mark.parametrize(
    ("above", "below", "keys"),
    [
        (ABOVE, BELOW, {"skip_rows": 3, "skip_footer": 2}),
        ([], BELOW[:1], {"skip_footer": 1}),
        (ABOVE[:2], [], {"skip_rows": 2}),
        ([], [], {}),
    ],
)
def test_new_finds_the_table_of_a_sheet_and_a_run_reads_it(write, tmp_path, monkeypatch, above, below, keys, block):
    monkeypatch.setattr(xlsx, "BATCH_CELLS", block)
    path = write([*above, *SALES, *below])
    for folder in ("configs", "schemas"):
        (tmp_path / folder).mkdir()
    proposal = new_config.new(str(tmp_path), "made", path, label="rent")
    data = load.load(str(tmp_path), "made").data
    omissions = Omissions()
    table = pa.Table.from_batches(sources.batches(path, data, {}, omissions))

    assert {key: getattr(data.csv, key) for key in data.csv.model_fields_set} == keys
    assert table.num_rows == 28
    assert table["rent"].to_pylist() == [row[2] for row in SALES[1:]]
    skipped = [f"skipped {len(below)} row{'s' * (len(below) > 1)}: below the table (csv.skip_footer)"] if below else []
    assert [line for line in omissions.lines() if "footer" in line] == skipped
    assert any(message.startswith("csv = {") for message in proposal.findings) == bool(keys)


def test_a_total_at_the_end_of_a_sheet_stops_a_run_that_does_not_say_what_it_is(write):
    path = write([*SALES, BELOW[0]])
    with pytest.raises(UserError, match=r"x\.xlsx, row 30: the last row holds 'Total': if it is a total, csv = "):
        read(path)
    assert len(read(path, csv={"skip_footer": 1})) == 28
    assert len(read(path, csv={"skip_footer": 0})) == 29


def test_a_sheet_without_a_header_row_gets_names(write, tmp_path):
    path = write(SALES[1:])
    for folder in ("configs", "schemas"):
        (tmp_path / folder).mkdir()
    new_config.new(str(tmp_path), "made", path, label="column_3")
    data = load.load(str(tmp_path), "made").data

    assert (data.csv.header, data.csv.names) == (False, ("column_1", "column_2", "column_3"))
    assert pa.Table.from_batches(sources.batches(path, data, {}))["column_3"].to_pylist() == [
        row[2] for row in SALES[1:]
    ]


def test_a_column_without_a_name_has_its_place(write):
    assert read(write([["a", None, " c "], [1, 2, 3]])) == [{"a": 1, "column_2": 2, "c": 3}]


def test_the_schema_s_types_hold_and_what_does_not_fit_is_named_with_its_row(write):
    path = write([["a", "b"], [1, "n/a"], [], [2, "3,5"]])
    assert read(path, {"b": "BYTES"})[1] == {"a": 2, "b": "3,5"}
    assert read(path, {"b": "FLOAT"}, null_values=["n/a"], csv={"decimal": ","})[1] == {"a": 2, "b": 3.5}
    with pytest.raises(UserError, match=r"x\.xlsx: column 'b', row 4: .*'3,5'"):
        read(path, {"b": "FLOAT"}, null_values=["n/a"])


def test_blocks_hold_their_columns_together(write, monkeypatch):
    monkeypatch.setattr(xlsx, "BATCH_CELLS", 4)
    path = write([["a", "b"], *([row, row / 2 if row > 6 else None] for row in range(9))])
    assert [row["a"] for row in read(path)] == list(range(9))
    assert sources.types([path], settings(), {}) == {"a": "INT", "b": "FLOAT"}


def test_a_wrong_size_of_the_sheet_is_not_believed(write):
    path = write()
    patched(path, b'<dimension ref="A1:C3"', b'<dimension ref="A1:A1"')
    assert len(read(path)[0]) == 3


def test_a_workbook_packed_once_more_or_called_otherwise(write, tmp_path):
    content = Path(write()).read_bytes()
    (tmp_path / "x.xlsx.gz").write_bytes(gzip.compress(content))
    (tmp_path / "x.dat").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "y.zip", "w") as archive:
        archive.writestr("x.xlsx", content)
    assert len(read(str(tmp_path / "x.xlsx.gz"))) == 2
    assert len(read(str(tmp_path / "y.zip"))) == 2
    assert len(read(str(tmp_path / "x.dat"), format="xlsx")) == 2


def test_a_sheet_without_rows_and_a_file_that_is_no_workbook(write, tmp_path):
    with pytest.raises(UserError, match="the sheet has no row below its header"):
        sources.look(write([["a", "b"]]), settings())
    with pytest.raises(UserError, match="the sheet has no row below its header"):
        sources.look(write([]), settings())
    workbook = Path(write()).read_bytes()
    for content in (b"a,b\n1,2\n", workbook[: len(workbook) // 2], b"", workbook[:2000] + b"?" * 50 + workbook[2050:]):
        (tmp_path / "x.xlsx").write_bytes(content)
        with pytest.raises(UserError, match=r"x\.xlsx cannot be read as an Excel workbook"):
            read(str(tmp_path / "x.xlsx"))
    (tmp_path / "x.xlsx").write_bytes(workbook.replace(b"sheet1", b"sheet9"))
    with pytest.raises(UserError, match=r"x\.xlsx has no sheet with cells"):
        read(str(tmp_path / "x.xlsx"))


def test_a_package_that_is_not_installed_is_named_with_the_command(write, monkeypatch):
    path = write()
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ResourceError, match=r"x\.xlsx is an Excel workbook, .*openpyxl.*`make set-up`.*group `excel`"):
        read(path)


def test_new_and_preflight_read_a_workbook(write, tmp_path):
    (tmp_path / "configs").mkdir()
    (tmp_path / "schemas").mkdir()
    rows = [["area", "city", "sold", "price"]]
    rows += [[row / 2, "BC"[row % 2], DAY + datetime.timedelta(days=row), 100 + row * 7 % 41] for row in range(80)]
    rows[3][0] = "n/a"
    path = write(rows)
    proposal = new_config.new(str(tmp_path), "made", path, label="price")
    assert proposal.findings[0] == "x.xlsx: xlsx, 80 rows, 4 columns"
    reviewed = load.reviewed(str(tmp_path), load.Name("made"))
    assert reviewed.columns == {"area": "FLOAT", "city": "BYTES", "sold": "BYTES", "price": "INT"}
    assert check_data(path, reviewed.config.data, config="c", columns=reviewed.columns, label="price") > 0
    data = read(path, reviewed.columns, **reviewed.config.data.model_dump(exclude={"path"}, exclude_unset=True))
    assert data[2]["area"] is None
    assert data[1]["sold"] == "2024-05-02"


def test_the_lock_file_of_an_open_workbook_is_skipped(write, tmp_path):
    write()
    (tmp_path / "~$x.xlsx").write_bytes(b"\x05owner" + b" " * 100)
    omissions = Omissions()
    assert [file.path for file in data_files.resolve(str(tmp_path), settings(), omissions)] == [
        str(tmp_path / "x.xlsx")
    ]
    assert omissions.lines() == ["skipped 1 file: written by a system or a tool, no data (~$x.xlsx)"]
