"""`runner.py predict --explain`: contributions beside the predictions."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from components.inference.row_model import RowModel
from errors import UserError
from orchestration.prediction import predict_file
from spec.file_names import BACKGROUND

from .conftest import BAD, NEW, ROWS, read, write

CONTRIBUTIONS = ["contribution_area", "contribution_country", "contribution_rooms", "contribution_size"]


def test_contributions_and_base_value_add_up_to_the_prediction(predict_rows, tmp_path):
    source = write(tmp_path / "new.csv", [*ROWS, *NEW])
    _, target = predict_rows(source, "out.parquet", explain=True)
    table = pq.read_table(target)
    assert table.column_names == ["row", "id", "prediction", "base_value", *CONTRIBUTIONS, "error"]
    columns = {name: np.array(table[name]) for name in table.column_names}
    total = columns["base_value"] + sum(columns[name] for name in CONTRIBUTIONS)
    np.testing.assert_allclose(total, columns["prediction"], rtol=1e-5)
    assert len(set(columns["base_value"])) == 1
    assert min(np.abs(columns[name]).max() for name in CONTRIBUTIONS) > 0
    _, second_target = predict_rows(source, "again.parquet", explain=True)
    assert pq.read_table(second_target).equals(table)


def test_the_base_value_is_the_mean_prediction_of_the_training_rows(predict_rows, pushed, tmp_path):
    _, target = predict_rows(write(tmp_path / "rows.csv", ROWS), explain=True)
    rows = read(target)
    assert float(rows[0]["base_value"]) == pytest.approx(np.mean([float(row["prediction"]) for row in rows]), rel=1e-5)


def test_rows_with_errors_have_no_contributions(predict_rows, tmp_path):
    source = write(tmp_path / "bad.csv", BAD)
    _, target = predict_rows(source, explain=True)
    rows = read(target)
    assert [bool(row["error"]) for row in rows] == [False, True, True, True, False]
    assert [[bool(row[name]) for name in ("base_value", *CONTRIBUTIONS)] for row in rows] == [
        [not row["error"]] * 5 for row in rows
    ]
    alone = read(predict_rows(write(tmp_path / "good.csv", [BAD[4]]), "good_out.csv", explain=True)[1])
    assert {**alone[0], "row": "5"} == rows[4]


def test_parts_without_contributions_are_not_continued(predict_rows, tmp_path, monkeypatch):
    source = write(tmp_path / "rows.csv", ROWS)

    class Stopped(BaseException):
        """Stands for a kill."""

    def stop(*_):
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(predict_file.Parts, "place", stop)
        with pytest.raises(Stopped):
            predict_rows(source)
    _, target = predict_rows(source, explain=True)
    rows = read(target)
    assert len(rows) == len(ROWS)
    assert all(row["base_value"] for row in rows)


def test_a_version_without_background_is_named_with_the_fix(predict_rows, pushed, tmp_path, monkeypatch):
    folder = tmp_path / "7"
    shutil.copytree(pushed / "runs/rows/serving/7", folder)
    (folder / BACKGROUND).unlink()
    model = RowModel(str(folder), "regression")
    monkeypatch.setattr(predict_file, "RowModel", lambda *_: model)
    source = write(tmp_path / "rows.csv", ROWS)
    with pytest.raises(UserError, match=r"version 7 has no background rows, .*Run the pipeline again"):
        predict_rows(source, explain=True)
    assert predict_rows(source)[0].rows == len(ROWS)


def test_columns_that_have_no_contribution_are_named(predict_rows, pushed, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "7"
    shutil.copytree(pushed / "runs/rows/serving/7", folder)
    content = json.loads((folder / BACKGROUND).read_text())
    [entry] = [column for column in content["inputs"] if column["column"] == "country"]
    del entry["cells"]
    entry["reason"] = "it holds encoded images"
    (folder / BACKGROUND).write_text(json.dumps(content))
    model = RowModel(str(folder), "regression")
    monkeypatch.setattr(predict_file, "RowModel", lambda *_: model)
    _, target = predict_rows(write(tmp_path / "rows.csv", ROWS), explain=True)
    assert "column 'country' has no contribution: it holds encoded images" in capsys.readouterr().err
    row = read(target)[3]
    total = float(row["base_value"]) + sum(float(row[name]) for name in CONTRIBUTIONS if name in row)
    assert total == pytest.approx(float(row["prediction"]), rel=1e-5)
    assert "contribution_country" not in row


def test_a_model_that_refuses_mixed_rows_cannot_be_explained(predict_rows, model, tmp_path, monkeypatch):
    predict_columns = model._model.predict_columns

    def refuse(inputs):
        if len(inputs["area"]) <= model.batch:
            return predict_columns(inputs)
        raise tf.errors.InvalidArgumentError(None, None, "rooms and area do not fit\nmore")

    monkeypatch.setattr(model._model, "predict_columns", refuse)
    with pytest.raises(UserError, match=r"cannot be explained: rooms and area do not fit. Predict without --explain"):
        predict_rows(write(tmp_path / "rows.csv", ROWS), explain=True)


def test_the_command_passes_the_option(monkeypatch):
    from orchestration.cli import parser

    calls = []
    monkeypatch.setattr(
        predict_file, "predict", lambda *_, **options: calls.append(options) or predict_file.Outcome(1, 0, (), 7)
    )
    for options in ([], ["--explain"]):
        arguments = parser.parser().parse_args(["predict", "rows", "a.csv", *options])
        arguments.do(arguments)
    assert calls == [{"explain": False}, {"explain": True}]


def test_an_exported_model_carries_its_training_rows(pushed):
    content = json.loads(Path(pushed / "runs/rows/serving/7" / BACKGROUND).read_text())
    cells = {column["column"]: column["cells"] for column in content["inputs"]}
    assert content["rows"] == len(ROWS)
    assert cells["rooms"] == [2, 3, None, -1, 4, None, 5]
    assert cells["area"] == [1, 2.5, 3, 4, 5, 6, 7]
    assert "y" not in cells
    assert "id" not in cells
