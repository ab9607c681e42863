"""`new` on the command line."""

import json

import openpyxl
import pytest

import project
from orchestration.cli import parser

ROWS = range(400)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A project folder."""
    for name in ("configs", "schemas", "data"):
        (tmp_path / name).mkdir()
    (tmp_path / project.FILE).write_text("format = 1\n")
    monkeypatch.setenv(project.VARIABLE, str(tmp_path))
    return tmp_path


def workbook(path):
    """Write a sheet whose errors and empty rows are far from its first rows too."""
    book = openpyxl.Workbook()
    book.active.append(["a", "b", "y"])
    for row in ROWS:
        book.active.append([row * 7 % 50, "#N/A" if row % 40 == 0 else row * 3 % 41, "ny"[row % 2]])
        if row == 300:
            book.active.append([])
    book.save(path)


def json_lines(path):
    """Write rows of which some hold a list."""
    path.write_text(
        "".join(
            json.dumps({"a": row * 7 % 50, "b": [row] if row % 40 == 0 else row * 3 % 41, "y": "ny"[row % 2]}) + "\n"
            for row in ROWS
        )
    )


@pytest.mark.parametrize(
    ("name", "write", "expected"),
    [
        (
            "t.xlsx",
            workbook,
            {
                "read 10 cells: an error such as #N/A, as a missing value, in column 'b'",
                "skipped 1 row: empty (303)",
            },
        ),
        ("t.jsonl", json_lines, {"read 1 column: lists in some rows, as missing values (b)"}),
    ],
)
def test_new_counts_in_all_rows_what_it_skips_and_converts_as_schema_diff_does(folder, capsys, name, write, expected):
    path = folder / "data" / name
    write(path)
    assert parser.main(["new", "made", str(path), "--label", "y"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert parser.main(["schema", "diff", "made", "--json"]) == 0

    assert set(json.loads(capsys.readouterr().out)["omissions"]) == expected
    assert expected <= set(printed)
