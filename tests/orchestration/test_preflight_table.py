"""Preflight of the rows of a table: types and label."""

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.preflight import csv_blocks

RULE = {"binary": 'task = "binary"\npositive = "yes"', "anomaly": 'task = "anomaly"\nthreshold = 1000'}


def only(lines):
    [line] = lines
    return line.split("flats.csv")[1]


def test_the_error_of_a_cell_of_another_type_names_line_and_schema_edit(flats):
    flats.data(flats.HEADER + flats.rows(2) + "big,Bern,1000\n")

    assert only(flats.errors()) == (
        ", line 4: column 'area' holds 'big', which is not FLOAT: fix the cell, or write type: BYTES for it in "
        "schemas/flats.pbtxt"
    )


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            "40,Bern,9001\n",
            ", line 42: the label 'rent' is 9001 but the schema says int_domain { max: 9000 }: fix the row",
        ),
        ("40,Bern,0\n", ", line 42: the label 'rent' is 0 but the schema says int_domain { min: 1 }: fix the row"),
    ],
)
def test_the_error_of_a_label_out_of_range_names_the_line(flats, rows, message):
    flats.data(flats.HEADER + flats.rows(40) + rows)

    assert only(flats.errors()).startswith(message)
    assert flats.errors('data.exclude=["rent > 9000 or rent < 1"]') == []


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1,Bern,900\n" * 9, ": the label 'rent' is 900 in every row: there is nothing to learn"),
        ("1,Bern,\n" * 9, ": the label 'rent' is null in 9 of 9 rows, more than data.max_null_label = 0.05"),
        ("1,Bern,900\n2,Bern,901\n", ": 2 rows for 3 splits: add rows"),
    ],
)
def test_a_constant_or_null_label_is_rejected(flats, rows, message):
    flats.data(flats.HEADER + rows)

    assert only(flats.errors()).startswith(message)


def test_rows_with_null_labels_within_the_allowed_share_are_dropped(flats):
    flats.data(flats.HEADER + flats.rows(40) + "1,Bern,\n2,Chur,\n")

    assert flats.errors() == []
    assert only(flats.errors("data.max_null_label=0.04")).startswith(": the label 'rent' is null in 2 of 42 rows")


@pytest.mark.parametrize(
    ("task", "labels", "message"),
    [
        ("binary", ["yes", "no"], None),
        ("binary", [" yes ", "no"], None),
        ("binary", ["ja", "nein"], "label.positive = 'yes' matches no row; values: 'ja', 'nein'"),
        ("binary", ["yes", "yes"], "label.positive = 'yes' matches every row; values: 'yes'"),
        ("anomaly", [1, 2], None),
        ("anomaly", [1000, 2000], "is an anomaly in every row: add normal rows"),
    ],
)
def test_a_label_with_one_class_is_rejected_with_the_rule(flats, task, labels, message):
    kind = "BYTES" if task == "binary" else "INT"
    flats.schema(flats.SCHEMA.replace("type: INT", f"type: {kind}").replace("int_domain { min: 1 max: 9000 }", ""))
    network = "autoencoder" if task == "anomaly" else "linear"
    flats.config(flats.CONFIG.replace('"linear"', f'"{network}"') + RULE[task])
    flats.data(flats.HEADER + "".join(f"{row},Bern,{labels[row % 2]}\n" for row in range(9)))

    findings = flats.errors()
    assert (message in only(findings)) if message else findings == []


def test_one_class_in_the_checked_part_of_a_long_file_is_no_finding(flats, monkeypatch):
    monkeypatch.setattr(csv_blocks, "BLOCK", 500)
    flats.data(flats.HEADER + "1,Bern,900\n" * 500)

    assert flats.errors() == []


def test_rows_of_parquet_are_checked_too(flats):
    table = {"area": [1.0, 2.0, 3.0], "city": ["Bern", "Chur", "Bern"], "rent": [900, 9001, 901]}
    pq.write_table(pa.table(table), flats.root / "data" / "flats.parquet")
    [line] = flats.errors("data.path=data/flats.parquet")

    assert "flats.parquet, row 2: the label 'rent' is 9001" in line


def test_the_list_of_findings_of_a_file_is_truncated(flats):
    flats.data(flats.HEADER + flats.rows(40) + "1,Bern\n" * 30 + flats.rows(1))
    findings = flats.errors()

    assert len(findings) == 21
    assert findings[0].endswith(
        "flats.csv, line 42: expected 3 columns, got 2: fix the row; quote cells that contain the delimiter"
    )
    assert findings[-1].endswith("flats.csv: and 10 more like these")


def test_another_table_below_is_one_finding_with_the_key_that_drops_it(flats):
    below = "day,visits\n" + "1,2\n" * 30
    flats.data(flats.HEADER + flats.rows(40) + below)
    [line] = flats.errors()

    assert "flats.csv, line 42: expected 3 columns, got 2: another table may begin here: " in line
    assert "csv = {skip_footer = 31}" in line
    flats.data(flats.HEADER + flats.rows(40) + "1,Bern\n1,2,3,4\n1,Ber")
    assert [line.rpartition(": ")[2][:12] for line in flats.errors()] == [
        "fix the row;",
        "fix the row;",
        "it is trunca",
    ]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("quoted", [False, True], ids=["plain", "line breaks in quotes"])
