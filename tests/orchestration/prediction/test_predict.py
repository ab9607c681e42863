"""`runner.py predict`: rows of files through a pushed model, as in training, and resumable."""

import csv
import gc
import io
import json
import os
import sys
import types
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from components.evaluator import prediction
from components.inference import input_rows, prediction_table
from components.ingestion import sources
from components.ingestion.write import example_encoding
from errors import UserError
from orchestration.cli import parser
from orchestration.prediction import predict_file
from pipeline import load

from .conftest import BAD, COLUMNS, NEW, ROWS, read, write


def trained_on(pushed, path):
    """Predictions of the model for the rows as ingestion reads them."""
    model = tf.saved_model.load(str(pushed / "runs/rows/serving/7"))
    config = load.load(str(pushed), "rows")
    batch = pa.Table.from_batches(sources.batches(path, config.data, COLUMNS)).to_batches()[0]
    examples = tf.constant(example_encoding.examples(batch).to_pylist())
    return model.signatures["serving_examples"](examples=examples)["prediction"].numpy()


def test_rows_of_a_file_get_the_predictions_of_training(predict_rows, pushed, tmp_path):
    source = write(tmp_path / "new.csv", [*ROWS, *[[*row[:5], "0"] for row in NEW]])
    outcome, target = predict_rows(source)
    rows = read(target)

    assert (outcome.rows, outcome.errors, outcome.version) == (9, 0, 7)
    assert [row["id"] for row in rows] == [row[0] for row in [*ROWS, *NEW]]
    assert [row["row"] for row in rows] == list(map(str, range(1, 10)))
    predictions = np.float32([row["prediction"] for row in rows])
    np.testing.assert_allclose(predictions, trained_on(pushed, source), rtol=1e-6)
    assert len(set(predictions.tolist())) == 9


def test_the_rows_of_a_part_are_released_when_it_is_predicted(model):
    def predict(rows):
        cells = {"size": [1.0] * rows, "rooms": [2] * rows, "area": [3.0] * rows, "country": ["ZA"] * rows}
        outputs, errors = model.predict(pa.RecordBatch.from_pydict(cells))
        assert (len(outputs["prediction"]), errors) == (rows, {})

    predict(100)
    gc.collect()
    gc.disable()
    try:
        before = pa.total_allocated_bytes()
        predict(100)
        assert pa.total_allocated_bytes() == before
    finally:
        gc.enable()


def test_the_label_and_other_columns_may_be_absent(predict_rows, pushed, tmp_path):
    names = ["area", "country", "rooms", "size"]
    places = [list(COLUMNS).index(name) for name in names]
    source = write(tmp_path / "new.csv", [[row[place] for place in places] for row in ROWS], names)
    _, target = predict_rows(source)

    assert list(read(target)[0]) == ["row", "prediction", "error"]
    expected = trained_on(pushed, write(tmp_path / "all.csv", ROWS))
    np.testing.assert_allclose(np.float32([row["prediction"] for row in read(target)]), expected, rtol=1e-6)


def test_rows_that_cannot_be_predicted_stay_in_the_output_with_their_errors(predict_rows, tmp_path):
    source = write(tmp_path / "bad.csv", BAD)
    outcome, target = predict_rows(source)
    rows = read(target)

    assert (outcome.rows, outcome.errors) == (5, 3)
    assert [bool(row["prediction"]) for row in rows] == [True, False, False, False, True]
    assert [row["error"] for row in rows][1:4] == [
        "column 'rooms' holds '1.5', which is not an integer",
        "column 'area' must have a value in every row",
        "column 'area' must hold finite numbers; it holds 'inf'",
    ]
    assert outcome.named[0] == f"{source}, row 2: column 'rooms' holds '1.5', which is not an integer"
    assert (
        read(predict_rows(write(tmp_path / "good.csv", [BAD[0], BAD[4]]))[1])[1]["prediction"] == rows[4]["prediction"]
    )


def test_a_model_that_fails_on_no_rows_is_not_asked_for_them(pushed, monkeypatch):
    predict = prediction.Model.predict

    def some(self, examples):
        assert len(examples)
        return predict(self, examples)

    monkeypatch.setattr(prediction.Model, "predict", some)
    model = predict_file.RowModel(str(pushed / "runs/rows/serving/7"), "regression")
    outputs, errors = model.predict([])
    assert (outputs["prediction"].shape, errors) == ((0,), {})


def test_a_file_without_a_row_that_can_be_predicted_is_an_error(predict_rows, tmp_path):
    with pytest.raises(UserError, match=r"no row can be predicted:\n.*bad.csv, row 1: column 'rooms' holds '1.5'"):
        predict_rows(write(tmp_path / "bad.csv", BAD[1:3]))


def test_classes_have_their_names_and_a_column_of_probabilities_each():
    ids = pa.record_batch([pa.array(["a", "b", "c"])], ["id"])
    rows = input_rows.Rows("f.csv", 5, pa.record_batch([pa.array([1, 2, 3])], ["x"]), ids)
    outputs = {
        "classes": np.array([b"ja", "nein \u00fc".encode()], object),
        "probabilities": np.float32([[0.5, 0.5], [0, 1]]),
    }
    table = prediction_table.table(rows, outputs, {1: "bad"}, classes=["ja", "nein \u00fc"], with_file=True)

    assert table.to_pydict() == {
        "file": ["f.csv"] * 3,
        "row": [5, 6, 7],
        "id": ["a", "b", "c"],
        "class": ["ja", None, "nein \u00fc"],
        "probability_ja": [0.5, None, 0.0],
        "probability_nein \u00fc": [0.5, None, 1.0],
        "error": [None, "bad", None],
    }
    assert prediction_table.encoded(table, "csv").splitlines()[1] == b'"f.csv",6,"b",,,,"bad"'


