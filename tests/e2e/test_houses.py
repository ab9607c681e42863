import csv
import gzip
import json
import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
import tensorflow_transform as tft

from inspection import run_files
from inspection.store import metadata_store as inspection_store
from inspection.store.execution_folders import parse

from ..trees import cold_runner
from ..warm import REPOSITORY
from .conftest import run_folder, run_json, runner

NODES = [
    *("ingestion", "schema", "statistics", "history", "validation", "transformation", "trainer"),
    *("baseline", "plain-models", "evaluator", "pusher"),
]


@pytest.fixture(scope="module")
def artifact(houses):
    """Folder of the newest artifact of a node's output."""

    def find(node: str, key: str) -> Path:
        return max(
            (houses[0] / "houses" / "artifacts" / node / key).iterdir(), key=lambda path: parse(path.name).execution
        )

    return find


@pytest.fixture(scope="module")
def model(houses):
    root, _ = houses
    version = max((root / "houses" / "serving").glob("[0-9]*"), key=lambda path: int(path.name))
    return tf.saved_model.load(str(version))


@pytest.fixture(scope="module")
def raw(artifact):
    """Serialized examples of the eval split, and their columns."""
    files = [str(path) for path in (artifact("ingestion", "examples") / "Split-eval").iterdir()]
    serialized = list(tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator())
    spec = tft.TFTransformOutput(str(artifact("transformation", "transform_graph"))).raw_feature_spec()
    columns = {name: value.numpy()[:, 0] for name, value in tf.io.parse_example(serialized, spec).items()}
    return serialized, columns


def rows(model, columns, at=slice(None)):
    names = model.signatures["serving_default"].structured_input_signature[1]
    return {name: tf.constant(columns[name][at]) for name in names}


def test_a_whole_run_ends_with_a_pushed_model(houses):
    root, result = houses
    assert result.code == 0, result.err
    assert result.err == ""
    assert result.nodes == dict.fromkeys(NODES, "done")
    assert "17,351 train, 2,096 eval, 2,166 test rows" in result.out
    assert "Blessed: r2" in result.out
    pushed = Path(result.line("Pushed:"))
    assert pushed.parent == root / "houses" / "serving"
    assert (pushed / "saved_model.pb").is_file()
    assert {name for name in os.listdir(pushed.parent) if not name.isdigit()} == {".lock", ".pushed"}


def test_no_library_noise_reaches_the_terminal(houses):
    for word in ("WARNING", "INFO", "absl", "tensorflow/", "Traceback"):
        assert word not in houses[1].out


def test_the_run_folder_documents_the_run(houses):
    _, result = houses
    folder, facts = run_folder(result), run_json(result)
    report = (folder / "report.html").read_text()
    assert "The model is blessed and pushed as version" in report
    for section in (
        "data",
        "features",
        "network",
        "training",
        "metrics",
        "predictions",
        "worst",
        "importance",
        "blessing",
        "lineage",
    ):
        assert f'<section id="{section}">' in report
    assert '<section id="unread">' not in report
    assert len(report) < 500_000
    assert (folder / "model_card.md").read_text().startswith("# Model card: houses")
    assert facts["state"] == "COMPLETE"
    assert facts["config"]["training"]["batch_size"] == 128
    assert facts["versions"]["tfx"]
    assert facts["nodes"] == NODES
    assert len((folder / "history.jsonl").read_text().splitlines()) > 8
    assert {path.stem for path in (folder / "logs").iterdir()} >= {*NODES, "worker"}
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert [event["node"] for event in events if event.get("state") == "COMPLETE"] == NODES


