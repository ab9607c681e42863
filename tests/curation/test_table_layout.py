"""Where `new` finds the table in a file, and that doctor, schema diff and a run read the same rows."""

import csv
import gzip
import io

import openpyxl
import pytest

from components.ingestion import sources
from components.ingestion.discovery import data_files
from components.ingestion.omissions import Omissions
from curation import new_config, schema_review
from curation.look import table_layout
from errors import UserError
from orchestration import preflight
from pipeline import load
from pipeline.variants import Name

from ..attributes import with_attributes

HEADER = "age,colour,hours,bought\n"


@pytest.fixture
def rows(rng):
    def make(count=150):
        lines = []
        for row in range(count):
            colour, bought = ("red", "green", "blue")[row % 3], ("yes", "no")[row % 2]
            lines.append(f"{rng.integers(18, 80)},{colour},{rng.random() * 9:.2f},{bought}\n")
        return "".join(lines)

    return make


@pytest.fixture
def table(rows):
    return HEADER + rows()


@pytest.fixture
def propose(tmp_path):
    """Proposes a config, and reads with it in all ways; returns rows read by a run, keys of `csv`, and the messages."""

    @with_attributes
    def run(content, name="data/t.csv", label="bought"):
        for folder in ("configs", "schemas", "data"):
            (tmp_path / folder).mkdir(exist_ok=True)
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        proposal = new_config.new(str(tmp_path), "made", str(path), label=label, force=True)
        reviewed = load.reviewed(str(tmp_path), Name("made"))
        data = reviewed.config.data
        run.config = reviewed.config
        run.doctor, run.omitted = Omissions(), Omissions()
        preflight.check_data(
            data_files.under(str(tmp_path), data.path),
            data,
            config="made",
            columns=reviewed.columns,
            label=label,
            omissions=run.doctor,
        )
        assert schema_review.diff(schema_review.Choice(root=str(tmp_path), name="made", data_root=str(tmp_path))) == []
        batches = list(sources.batches(str(path), data, reviewed.columns, run.omitted))
        return sum(map(len, batches)), data.csv.model_dump(exclude_unset=True), "\n".join(proposal.findings)

    return run


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_encodings_are_detected_from_the_bytes(propose, table, encoding):
    count, keys, sentences = propose(table.encode(encoding))
    assert count == 150
    assert keys == ({} if encoding == "utf-8-sig" else {"encoding": encoding})
    assert not keys or f'csv = {{encoding = "{encoding}"}}: the file is not UTF-8' in sentences


def test_lines_that_end_in_cr_alone(propose, table):
    assert propose(table.replace("\n", "\r"))[:2] == (150, {})


@pytest.mark.parametrize(
    ("above", "keys"),
    [
        ("Sales report, 2024\nby us\n\n", {"skip_rows": 3}),
        ("Report,,,\n,,,\n", {"skip_rows": 2}),
        ("a, b, c\n", {"skip_rows": 1}),
        ("# made\n# by, us, x, y\n", {"comment": "#"}),
        ("\n\n", {}),
    ],
)
@pytest.mark.parametrize("packed", [str.encode, lambda text: gzip.compress(text.encode())], ids=["plain", "gz"])
def test_what_stands_above_the_header(propose, table, above, keys, packed):
    count, layout, sentences = propose(packed(above + table))
    assert (count, layout) == (150, keys)
    assert all(key in sentences for key in keys)


def test_a_line_that_names_the_delimiter_is_skipped(propose, table):
    assert propose("sep=;\n" + table.replace(",", ";"))[:2] == (150, {"delimiter": ";", "skip_rows": 1})


def test_comments_between_the_rows(propose, table, rows):
    count, keys, _ = propose(table + rows(100) + "# in, the middle\n" + rows(20))
    assert (count, keys) == (270, {"comment": "#"})
    assert propose.omitted.lines() == ["skipped 1 line: comments, which begin with '#' (csv.comment)"]


def test_comments_above_a_single_column():
    layout = table_layout.layout("t.csv", "# made\n# by us\nn\n" + "1\n2\n" * 9, {})
    assert (layout.keys, layout.header) == ({"comment": "#"}, ["n"])
    assert table_layout.layout("t.csv", "#n\n" + "a\nb\n" * 9, {}).keys == {}


def test_a_header_may_begin_with_a_mark(propose, table):
    assert propose("#" + table)[:2] == (150, {})
    assert propose("# made\n#" + table)[:2] == (150, {"skip_rows": 1})


