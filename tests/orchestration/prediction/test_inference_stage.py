"""The executor of the node inference, with a real model: which rows are predicted, and what it writes."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2
from tfx.types import standard_artifacts

import project
from components import summary
from components.inference import executor, input_rows, prediction_parts
from components.inference.inference_settings import InferenceSettings
from components.inference.row_model import RowModel
from components.ingestion import sources
from components.ingestion.discovery import data_files
from errors import ResourceError, UserError
from pipeline import load
from spec.data import Data

from .conftest import BAD, COLUMNS, NEW, ROWS, read, write


@pytest.fixture
def infer(pushed, tmp_path, monkeypatch):
    """A function that runs the executor on files; returns the artifact and its folder."""
    monkeypatch.setenv(project.VARIABLE, str(pushed))
    monkeypatch.setattr(prediction_parts, "PART_BATCHES", 1)
    model = standard_artifacts.Model()
    model.uri = str(tmp_path / "model")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "Format-Serving").symlink_to(pushed / "runs/rows/serving/7")

    def run(source, blessed=True, content="", form=None, **changes):
        data = input_rows.settings(load.load(str(pushed), "rows").data, source, form)
        settings = InferenceSettings(paths=source, data=data, kind="regression", identifier="id", **changes)
        blessing, result = standard_artifacts.ModelBlessing(), standard_artifacts.InferenceResult()
        blessing.set_int_custom_property("blessed", int(blessed))
        result.uri = str(tmp_path / "result")
        parameters = {
            "settings": json.dumps({"inline": settings.model_dump(mode="json", by_alias=True)}),
            "content": content,
            "code": "",
        }
        executor.Executor().Do({"model": [model], "blessing": [blessing]}, {"inference_result": [result]}, parameters)
        return result, Path(result.uri)

    return run


def line(artifact):
    return artifact.get_string_custom_property(summary.PROPERTY)


def logs(folder):
    """The prediction logs, read as a consumer of BulkInferrer's artifact does."""
    files = [str(path) for path in folder.glob("prediction_logs-*-of-*.gz")]
    records = tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator()
    return [prediction_log_pb2.PredictionLog.FromString(record).predict_log for record in records]


def test_rows_are_predicted_as_by_the_command_and_logged_as_by_bulk_inferrer(infer, predict_rows, tmp_path):
    source = write(tmp_path / "new.csv", [*BAD, *NEW])
    artifact, folder = infer(source)
    _, target = predict_rows(source, "out.parquet")

    table = pq.read_table(folder / "predictions.parquet")
    assert table.equals(pq.read_table(target))
    assert line(artifact) == "4 rows predicted, 3 more have an error"
    facts = json.loads((folder / "predicted.json").read_text())
    assert (facts["rows"], facts["errors"], facts["files"]) == (7, 3, 1)
    assert facts["named"][0] == f"{source}, row 2: column 'rooms' holds '1.5', which is not an integer"
    entries = logs(folder)
    predictions = [value for value in table["prediction"].to_pylist() if value is not None]
    assert [tf.make_ndarray(one.response.outputs["prediction"]).tolist() for one in entries] == [
        [value] for value in predictions
    ]
    assert {one.request.model_spec.signature_name for one in entries} == {"serving_examples"}
    # The logged request gives the logged response again.
    served = tf.saved_model.load(str(tmp_path / "model" / "Format-Serving")).signatures["serving_examples"]
    examples = tf.constant([tf.make_ndarray(one.request.inputs["examples"])[0] for one in entries])
    np.testing.assert_allclose(served(examples=examples)["prediction"].numpy(), predictions, rtol=1e-6)


LABELS = ("1", "", " NA ", "4", "?", "0", "")
"""Labels of ROWS, of which four are null."""


def test_only_rows_without_a_label_are_predicted_and_keep_their_numbers(infer, tmp_path):
    rows = [[*row[:5], label] for row, label in zip(ROWS, LABELS, strict=True)]
    bad = [["c1", "x", "1", "2", "ZA", "3"], ["c2", "x", "1", "2", "ZA", ""]]
    artifact, folder = infer(write(tmp_path / "mixed.csv", [*rows, *bad]), label="y", label_type="FLOAT", output="csv")

    found = [(row["row"], row["id"], bool(row["error"])) for row in read(folder / "predictions.csv")]
    assert found == [(str(n), name, n == 9) for n, name in ((2, "a2"), (3, "a3"), (5, "a5"), (7, "a7"), (9, "c2"))]
    assert line(artifact) == "4 rows predicted, 1 more have an error"
    assert len(logs(folder)) == 4