@pytest.mark.parametrize("bad", ["1,Bern", '1,"Bern,900'], ids=["ragged", "open quote"])
def test_the_last_block_is_checked_with_its_line_numbers(flats, monkeypatch, packed, quoted, bad):
    monkeypatch.setattr(csv_blocks, "BLOCK", 3000)
    city = '"Be\nrn"' if quoted else "Bern"
    text = flats.HEADER + "".join(f"{row},{city},{row + 1}\n" for row in range(2000)) + f"{bad}\n"
    name = "flats.csv.gz" if packed else "flats.csv"
    flats.data(gzip.compress(text.encode()) if packed else text, name)
    [line] = flats.errors(f"data.path=data/{name}")

    assert f"{name}, line {2 + 2000 * (1 + quoted)}: " in line


def test_the_end_of_a_long_file_is_checked_without_reading_its_middle(flats, monkeypatch):
    monkeypatch.setattr(csv_blocks, "BLOCK", 3000)
    monkeypatch.setattr(csv_blocks, "MAX_BYTES", 10_000)
    monkeypatch.setattr(csv_blocks, "_READ", 5000)
    flats.data(flats.HEADER + flats.rows(5000) + "1,Bern\n")
    [line] = flats.errors()

    assert "flats.csv: expected 3 columns, got 2" in line


@pytest.mark.parametrize(
    ("transform", "rent", "line"), [("log", 0, 42), ("log1p", -1, 42), ("log1p", 0, None), ("signed_log", -9, None)]
)
def test_the_error_of_a_label_without_a_logarithm_names_line_and_edits(flats, transform, rent, line):
    flats.config(flats.CONFIG.replace('column = "rent"', f'column = "rent"\ntransform = "{transform}"'))
    flats.schema(flats.SCHEMA.replace("int_domain { min: 1 max: 9000 }", ""))
    flats.data(flats.HEADER + flats.rows(40) + f"40,Bern,{rent}\n")
    findings = flats.errors()

    assert bool(findings) == (line is not None)
    if line is not None:
        edits = '"log1p" or "signed_log"' if transform == "log" else '"signed_log"'
        above = 0 if transform == "log" else -1
        assert only(findings) == (
            f", line {line}: the label 'rent' contains {rent}, but label.transform = \"{transform}\" requires numbers "
            f"above {above}; to accept it: label.transform = {edits} in the config; or skip such rows with "
            f'data.exclude = ["rent <= {above}"]'
        )


def weighted(flats, kind, weights):
    """Give a row each of the weights in turn."""
    flats.config(flats.CONFIG.replace("[features]", '[columns]\nweight = "w"\n[features]'))
    shape = "presence { min_fraction: 1.0 min_count: 1 } shape { dim { size: 1 } }"
    flats.schema(f'{flats.SCHEMA}feature {{ name: "w" type: {kind} {shape} }}')
    lines = flats.rows(40).splitlines()
    cells = [f"{line},{weights[row % len(weights)]}\n" for row, line in enumerate(lines)]
    flats.data("area,city,rent,w\n" + "".join(cells))


@pytest.mark.parametrize(("weights", "is_rejected"), [((0, 0), True), ((0, 2), False)])
def test_weights_that_are_all_zero_are_rejected(flats, weights, is_rejected):
    weighted(flats, "INT", weights)
    message = "the weight column 'w' is 0 in every row, so no row counts: fix it, or remove columns.weight"

    assert [line.partition(": ")[2] for line in flats.errors()] == ([message] if is_rejected else [])


def test_a_negative_weight_is_rejected_with_its_line(flats):
    weighted(flats, "FLOAT", [1, 1, 1, -0.5, *[1] * 36])

    assert only(flats.errors()) == (
        ", line 5: the weight column 'w' contains -0.5, but a weight must be a number of 0 or more: fix it, or skip "
        'such rows with data.exclude = ["w < 0"]'
    )
    assert flats.errors("data.exclude=['w < 0']") == []


SPLIT = 'data.split={by = "column", column = "city", values = {Bern = "train", Chur = "test"}}'


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            "1,Basel,900\n",
            ", line 42: column 'city', which data.split.column names, holds 'Basel'; expected Bern, Chur,",
        ),
        (
            "1,,900\n",
            ", line 42: column 'city', which data.split.column names, is null; expected Bern, Chur, train",
        ),
        ("", None),
    ],
)
def test_the_error_of_a_row_with_an_unknown_split_names_its_line(flats, rows, message):
    flats.config(flats.CONFIG.replace('categorical = [{column = "city"}]', ""))
    flats.optional("city")
    flats.data(flats.HEADER + flats.rows(40) + rows)
    findings = flats.errors(SPLIT)

    assert findings == [] if message is None else only(findings).startswith(message)
    [line] = flats.errors(SPLIT.replace("test", "train")) if message is None else ["is 'test' in no row"]
    assert "is 'test' in no row" in line


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_lines_are_counted_with_any_line_ending_and_after_the_first_block(flats, monkeypatch, ends):
    monkeypatch.setattr(csv_blocks, "BLOCK", 256)
    monkeypatch.setattr(csv_blocks, "_READ", 64)
    (flats.root / "data/flats.csv").write_bytes(
        (flats.HEADER + flats.rows(90) + "big,Bern,1000\n").replace("\n", ends).encode()
    )

    assert only(flats.errors()).startswith(", line 92: column 'area' holds 'big'")