@pytest.mark.parametrize("output", ["out.csv", "out.jsonl", "out.parquet"])
@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_formats_hold_the_same(predict_rows, tmp_path, form, output):
    source = tmp_path / f"rows.{form}"
    data = {name: [row[place] for row in ROWS] for place, name in enumerate(COLUMNS)}
    if form == "csv":
        write(source, ROWS)
    elif form == "jsonl":
        source.write_text("".join(json.dumps(dict(zip(COLUMNS, row, strict=True))) + "\n" for row in ROWS))
    else:
        pq.write_table(pa.table(data), source)
    _, target = predict_rows(source, output)
    read_by = {
        "csv": lambda: [
            {**row, "row": int(row["row"]), "prediction": float(row["prediction"])} for row in read(target)
        ],
        "jsonl": lambda: [json.loads(line) for line in Path(target).read_text().splitlines()],
        "parquet": lambda: pq.read_table(target).to_pylist(),
    }
    rows = read_by[output.split(".")[1]]()
    expected = read(predict_rows(write(tmp_path / "plain.csv", ROWS), "plain_out.csv")[1])

    assert [(row["row"], row["id"]) for row in rows] == [(int(row["row"]), row["id"]) for row in expected]
    np.testing.assert_allclose(
        [row["prediction"] for row in rows], [float(row["prediction"]) for row in expected], rtol=1e-6
    )


def test_several_files_are_predicted_in_order_and_named(predict_rows, tmp_path):
    first_file, second_file = write(tmp_path / "p1.csv", ROWS[:3]), write(tmp_path / "p2.csv", ROWS[3:])
    outcome, target = predict_rows(tmp_path / "p*.csv")

    assert outcome.rows == 7
    assert [(row["file"], row["row"]) for row in read(target)] == [
        *((first_file, str(row)) for row in (1, 2, 3)),
        *((second_file, str(row)) for row in (1, 2, 3, 4)),
    ]


def test_standard_input_and_output(predict_rows, pushed, monkeypatch, capsys, tmp_path):
    source = write(tmp_path / "rows.csv", ROWS)
    with open(source, "rb") as file:
        monkeypatch.setattr("sys.stdin", types.SimpleNamespace(buffer=io.BytesIO(file.read())))
    monkeypatch.setattr("sys.path", [*sys.path])
    code = parser.main(["predict", "rows", "-", "--root", str(pushed / "runs")])
    printed = capsys.readouterr()

    assert code == 0, printed.err
    assert list(csv.DictReader(io.StringIO(printed.out))) == read(predict_rows(source)[1])
    assert "7 rows predicted by version 7" in printed.err


def test_errors_of_rows_are_on_standard_error_and_not_in_the_rows(predict_rows, pushed, capsys, tmp_path):
    source = write(tmp_path / "bad.csv", BAD)
    code = parser.main(["predict", "rows", source, "--root", str(pushed / "runs")])
    printed = capsys.readouterr()

    assert code == 0, printed.err
    assert list(csv.DictReader(io.StringIO(printed.out))) == read(predict_rows(source)[1])
    counted, heading, first, *_ = printed.err.splitlines()[-5:]
    assert counted == "5 rows predicted by version 7"
    assert heading == "3 of them have an error instead of a prediction, among them:"
    assert first == f"  {source}, row 2: column 'rooms' holds '1.5', which is not an integer"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("id,size\n1,2\n", "^standard input: columns 'area', 'country', 'rooms' are missing, which the model reads"),
        ("id,size,rooms,area,country\n1,a,2,3,fr\n", "^no row can be predicted:\nstandard input, row 1: "),
    ],
)
def test_errors_name_standard_input_instead_of_its_copy(predict_rows, pushed, monkeypatch, tmp_path, table, message):
    monkeypatch.setattr("sys.stdin", types.SimpleNamespace(buffer=io.BytesIO(table.encode())))
    with pytest.raises(UserError, match=message):
        predict_file.predict(str(pushed / "runs"), "rows", "-", str(tmp_path / "out.csv"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": "nowhere.csv"}, r"there is no file .*nowhere\.csv"),
        ({"output": "out.xlsx"}, r"the name of the output ends with \.csv, \.jsonl, \.parquet"),
        ({"version": 8}, "rows has no version 8.* Known versions: 7"),
        ({"name": "row"}, r"configs/row\.toml does not exist.*rows"),
        ({"root": "elsewhere"}, "rows has no pushed version in .*elsewhere"),
        ({"names": ["id", "sise", "rooms", "area", "country"]}, "column 'size' is missing, .*sise"),
    ],
)
def test_invalid_requests_are_rejected_before_anything_is_written(predict_rows, pushed, tmp_path, change, message):
    source = write(tmp_path / "in.csv", ROWS, change.pop("names", tuple(COLUMNS)))
    arguments = {"root": str(pushed / "runs"), "name": "rows", "source": source, "output": "out.csv", **change}
    arguments["output"] = str(tmp_path / arguments["output"])
    with pytest.raises(UserError, match=message):
        predict_file.predict(**arguments)
    assert not os.path.exists(arguments["output"])
