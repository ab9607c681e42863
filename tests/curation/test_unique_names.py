import bz2
import gzip
import lzma

import numpy as np
import openpyxl
import pytest

from components.ingestion import sources
from curation import new_config, schema_review
from curation.look import unique_names
from curation.propose.choices import Line
from errors import UserError
from pipeline import load
from pipeline.variants import Name
from spec.data import Data


def test_later_columns_of_a_name_are_numbered():
    assert unique_names.unique(["a", "b", "a", "a_2", "a"]) == ["a", "b", "a_3", "a_2", "a_4"]
    assert unique_names.unique(["", "", "x"]) == ["", "_2", "x"]
    assert unique_names.unique(["a", "A"]) == ["a", "A"]


def test_new_reads_a_table_with_columns_that_share_a_name(tmp_path):
    for folder in ("configs", "schemas", "data"):
        (tmp_path / folder).mkdir()
    x = np.random.default_rng(1).normal(size=200)
    rows = "".join(f"{value:.3f};{-value * value:.3f};{'yes' if value > 0 else 'no'}\n" for value in x)
    (tmp_path / "data" / "t.csv").write_text(f"x;x;y\n{rows}")
    proposal = new_config.new(str(tmp_path), "made", str(tmp_path / "data" / "t.csv"))
    reviewed = load.reviewed(str(tmp_path), Name("made"))

    assert reviewed.config.data.csv.names == ("x", "x_2", "y")
    assert reviewed.config.data.csv.delimiter == ";"
    assert list(reviewed.columns) == ["x", "x_2", "y"]
    assert "columns with the same name are numbered: 'x_2' (column 2); data.csv.names" in proposal.findings
    assert schema_review.diff(schema_review.Choice(root=str(tmp_path), name="made", data_root=str(tmp_path))) == []


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_damage_of_a_packed_file_is_left_to_its_reader(pack, tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(pack(b"a,a\n" + b"1,2\n" * 9)[:-8])
    assert unique_names.settle(str(path), "csv", []) == ([], [])


@pytest.fixture
def sheet(tmp_path):
    """Path of a workbook with two columns of one name and one without."""
    for folder in ("configs", "schemas"):
        (tmp_path / folder).mkdir()
    book = openpyxl.Workbook()
    book.active.append(["x", "x", None, "y"])
    for value in np.random.default_rng(1).normal(size=200).round(3).tolist():
        book.active.append([value, value * value, int(value * 10) % 7, "yes" if value > 0 else "no"])
    book.save(tmp_path / "t.xlsx")
    return str(tmp_path / "t.xlsx")


def test_two_columns_of_a_sheet_that_share_a_name_are_both_read_or_refused(sheet, tmp_path):
    with pytest.raises(UserError, match=r"t\.xlsx: two columns are named 'x': rename one, or drop it with drop = "):
        sources.look(sheet, Data(path=sheet))
    with pytest.raises(UserError, match="two columns are named 'x'"):
        sources.types([sheet], Data(path=sheet), {})
    assert sources.look(sheet, Data(path=sheet, drop=["x"])) == ["column_3", "y"]
    proposal = new_config.new(str(tmp_path), "made", sheet, label="y")

    assert "columns with the same name are numbered: 'x_2' (column 2); data.csv.names" in proposal.findings
    assert list(load.reviewed(str(tmp_path), Name("made")).columns) == ["x", "x_2", "column_3", "y"]
    assert schema_review.diff(schema_review.Choice(root=str(tmp_path), name="made", data_root=str(tmp_path))) == []


def test_new_says_what_columns_without_a_name_are_called(sheet, tmp_path):
    finding = "column 3 has no name in the header, and is called column_3"
    assert finding in new_config.new(str(tmp_path), "made", sheet, label="y").findings
    rows = "".join(f"{row},{row * 7 % 13},{row % 2}\n" for row in range(100))
    (tmp_path / "t.csv").write_text(f",x,y\n{rows}")
    findings = new_config.new(str(tmp_path), "other", str(tmp_path / "t.csv"), label="y").findings
    assert "column 1 has no name in the header, and is called column_1" in findings
    _, findings = unique_names.settle(str(tmp_path / "t.csv"), "csv", [Line("csv", {"names": ["a", "x", "y"]})])
    assert findings == []
    (tmp_path / "t.csv").write_text(f"x{',' * 5}\n1{',2' * 5}\n")
    _, findings = unique_names.settle(str(tmp_path / "t.csv"), "csv", [])
    assert findings[2:] == [
        "column 4 has no name in the header, and is called column_4",
        "2 more columns have no name in the header",
    ]