@pytest.mark.parametrize(
    ("below", "count"),
    [("Total,,900.5,\n", 1), ("\nTotal: 150 rows\nSource: us, and others\n\n", 2), ("* estimated", 1)],
)
@pytest.mark.parametrize("size", [150, 6000], ids=["seen whole", "longer than its head"])
def test_what_stands_below_the_table(propose, rows, below, count, size):
    layout, keys, sentences = propose(HEADER + rows(size) + below)
    assert (layout, keys) == (size, {"skip_footer": count})
    assert "not part of the table" in sentences


def test_a_value_that_is_called_total_is_no_footer(propose, rows):
    table = "".join(f"{('Total', 'part')[row % 2]},{line}\n" for row, line in enumerate(rows(151).splitlines()))
    assert propose(f"of,{HEADER}{table}")[:2] == (151, {})


def test_a_row_that_was_cut_is_no_footer(propose, table):
    with pytest.raises(UserError, match=r"Expected 4 columns, got 3.*: the file ends in this row: it is truncated"):
        propose(table[:-6])


def test_files_that_were_put_together(propose, table):
    count, keys, _ = propose(table + table)
    assert (count, keys) == (300, {})
    assert propose.omitted.lines() == [
        "left out 1 row: the header line again, as where files were put together (line 152)"
    ]
    assert propose.doctor.lines() == propose.omitted.lines()


def test_a_file_without_a_header_keeps_its_first_row(propose, rows):
    count, keys, sentences = propose(rows(), label="column_4")
    assert count == 150
    assert keys == {"header": False, "names": ("column_1", "column_2", "column_3", "column_4")}
    assert "line 1 holds values like the rows below, so it is not a header: name the columns" in sentences


@pytest.mark.parametrize(
    ("first_row", "data_row", "header"),
    [
        ("5.1,Iris", "4.9,Iris", False),
        ("2024-01-05,a", "2024-01-06,b", False),
        ("1,2", "3,4", False),
        ("country,2019,2021", "x,1.5,2.5", True),
        ("country,19,21", "x,1.5,2.5", False),
        (",0,1", "0,1.5,2.5", True),
        ("name,kind", "x,y", True),
        ("a,b", "1,x", True),
        ("0.5,b", "1,2", True),
        ("day,a", "2024-01-06,b", True),
    ],
)
def test_a_first_row_that_looks_like_data_is_no_header(first_row, data_row, header):
    assert (table_layout.no_header([first_row.split(","), *[data_row.split(",")] * 4]) == "") == header


NAMES = {"header": False, "names": ("age", "colour", "hours", "bought"), "skip_rows": 2}


@pytest.mark.parametrize(
    ("headers", "keys"),
    [
        ([HEADER, "years,name,h,yes/no\n"], NAMES),
        ([HEADER, "years,,h,\n"], NAMES),
        (["person,,work,\n", HEADER], {"skip_rows": 1}),
        (["person,person,work,of\n", HEADER], {"skip_rows": 1}),
        (["Report of 2024\n", HEADER, "years,,h,\n"], {**NAMES, "skip_rows": 3}),
        (
            ["person,,work,\n", "age,colour,time,time\n", ",,hours,bought\n"],
            {**NAMES, "names": ("person_age", "person_colour", "work_time_hours", "work_time_bought"), "skip_rows": 3},
        ),
    ],
    ids=["units", "units of some", "groups", "repeated groups", "title", "joined"],
)
def test_several_header_rows_are_found_and_their_names_used(propose, rows, headers, keys):
    label = "work_time_bought" if keys.get("names", "")[:1] == ("person_age",) else "bought"
    count, layout, sentences = propose("".join(headers) + rows(), label=label)
    assert (count, layout) == (150, keys)
    assert "are header rows: " in sentences
    assert {"hours", "work_time_hours"} & {entry.column for entry in propose.config.features.of("numeric")}


def test_a_table_that_is_drawn_with_characters(propose, rows):
    lines = "".join(f"| {line.replace(',', ' | ')} |\n" for line in rows().splitlines())
    count, keys, sentences = propose("| age | colour | hours | bought |\n|:---|---|---:|---|\n" + lines)
    names = ("column_1", "age", "colour", "hours", "bought", "column_6")
    assert (count, keys) == (150, {"delimiter": "|", "header": False, "names": names, "skip_rows": 2})
    assert "column_1, column_6 are ignored" in sentences


