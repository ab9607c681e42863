"""Merged cells of Excel sheets."""

import zipfile

import openpyxl

from components.ingestion import sources
from components.ingestion.omissions import Omissions
from components.ingestion.readers import xlsx
from spec.data import Data


def test_merged_cells_at_the_edge_of_a_block_are_counted_once(tmp_path):
    tag = b'<x:mergeCell ref="A1:A2"/>'
    for padding in range((1 << 20) - 60, (1 << 20) + 5):
        with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
            archive.writestr("sheet.xml", b" " * padding + tag + b"<mergeCells>" + tag)
        assert list(xlsx._merged(str(tmp_path / "x.zip"), "/sheet.xml")) == ["A1:A2", "A1:A2"]


def test_a_merged_title_above_the_table_is_not_counted(tmp_path):
    book = openpyxl.Workbook()
    for row in (["Sales"], ["a", "b", "c"], [1, 2, 3], [None, 4, 5]):
        book.active.append(row)
    for cells in ("A1:C1", "A3:A4"):
        book.active.merge_cells(cells)
    book.save(path := str(tmp_path / "t.xlsx"))
    omissions = Omissions()
    list(sources.batches([path], Data(path=path, csv={"skip_rows": 1}), {}, omissions))

    assert [omission.names for omission in omissions if omission.kind == "range"] == [["A3:A4"]]
