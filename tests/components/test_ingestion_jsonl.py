import bz2
import gzip
import json
import tracemalloc

import pytest

from components.ingestion import sources
from components.ingestion.omissions import Omissions
from components.ingestion.readers import jsonl
from curation import new_config, schema_review
from errors import UserError
from spec.data import Data


@pytest.fixture
def read(file_reader):
    return file_reader("table.jsonl")


TEXT = '{"id": 1, "at": {"x": 1.5, "y": "a"}, "ok": true}\n\n{"id": 2, "at": {"x": 2}, "ok": null, "new": "z"}\n'
ROWS = {"id": [1, 2], "at.x": [1.5, 2.0], "at.y": ["a", None], "ok": ["true", None], "new": [None, "z"]}


@pytest.mark.parametrize("size", [1, 100])
def test_the_keys_of_all_lines_are_columns(read, monkeypatch, size):
    monkeypatch.setattr(jsonl, "BATCH_ROWS", size)
    assert read(TEXT) == ROWS
    assert read("\ufeff" + TEXT.replace("\n", "\r\n"), name="table.ndjson") == ROWS
    assert read(gzip.compress(TEXT.encode()), name="table.json.gz") == ROWS
    assert read(bz2.compress(TEXT.encode()), name="x.dat", format="jsonl") == ROWS


@pytest.mark.parametrize("size", [1, 100])
def test_a_null_in_place_of_an_object_or_a_list_is_no_column(read, monkeypatch, tmp_path, size):
    """As of an optional part: a schema with such a column would refuse the first file where it is never null."""
    monkeypatch.setattr(jsonl, "BATCH_ROWS", size)
    text = '{"a": null, "b": {"c": {"d": 1}}, "e": [1], "n": null}\n{"a": {"x": 2}, "b": {"c": null}, "e": null}\n'
    rows = {"b.c.d": [1, None], "n": [None, None], "a.x": [None, 2]}
    assert read(text) == rows
    assert read(text, {"a": "BYTES"}) == {"a": [None, None], **rows}, "an approved schema has it"
    omissions = Omissions()
    assert jsonl.look(str(tmp_path / "table.jsonl"), Data(path="x"), omissions) == list(rows)
    assert omissions.lines() == [f"left out 1 column: {jsonl.LISTS} (e)"]


def test_columns_have_the_schemas_types(read):
    columns = {"id": "BYTES", "at.x": "FLOAT", "gone": "INT"}
    assert read(TEXT, columns) == {"id": ["1", "2"], "at.x": [1.5, 2.0], "gone": [None, None]} | {
        name: ROWS[name] for name in ("at.y", "ok", "new")
    }


def test_numbers_keep_all_their_digits(read):
    table = read('{"a": 9007199254740993, "b": 12345678901234567890, "c": 1e400, "d": NaN}\n')
    assert table["a"] == [9007199254740993]
    assert table["b"] == ["12345678901234567890"]
    assert read(f'{{"a": {"1" * 5000}}}\n')["a"] == ["1" * 5000], "Python takes no more than 4,300 digits for a number"


def test_cells_are_cleaned_as_those_of_csv(read):
    table = read('{"a": " x ", "b": "?", "c": "1.234,5"}\n', {"c": "FLOAT"}, csv={"decimal": ",", "thousands": "."})
    assert table == {"a": ["x"], "b": [None], "c": [1234.5]}


def test_lists_are_left_out_and_named(read, tmp_path):
    assert read('{"a": 1, "tags": [1], "at": {"more": []}}\n') == {"a": [1]}
    assert read.omitted == ["left out 2 columns: holds lists: a cell is one number or text (tags, at.more)"]
    omissions = Omissions()
    sources.look(str(tmp_path / "table.jsonl"), Data(path="x"), omissions)
    assert omissions.lines() == read.omitted


def test_lists_of_numbers_that_data_vectors_names_are_columns(read, tmp_path):
    text = '{"a": 1, "at": {"v": [1, 2.5]}}\n{"a": 2, "at": {"v": null}}\n{"a": 3, "at": {"v": [null, 4]}}\n{"a": 4}\n'
    assert read(text, vectors={"at.v": 2}) == {
        "a": [1, 2, 3, 4],
        "at.v.0": [1, None, None, None],
        "at.v.1": [2.5, None, 4.0, None],
    }
    assert read.omitted == []
    assert sources.lengths(str(tmp_path / "table.jsonl"), Data(path="x")) == {"at.v": 2}


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("[1]", r"line 2: column 'v': a list of 1 numbers, and data\.vectors says 2"),
        ('[1, "x"]', r"line 2: column 'v': 'x' in a list of numbers"),
        ("[1, [2]]", r"line 2: column 'v': \['2'\] in a list of numbers"),
    ],
)
def test_a_list_that_is_no_vector_names_line_and_column(read, cell, message):
    with pytest.raises(UserError, match=rf"table\.jsonl, {message}"):
        read(f'{{"v": [1, 2]}}\n{{"v": {cell}}}\n', vectors={"v": 2})


