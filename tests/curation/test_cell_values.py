import pyarrow as pa
import pytest
import tomli

from curation import new_config
from curation.facts import cell_values
from curation.look import reading
from errors import UserError
from pipeline import load
from pipeline.variants import Name
from spec.cells.number_format import NumberFormat


def propose(numbers=None, **columns):
    lines, sentences = cell_values.propose(pa.table(columns), *([numbers] if numbers else []))
    return {(line.key, line.active): line.value for line in lines}, sentences


def spread(values, *rare_values, of=100):
    """Values over and over, and each of the others in five of a hundred rows."""
    return [
        *(values[row % len(values)] for row in range(of - 5 * len(rare_values))),
        *(o for o in rare_values for _ in range(5)),
    ]


@pytest.mark.parametrize(
    ("texts", "folded"),
    [
        (["Yes", "YES", "yes", "No"], True),
        (["True", "TRUE", "false"], True),
        (["y", "Y", "n"], True),
        (["Bern", "BERN", "Chur"], True),
        (["STRASSE", "straße"], False),
        (["a", "A", "b"], False),
        (["Bern", "Chur"], False),
    ],
)
def test_spellings_that_differ_by_case_are_made_one(texts, folded):
    keys, sentences = propose(c=spread(texts))

    assert keys == ({("fold_case", True): ["c"]} if folded else {})
    assert len(sentences) == (folded or "A" in texts)


def test_codes_of_one_letter_are_only_named():
    assert propose(grade=spread(["a", "A", "b"]))[1] == [
        "grade: 'a' (34), 'A' (33): values that differ only in case; if they mean the same, add grade to data.fold_case"
    ]


def test_names_and_sentences_are_no_categories():
    names = [f"{'User' if row % 2 else 'user'}{row // 2}" for row in range(100)]
    sentences = spread(["a red house by the sea", "A red house by the sea"])

    assert propose(name=names, note=sentences) == ({}, [])


@pytest.mark.parametrize(
    ("cells", "sure", "maybe"),
    [
        (spread(range(10, 90), -999), [-999], []),
        (spread([f"{value}.5" for value in range(10, 90)], "-9999"), [-9999], []),
        (spread(range(5), 99), [99], []),
        (spread(range(5), -999, 9999), [-999, 9999], []),
        (spread(range(5), 999, 9999), [999, 9999], []),
        (spread(range(3), -99, -9), [-99, -9], []),
        (spread(range(18, 80), 99), [], [99]),
        (spread(range(10, 90), -1), [], [-1]),
        (spread(range(90, 99), 99), [], []),
        (spread(range(5), -77), [], []),
        ([*range(999), -99999], [], []),
        ([0, 1, -1] * 30, [], []),
        (["1,234", *spread(["1,001", "2,002", "3,003"], "99,999")], [99999], []),
    ],
)
def test_numbers_of_nines_far_from_the_others_stand_for_a_missing_value(cells, sure, maybe):
    keys, sentences = propose(
        NumberFormat(".", ","), n=pa.array(cells, None if isinstance(cells[0], int) else pa.string())
    )

    assert keys.get(("column_null_values", True), {}).get("n", []) == sure
    assert keys.get(("column_null_values", False), {}).get("n", sure) == [*sure, *maybe]
    assert len(sentences) == len(sure + maybe)


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (spread(["2020-01-05", "2021-02-03", "2022-01-01"], "1900-01-01"), ["1900-01-01"]),
        (spread(["2020-01-05", "2021-02-03", "2022-01-01"], "0000-00-00"), ["0000-00-00"]),
        (spread(["1890-01-05", "1910-02-03", "1922-01-01"], "1900-01-01"), []),
        (["1900-01-01", *spread(["2020-01-05", "2021-02-03", "2022-01-01"], of=1000)], []),
        (spread(["DE", "FR"], "nan", "#N/A"), ["nan", "#N/A"]),
        (spread(["basic", "pro"], "\\N"), ["\\N"]),
        (spread(["basic", "pro"], "(null)", "#NV"), ["(null)", "#NV"]),
        (spread(["none", "some", "-"]), []),
    ],
)
def test_texts_and_dates_that_programs_write_for_none(texts, values):
    keys, sentences = propose(t=texts)

    assert keys.get(("column_null_values", True), {}).get("t", []) == values
    assert len(sentences) == len(values)