@pytest.mark.parametrize(
    ("cell", "keys"),
    [
        ("'{0}, dark'", {"quote": "'"}),
        (r'"so \"{0}, dark\" it is"', {"escape": "\\"}),
        ('"so ""{0}, dark"" it is"', {}),
        ('a 5" {0} or 7"', {}),
        ("C:\\{0}\\", {}),
        ("rock 'n' {0}", {}),
    ],
    ids=["single quotes", "escaped", "doubled", "inches", "backslashes", "apostrophes"],
)
def test_how_texts_and_quotes_within_them_are_quoted(propose, rows, cell, keys):
    lines = [line.split(",") for line in rows().splitlines()]
    table = "".join(f"{age},{cell.format(colour)},{hours},{bought}\n" for age, colour, hours, bought in lines)
    count, layout, sentences = propose(HEADER + table)
    assert (count, layout) == (150, keys)
    assert ("quote" in sentences) == bool(keys)
    [colour] = [entry for entry in propose.config.features.of("categorical") if entry.column == "colour"]
    assert colour


@pytest.mark.parametrize(
    ("second", "names"), [("m,s,h,of what", ["m", "s", "h"]), ("m,,h,of what", ["a_m", "a", "c_h"])]
)
def test_cells_beyond_the_first_header_row_have_no_name(second, names, tmp_path):
    table = f"a,a,c\n{second}\n" + "1,2,3\n" * 9
    (tmp_path / "t.csv").write_text(table)
    layout = table_layout.layout(str(tmp_path / "t.csv"), table, {})
    assert layout.keys == {"skip_rows": 2, "header": False, "names": names}


def test_several_header_rows_of_a_sheet(propose, rows):
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    for cells in csv.reader(io.StringIO(f"{HEADER}years,,h,\n{rows()}")):
        book.active.append([float(cell) if cell[:1].isdigit() else cell or None for cell in cells])
    book.save(buffer)
    count, layout, sentences = propose(buffer.getvalue(), "data/t.xlsx")
    assert (count, layout) == (150, NAMES)
    assert "rows 1 to 2 are header rows: the names are in row 1" in sentences


@pytest.mark.parametrize(
    "first",
    ["x,missing,9.5,yes\n", "x,,,yes\n", "x,18,9.5,never\n", "red,unknown,unknown,maybe\n"],
    ids=["a null beside a number", "nulls", "a new class", "nulls beside a known text"],
)
def test_a_first_row_with_nulls_is_no_header(propose, rows, first):
    lines = [first, *rows().splitlines(keepends=True)]
    table = "".join(f"{line.split(',')[1]},{line.split(',')[0]},{line.split(',', 2)[2]}" for line in lines[1:])
    count, keys, _ = propose(f"colour,age,hours,bought\n{first}{table}")
    assert (count, keys) == (151, {})


def test_texts_that_the_rows_below_hold_again_are_no_header():
    rows = [row.split(",") for row in ("p,x,s", "e,x,n", "p,b,s", "e,b,n")]
    assert table_layout.no_header(rows) == "holds values that occur in the rows below"
    assert table_layout.no_header([["kind", *rows[0][1:]], *rows]) == ""


@pytest.mark.parametrize("index", [lambda row: row, lambda row: row % 50, lambda row: row * 7 % 150])
def test_the_index_of_pandas_is_no_feature(propose, rows, index):
    table = "".join(f"{index(row)},{line}\n" for row, line in enumerate(rows().splitlines()))
    propose(f",{HEADER}{table}")
    used = {entry.column for entry in propose.config.features.of("numeric")}
    assert used == {"age", "hours"}


@pytest.mark.parametrize("header", [HEADER, HEADER.replace("\n", ",\n")])
def test_a_delimiter_at_the_end_of_every_row(propose, rows, header):
    count, keys, sentences = propose(header + rows().replace("\n", ",\n"))
    assert (count, keys) == (150, {})
    assert "column_5 is ignored: no row has a value" in sentences


def test_texts_that_are_too_long_are_cut_and_reported(propose, rows):
    table = "".join(f"text {row % 7} of more words,{line}\n" for row, line in enumerate(rows().splitlines()))
    count, keys, sentences = propose(f"review,{HEADER}{'x ' * 70_000},{rows(1)}{table}")
    assert (count, keys) == (151, {"long_cells": "cut"})
    assert (
        "cut 1 cell: a text of over 131,072 bytes (csv.long_cells) (review): a closing quote may be missing"
        in sentences
    )