def test_one_object_with_other_values_is_a_row(tmp_path):
    (tmp_path / "t.json").write_text('{"a": {"x": 1}, "b": 2, "c": [1]}')
    assert sources.look(str(tmp_path / "t.json"), Data(path="x")) == ["a.x", "b"]


def test_a_list_among_values_is_missing_and_named(read):
    assert read('{"a": 1}\n{"a": [2]}\n') == {"a": [1, None]}
    assert read.omitted == ["read 1 column: lists in some rows, as missing values (a)"]


def test_a_column_that_the_config_drops_is_left_out(read):
    assert read('{"a": 1, "b": 2, "c": [1]}\n', drop=["b", "c"]) == {"a": [1]}
    assert read.omitted == ["left out 2 columns: listed in data.drop (c, b)"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"a": 1}\n{"a": 1\n',
            r"table\.jsonl, line 2: this is not JSON \(.+, at character \d+\): write one object per line",
        ),
        ('{"a": 1}\n\n[1]\n', r"table\.jsonl, line 3: this is not an object"),
        ('{\n"a": 1\n}\n', r"table\.jsonl is one JSON object over several lines, .*`jq -c"),
        ('[{"a": 1}]', r"table\.jsonl is a JSON array: convert it .*`jq -c '\.\[\]' \S*table\.jsonl"),
        ("[" * 100_000, r"table\.jsonl is a JSON array|line 1: this is not JSON \(nested too deep\)"),
        ('{"a":' * 100_000, r"line 1: this is not JSON"),
        ('{"a":' * 20 + "1" + "}" * 20, r"line 1: column 'a\.a.*': objects in objects, more than 16 deep"),
        ('{"a": 1}\n{"a": "x"}\n', r"column 'a', line 2: conversion error to int64: invalid value 'x'"),
        ('{"a": 1}\n{"b": "\\ud800"}\n', r"column 'b', line 2: half of a character"),
        (b'{"a": "\xff"}', r"table\.jsonl, after line 0: not UTF-8"),
        (gzip.compress(TEXT.encode(), mtime=0)[:-9], r"table\.jsonl cannot be read"),
    ],
)
def test_a_fault_names_the_line(read, text, message):
    with pytest.raises(UserError, match=message):
        read(text, {"a": "INT"})


def test_a_file_without_rows_is_refused(tmp_path):
    (tmp_path / "t.jsonl").write_text("\n")
    with pytest.raises(UserError, match=r"t\.jsonl is empty: it needs one object per line"):
        sources.look(str(tmp_path / "t.jsonl"), Data(path="x"))


def test_memory_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(jsonl, "BATCH_CHARACTERS", 1 << 16)
    path = tmp_path / "t.jsonl.gz"
    with gzip.open(path, "wt") as file:
        file.writelines(json.dumps({"a": row, "b": "x" * 1000}) + "\n" for row in range(20_000))
    settings = Data(path="x")
    tracemalloc.start()
    rows = sum(len(batch) for batch in sources.batches(str(path), settings, {"a": "INT", "b": "BYTES"}))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == 20_000
    assert peak < 4 << 20


def test_new_and_schema_diff_read_it(tmp_path, rng):
    for folder in ("configs", "schemas", "data"):
        (tmp_path / folder).mkdir()
    rows = [
        {"a": int(rng.integers(9)), "b": {"c": float(rng.normal())}, "y": ["ja", "nein"][row % 2]} for row in range(90)
    ]
    (tmp_path / "data/t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    proposal = new_config.new(str(tmp_path), "made", str(tmp_path / "data/t.jsonl"), label="y")
    assert proposal.findings[0] == "data/t.jsonl: jsonl, 90 rows, 3 columns"
    assert 'column = "b.c"' in proposal.config
    assert schema_review.diff(schema_review.Choice(root=str(tmp_path), name="made", data_root=str(tmp_path))) == []


@pytest.fixture
def rng():
    import numpy as np

    return np.random.default_rng(3)
