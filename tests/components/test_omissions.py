from components.ingestion.omissions import NAMED, SHOWN_COLUMNS, Omissions, short


def test_equal_reasons_are_counted_together_with_the_first_names():
    omissions = Omissions()
    for number in range(NAMED + 5):
        omissions.add("file", "hidden", f".{number}")
    omissions.add("column", "constant", "a", action="left out")
    omissions.add("row", "blank label", action="left out", count=1200)

    assert omissions.lines() == [
        "skipped 25 files: hidden (.0, .1, .2, ...)",
        "left out 1 column: constant (a)",
        "left out 1,200 rows: blank label",
    ]
    assert omissions.summary() == ["skipped 25 files", "left out 1 column, 1,200 rows"]
    assert len(omissions.plain()[0]["names"]) == NAMED
    assert not Omissions()


def test_a_text_of_the_caller_stands_for_the_columns_that_do_not_fit():
    omissions = Omissions()
    for number in range(SHOWN_COLUMNS + 1):
        omissions.add("column", "constant", f"c{number}", action="not used")
    (line,) = omissions.lines(rest="... all of them: report.html")
    assert line.startswith(f"not used {SHOWN_COLUMNS + 1} columns: constant (c0, c1, ")
    assert line.endswith(f"c{SHOWN_COLUMNS - 1}, ... all of them: report.html)")


def test_parts_are_put_together_and_come_back_from_json():
    merged, part = Omissions(), Omissions()
    merged.add("file", "hidden", "a")
    part.add("file", "hidden", "b")
    part.add("file", "no image", "c")
    merged.merge(part)

    assert Omissions(merged.plain()).lines() == ["skipped 2 files: hidden (a, b)", "skipped 1 file: no image (c)"]
    assert part.lines()[0] == "skipped 1 file: hidden (b)", "the part is as it was"


def test_a_column_is_counted_once_however_many_files_have_it():
    omissions = Omissions()
    for _ in range(3):
        omissions.add("column", "dropped", "a", action="left out")
    second_part = Omissions()
    for number in range(30):
        second_part.add("column", "dropped", f"c{number}", action="left out")
    second_part.add("column", "dropped", "a", action="left out")
    omissions.merge(second_part)
    assert [omission.count for omission in omissions] == [31]
    assert omissions.lines() == [
        f"left out 31 columns: dropped (a, {', '.join(f'c{number}' for number in range(11))}, ...)"
    ]
    assert short("") == "''"


def test_a_name_is_one_line_of_text_whatever_it_is():
    assert short("a\nb\x1b[31m\udcff") == "a\\nb\\x1b[31m\\udcff"
    assert short("x" * 100 + "end.png") == "..." + "x" * 53 + "end.png"