def test_nulls_of_a_typed_file_are_labels_that_are_missing(infer, tmp_path):
    source = write(tmp_path / "rows.csv", [[*row[:5], label] for row, label in zip(ROWS, LABELS, strict=True)])
    table = pa.Table.from_batches(sources.batches(source, Data(path=source), COLUMNS))
    pq.write_table(table, tmp_path / "mixed.parquet")
    _, folder = infer(str(tmp_path / "mixed.parquet"), label="y", label_type="FLOAT", output="csv")
    assert [row["id"] for row in read(folder / "predictions.csv")] == ["a2", "a3", "a5", "a7"]


def test_without_a_column_of_the_label_every_row_is_unlabeled(infer, tmp_path):
    source = write(tmp_path / "new.csv", [row[:5] for row in ROWS], tuple(COLUMNS)[:5])
    artifact, _ = infer(source, label="y", output="jsonl")
    assert line(artifact) == "7 rows predicted"


def test_nothing_is_predicted_with_a_model_that_is_not_blessed(infer, tmp_path):
    artifact, folder = infer(str(tmp_path / "does not exist.csv"), blessed=False)
    assert line(artifact) == "nothing predicted: the model is not blessed"
    assert list(folder.iterdir()) == []


def test_rows_that_changed_since_the_start_of_the_run_are_refused(infer, tmp_path):
    source = write(tmp_path / "new.csv", ROWS)
    data = input_rows.settings(load.load(project.folder(), "rows").data, source, None)
    content = data_files.content(data_files.resolve(data.paths, data))
    assert line(infer(source, content=content)[0]) == "7 rows predicted"
    write(tmp_path / "new.csv", [*ROWS, *NEW])
    with pytest.raises(ResourceError, match=r"new\.csv: the data changed while the run was reading it"):
        infer(source, content=content)


def test_a_file_of_invalid_rows_alone_fails_and_one_without_rows_does_not(infer, tmp_path):
    with pytest.raises(UserError, match=r"no row can be predicted:\n.*bad.csv, row 1: column 'rooms' holds '1.5'"):
        infer(write(tmp_path / "bad.csv", BAD[1:3]))
    artifact, folder = infer(write(tmp_path / "labeled.csv", ROWS), label="y")
    assert line(artifact) == "0 rows predicted"
    assert pq.read_table(folder / "predictions.parquet").column_names == ["row", "id", "prediction", "error"]
    assert logs(folder) == []


def test_calibration_adds_no_columns_to_the_predictions(tmp_path):
    """The evaluator compares calibrated probabilities with uncalibrated ones; a user gets one probability a class."""

    class Classifier(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
        def serve(self, examples):
            rows = tf.shape(examples)[0]
            return {
                "probabilities": tf.tile([[0.25, 0.75]], [rows, 1]),
                "classes": tf.fill([rows], "yes"),
            }

        @tf.function(input_signature=[])
        def names(self):
            return {"names": tf.constant(["no", "yes"])}

        @tf.function(input_signature=[])
        def temperature(self):
            return {"temperature": tf.constant(2.0)}

    module = Classifier()
    signatures = {"serving_examples": module.serve, "class_names": module.names, "temperature": module.temperature}
    tf.saved_model.save(module, str(tmp_path / "model"), signatures=signatures)
    assets = tmp_path / "model" / "assets.extra"
    assets.mkdir()
    column = {"name": "size", "column": "size", "dtype": "float32", "nullable": True}
    (assets / "requests.json").write_text(json.dumps({"inputs": [column]}))
    (assets / "sample.json").write_text('{"rows": [""]}')
    cells = pa.RecordBatch.from_arrays([pa.array([1.0, None, 3.0], pa.float32())], ["size"])
    outputs, errors = RowModel(str(tmp_path / "model"), "binary").predict(cells)
    assert (sorted(outputs), errors) == (["classes", "probabilities"], {})
    assert outputs["probabilities"].shape == (3, 2)