def test_the_values_are_read_as_missing_and_the_spellings_as_one(tmp_path):
    rows = ["paid,income,y"]
    for row in range(300):
        income = -999 if row % 10 == 0 else row % 50 + 0.5
        rows.append(f"{('Yes', 'YES', 'no')[row % 3]},{income},{row % 7}")
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n")
    for folder in ("configs", "schemas"):
        (tmp_path / folder).mkdir()
    proposal = new_config.new(str(tmp_path), "made", str(tmp_path / "t.csv"), label="y")
    config = load.reviewed(str(tmp_path), Name("made")).config

    assert config.data.fold_case == ("paid",)
    assert config.data.column_null_values == {"income": ("-999",)}
    assert config.features.of("numeric")[0].missing == "median"
    assert "income: -999 in 30 of 300 cells (10.0%) means null: " in "\n".join(proposal.findings)
    assert "# 2 distinct values" in proposal.config
    data = reading.read(str(tmp_path / "t.csv"), str(tmp_path))
    assert data.table["income"].null_count == 30
    assert data.table["paid"].unique().to_pylist() == ["yes", "no"]


def test_parquet_is_looked_at_too(tmp_path):
    import pyarrow.parquet as pq

    table = pa.table({"n": spread([1.5, 2.5, 3.5], -999.0), "c": spread(["Yes", "YES", "no"])})
    pq.write_table(table, tmp_path / "t.parquet")
    data = reading.read(str(tmp_path / "t.parquet"), str(tmp_path))

    assert data.values["column_null_values"] == {"n": [-999]}
    assert data.values["fold_case"] == ["c"]
    assert (data.table["n"].null_count, data.table["c"].unique().to_pylist()) == (5, ["yes", "no"])


@pytest.mark.parametrize(
    ("values", "named"),
    [(("ZA", "BW", "NA"), True), (("EU", "NA"), True), (("ZA", "Bwa", "NA"), False), (("1", "NA"), False)],
)
def test_na_among_codes_of_two_capitals_is_named(tmp_path, values, named):
    rows = [f"{values[row % len(values)]},{row % 7}" for row in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["country,y", *rows]) + "\n")
    data = reading.read(str(tmp_path / "t.csv"), str(tmp_path))
    sentences = (
        f"country: 'NA' in {60 // len(values)} of 60 cells is read as null; if it is a code like the "
        'others, set data.null_values = ["", "?", "N/A", "null"]'
    )

    assert (sentences in data.findings) == named
    assert [(line.value, line.active) for line in data.lines if line.key == "null_values"] == (
        [(["", "?", "N/A", "null"], False)] if named else []
    )
    assert data.table["country"].null_count == 60 // len(values)


@pytest.fixture
def coded(tmp_path):
    """Proposes a pipeline for a table of codes, of which NA is one; returns its [data] and label, and the findings."""

    def propose(codes, label="y", more=()):
        for folder in ("configs", "schemas"):
            (tmp_path / folder).mkdir()
        numbers = [*range(7), *more]
        rows = "".join(f"{numbers[row % len(numbers)]},{codes[row % len(codes)]}\n" for row in range(60))
        (tmp_path / "t.csv").write_text("a,y\n" + rows)
        proposal = new_config.new(str(tmp_path), "made", str(tmp_path / "t.csv"), label=label)
        config = tomli.loads(proposal.config)
        return config["data"].get("null_values"), config["label"]["column"], proposal.findings

    return propose


def test_na_is_a_class_of_a_label_with_one_other_value(coded):
    null_values, label, findings = coded(("NA", "EU"))

    assert null_values == ["", "?", "N/A", "null"]
    assert label == "y"
    said = "y: 'NA' in 30 of 60 cells is a class, because the label has only one other value: data.null_values"
    assert said in findings


def test_na_is_null_in_a_label_with_two_other_values(coded):
    null_values, _, findings = coded(("NA", "EU", "AS"))

    assert null_values is None
    assert any(finding.startswith("y: 'NA' in 20 of 60 cells is read as null; if it is a code") for finding in findings)


def test_na_is_null_in_all_columns_if_one_beside_the_label_has_it(coded):
    """As a value it would make categories of numbers."""
    with pytest.raises(UserError, match="'y' cannot be the label: it has only one value"):
        coded(("NA", "EU"), more=["NA"])


def test_na_is_null_in_a_column_that_is_not_the_label(coded):
    null_values, label, _ = coded(("NA", "EU"), label="a")

    assert (null_values, label) == (None, "a")


def test_the_error_of_a_refused_label_names_its_cells(tmp_path):
    for folder in ("configs", "schemas"):
        (tmp_path / folder).mkdir()
    days = [(f"2024-{1 + row // 28:02}-{1 + row % 28:02}", f"{1 + row % 28:02}.03.2021") for row in range(84)]
    rows = "".join(f"{row % 7},{days[row][row % 2]}\n" for row in range(84))
    (tmp_path / "t.csv").write_text("a,y\n" + rows)
    with pytest.raises(UserError, match=r"'y' cannot be the label: .*; y holds dates in several formats"):
        new_config.new(str(tmp_path), "made", str(tmp_path / "t.csv"), label="y")