def test_the_files_of_a_run_have_exactly_the_documented_keys(houses, artifact):
    folder, facts = run_folder(houses[1]), run_json(houses[1])
    verdict = json.loads((artifact("evaluator", "evaluation") / "verdict.json").read_text())
    assert set(verdict) == set(run_files.VerdictFile.__annotations__)
    assert set(facts) <= set(run_files.RunFile.__annotations__)
    assert set(facts["attempts"][0]) == set(run_files.Attempt.__annotations__)
    judged = set(verdict) - {"slices", "worst", "details"}
    assert set(facts["outcome"]) == {*judged, *run_files.Outcome.__annotations__} - {"reached"}
    assert facts["state"] in run_files.RUN_STATES
    for event in map(json.loads, (folder / "events.jsonl").read_text().splitlines()):
        assert event.get("state", "COMPLETE") in run_files.STAGE_STATES
        documented_keys = (
            set(facts["outcome"]) if event["event"] == "outcome" else set(run_files.EVENTS[event["event"]][0])
        )
        assert set(event) - {"event", "time"} <= documented_keys


def test_history_has_one_line_per_epoch_and_the_best_weights_are_exported(artifact):
    lines = [json.loads(line) for line in (artifact("trainer", "model_run") / "history.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == list(range(1, len(lines) + 1))
    best = min(lines, key=lambda line: line["val_loss"])
    assert len(lines) - best["epoch"] == 8, "early stopping waits for 8 epochs"


def test_every_row_of_the_file_is_in_one_split(artifact):
    counted = {}
    for split in ("train", "eval", "test"):
        files = [str(path) for path in (artifact("ingestion", "examples") / f"Split-{split}").iterdir()]
        counted[split] = sum(1 for _ in tf.data.TFRecordDataset(files, compression_type="GZIP"))
    assert counted == {"train": 17351, "eval": 2096, "test": 2166}
    assert sum(counted.values()) == 21613


def test_rows_and_serialized_examples_have_equal_predictions(model, raw):
    serialized, columns = raw
    by_row = model.signatures["serving_default"](**rows(model, columns))["prediction"].numpy()
    by_example = model.signatures["serving_examples"](examples=tf.constant(serialized))["prediction"].numpy()
    np.testing.assert_allclose(by_row, by_example, rtol=1e-5)


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_a_prediction_does_not_depend_on_its_batch(model, raw, size):
    _, columns = raw
    predict = model.signatures["serving_default"]
    single_batch = predict(**rows(model, columns))["prediction"].numpy()
    parts = [
        predict(**rows(model, columns, slice(at, at + size)))["prediction"] for at in range(0, 2000, max(size, 200))
    ]
    expected = [single_batch[at : at + size] for at in range(0, 2000, max(size, 200))]
    np.testing.assert_allclose(np.concatenate(parts), np.concatenate(expected), rtol=1e-5)


def test_served_features_and_predictions_equal_those_of_training(artifact, model, raw):
    serialized, _ = raw
    sample = np.load(artifact("trainer", "model_run") / "sample.npz")
    names = sorted(name for name in sample.files if not name.startswith("answer:"))
    features = model.signatures["transform_features"](examples=tf.constant(serialized))
    assert set(names) == set(features)
    served = np.concatenate([features[name].numpy().astype(np.float64) for name in names], axis=1)
    answers = model.signatures["serving_examples"](examples=tf.constant(serialized))["prediction"].numpy()
    trained = np.concatenate([sample[name].astype(np.float64) for name in names], axis=1)
    for row, answer in zip(trained, sample["answer:prediction"], strict=True):
        at = np.abs(served - row).max(axis=1).argmin()
        np.testing.assert_allclose(served[at], row, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(answers[at], answer, rtol=1e-5)


def test_a_file_gets_the_predictions_of_its_rows_as_ingested(houses, model, artifact, tmp_path):
    root, output = houses[0], tmp_path / "prices.parquet"
    source = REPOSITORY / "data" / "houses.csv.gz"
    result = runner("predict", "houses", source, "-o", output, "--root", root)
    assert result.code == 0, result.err
    assert result.err.startswith("21,613 rows predicted by version ")
    files = [str(path) for path in (artifact("ingestion", "examples") / "Split-test").iterdir()]
    serialized = list(tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator())
    ids = tf.io.parse_example(serialized, {"id": tf.io.FixedLenFeature([], tf.string)})["id"].numpy()
    dates = tf.io.parse_example(serialized, {"date": tf.io.FixedLenFeature([], tf.string)})["date"].numpy()
    with gzip.open(source, "rt") as file:
        keys = [(row["id"], row["date"]) for row in csv.DictReader(file)]
    table = pq.read_table(output).to_pydict()
    assert table["row"] == list(range(1, len(keys) + 1))
    predicted = dict(zip(keys, table["prediction"], strict=True))
    expected = model.signatures["serving_examples"](examples=tf.constant(serialized))["prediction"].numpy()
    predictions = [predicted[house.decode(), day.decode()] for house, day in zip(ids, dates, strict=True)]
    np.testing.assert_allclose(predictions, expected, rtol=1e-5)


def test_serving_signatures_do_not_require_the_label(model):
    inputs = set(model.signatures["serving_default"].structured_input_signature[1])
    assert "price" not in inputs
    assert "id" not in inputs
    assert {"sqft_living", "zipcode", "date", "lat"} <= inputs


def test_the_evaluation_has_tfma_s_format_and_correct_metrics(artifact, model):
    evaluation = artifact("evaluator", "evaluation")
    result = tfma.load_eval_result(str(evaluation))
    overall = dict(result.slicing_metrics)[()][""][""]
    files = [str(path) for path in (artifact("ingestion", "examples") / "Split-test").iterdir()]
    serialized = list(tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator())
    price = tf.io.parse_example(serialized, {"price": tf.io.FixedLenFeature([], tf.int64)})["price"].numpy()
    error = model.signatures["serving_examples"](examples=tf.constant(serialized))["prediction"].numpy() - price
    assert overall["mae"]["boundedValue"]["value"] == pytest.approx(np.abs(error).mean(), rel=1e-5)
    assert overall["r2"]["boundedValue"]["value"] == pytest.approx(
        1 - (error**2).sum() / ((price - price.mean()) ** 2).sum(), rel=1e-5
    )
    grades = [key for key, _ in result.slicing_metrics if key and key[0][0] == "grade"]
    assert len(grades) >= 8
    assert tfma.load_validation_result(str(evaluation)).validation_ok


def test_ml_metadata_has_every_step(houses):
    root, result = houses
    store = inspection_store.open_store(str(root), None)
    context = store.context("pipeline_run", run_json(result)["run_id"])
    executions = store.executions(context.id)
    assert len(executions) == len(NODES)
    assert context.custom_properties["state"].string_value == "COMPLETE"
    assert context.custom_properties["run_folder"].string_value == str(run_folder(result))


def test_an_unchanged_run_executes_no_stage(houses):
    root, first_run = houses
    second_run = cold_runner("--local", "--root", root)
    assert second_run.code == 0, second_run.err
    assert second_run.nodes == {**dict.fromkeys(NODES, "cached"), "baseline": "done", "history": "done"}
    assert second_run.line("Pushed:") == first_run.line("Pushed:")
    assert len(list((root / "houses" / "serving").glob("[0-9]*"))) == 1


def test_a_model_below_the_floor_is_not_blessed_and_the_previous_one_still_serves(houses):
    root, first_run = houses
    refused = runner("--local", "--root", root, "--set", "evaluation.floor={r2 = 0.99}")
    assert refused.code == 3
    assert "the model is not blessed: r2 0." in refused.err
    assert "is below the required 0.99" in refused.err
    assert f"Version {Path(first_run.line('Pushed:')).name} still serves." in refused.err
    assert refused.nodes["trainer"] == "cached"
    assert len(list((root / "houses" / "serving").glob("[0-9]*"))) == 1


def test_inspect_lists_and_shows_the_run(houses):
    root, result = houses
    run_id = run_json(result)["run_id"]
    listed = cold_runner("inspect", "runs", "--root", root)
    assert listed.code == 0, listed.err
    assert run_id in listed.out
    details = runner("inspect", "show", run_id, "--root", root)
    assert details.code == 0, details.err
    for node in NODES:
        assert node in details.out
