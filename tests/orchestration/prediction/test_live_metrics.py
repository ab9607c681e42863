"""`runner.py drift --labels`: a real server logs rows with ids, and labels that come later give metrics."""

import json

import grpc
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc, regression_pb2

import project
from errors import UserError
from orchestration import live_metrics, serving_log
from orchestration.cli.parser import main
from serving.server.server_settings import ModelSource

from ...served import running
from .conftest import write

ROW = {"size": 3.5, "rooms": 2, "area": 1.0, "country": "ZA"}


@pytest.fixture(scope="module")
def served(pushed, tmp_path_factory):
    """The log of a server of version 7, and the predictions by id; the id "twice" was served two times."""
    folder = tmp_path_factory.mktemp("served")
    source = ModelSource(name="rows", folder=str(pushed / "runs/rows/serving"))
    log = serving_log.settings(str(folder), [source], sample=1.0, masked=[], megabytes=16)
    predictions = {}
    with running(source, row_log=log) as server:
        for number in range(40):
            ids = [f"a{number}", "twice"] if number in (3, 4) else [f"a{number}"]
            rows = [{**ROW, "area": float(number), "rooms": number % 7} for _ in ids]
            answer = server.predict({"instances": rows, "ids": ids}, model="rows")
            predictions |= dict(zip(ids, answer.json()["predictions"], strict=True))
        server.predict({"instances": [ROW] * 3}, model="rows")
    [path] = sorted((folder / "rows").glob("rows-*.parquet"))[:1]
    other = pq.read_table(path).slice(0, 2)
    column = other.schema.names.index("served_version")
    pq.write_table(other.set_column(column, "served_version", pa.array([6, 6])), path.with_name("rows-0.parquet"))
    return folder, predictions


@pytest.fixture
def measure(pushed, served, tmp_path, monkeypatch):
    """Measure the log with labels, which are rows of (id, label)."""
    monkeypatch.setenv(project.VARIABLE, str(pushed))
    monkeypatch.setattr(live_metrics, "open_store", lambda *_: None)
    monkeypatch.setattr(live_metrics, "_evaluated", lambda *_: {"mae": 1.5})

    def run(labels, names=("id", "y"), log=f"{served[0]}/rows/rows-*.parquet", **options):
        path = write(tmp_path / "labels.csv", labels, names)
        return live_metrics.measure(str(pushed / "runs"), "rows", log, path, metadata=None, **options)

    return run


def test_metrics_are_those_of_the_joined_rows_and_every_id_is_accounted_for(measure, served):
    predictions = served[1]
    errors = {f"a{number}": number - 10.0 for number in range(30)}
    labels = [[name, repr(predictions[name] + error)] for name, error in errors.items()]
    more = [["a0", labels[0][1]], ["a1", "9999"], ["never", "1"], ["a31", "?"], ["a32", "wrong"], ["a33", ""]]
    live = measure([*labels, *more])

    kept = np.array([error for name, error in errors.items() if name != "a1"])
    assert live.metrics["mae"] == pytest.approx(np.abs(kept).mean(), rel=1e-5)
    assert live.metrics["rmse"] == pytest.approx(np.sqrt((kept**2).mean()), rel=1e-5)
    assert live.metrics["bias"] == pytest.approx(-kept.mean(), rel=1e-4)
    assert live.intervals["mae"].low < live.metrics["mae"] < live.intervals["mae"].high
    counts = live.counts
    assert (counts.joined, counts.unlabeled) == (29, 12)
    assert (counts.without_id, counts.of_others) == (3, 2)
    assert (counts.served_twice, counts.not_served) == (1, 1)
    assert (counts.labeled_twice, counts.contradictory, counts.invalid) == (1, 1, 1)
    assert live.named == [f"{live.named[0].split(',')[0]}, row 35: column 'y' holds 'wrong', which is not a number"]
    assert (live.version, live.evaluated) == (7, {"mae": 1.5})


def test_rows_of_grpc_requests_are_joined_by_the_ids_of_their_metadata(measure, pushed, tmp_path):
    source = ModelSource(name="rows", folder=str(pushed / "runs/rows/serving"))
    log = serving_log.settings(str(tmp_path), [source], sample=1.0, masked=[], megabytes=16)
    predict = predict_pb2.PredictRequest(model_spec={"name": "rows"})
    for name, values in {"size": [3.5] * 3, "rooms": [2] * 3, "area": [1.0, 2.0, 3.0], "country": ["ZA"] * 3}.items():
        dtype = tf.int64 if name == "rooms" else None
        predict.inputs[name].CopyFrom(tf.make_tensor_proto(values, dtype))
    regress = regression_pb2.RegressionRequest(model_spec={"name": "rows"})
    row = regress.input.example_list.examples.add().features.feature
    row["area"].float_list.value.append(4.0)
    with running(source, row_log=log) as server, grpc.insecure_channel(server.grpc) as channel:
        service = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        outputs = service.Predict(predict, metadata=[("ids", "g1"), ("ids", "g2"), ("ids", "g3")]).outputs
        predictions = tf.make_ndarray(outputs["prediction"]).tolist()
        response = service.Regress(regress, metadata=[("ids-bin", "Z\u00fcrich, 4".encode())])
        predictions.append(response.result.regressions[0].value)
        service.Predict(predict)
    ids = ["g1", "g2", "g3", "Z\u00fcrich, 4"]
    errors = [1.0, -2.0, 4.0, 8.0]
    labels = [[name, repr(value + error)] for name, value, error in zip(ids, predictions, errors, strict=True)]
    live = measure(labels, log=f"{tmp_path}/rows/rows-*.parquet")
    assert (live.counts.joined, live.counts.without_id, live.counts.not_served) == (4, 3, 0)
    assert live.metrics["mae"] == pytest.approx(3.75, rel=1e-4)
    assert live.metrics["bias"] == pytest.approx(-2.75, rel=1e-4)


def test_rows_that_were_served_twice_count_twice(measure, served):
    live = measure([["twice", repr(served[1]["twice"] + 2)], ["a5", repr(served[1]["a5"])]])
    assert live.counts.joined == 3
    assert live.metrics["mae"] == pytest.approx(_error_of_twice(served), rel=1e-4)


def _error_of_twice(served):
    """The two rows differ, so that at most one has the last prediction of this id."""
    folder, predictions = served
    tables = [pq.read_table(path, columns=["served_id", "served_prediction"]) for path in folder.glob("rows/rows-2*")]
    rows = pa.concat_tables(tables).to_pylist()
    values = [row["served_prediction"] for row in rows if row["served_id"] == "twice"]
    assert len(values) == 2
    return sum(abs(predictions["twice"] + 2 - value) for value in values) / 3


@pytest.mark.parametrize(
    ("labels", "names", "options", "message"),
    [
        ([["a1", "1"]], ("key", "y"), {}, r"labels.csv: column 'id' is missing; known columns: key, y"),
        ([["a1", "1"]], ("id", "z"), {}, r"labels.csv: column 'y' is missing"),
        ([["b1", "1"]], ("id", "y"), {}, r"no id is in both: the log has 'a0' and others, and the labels have 'b1'"),
        ([["a1", "1"]], ("id", "y"), {"version": 6}, r"rows has no version 6"),
    ],
)
def test_what_cannot_be_joined_is_refused(measure, labels, names, options, message):
    with pytest.raises(UserError, match=message):
        measure(labels, names, **options)


def test_the_ids_may_have_another_name(measure, served):
    live = measure([["a1", repr(served[1]["a1"])], ["a2", repr(served[1]["a2"])]], ("key", "y"), id_column="key")
    assert live.counts.joined == 2
    assert live.metrics["mae"] == pytest.approx(0, abs=1e-5)


def test_a_log_without_ids_says_how_clients_send_them(measure, served, tmp_path):
    for path in (served[0] / "rows").glob("rows-2*"):
        pq.write_table(pq.read_table(path).drop(["served_id"]), tmp_path / path.name)
    with pytest.raises(UserError, match=r'has no rows of version 7 with an id.*"ids": \["a", "b"\] beside "instances"'):
        measure([["a1", "1"]], log=f"{tmp_path}/rows-*.parquet")


def test_the_command_prints_a_table_and_json_and_a_broken_floor_ends_with_3(
    measure, pushed, served, tmp_path, monkeypatch, capsys
):
    config = pushed / "configs/rows.toml"
    before = config.read_text()
    labels = [[f"a{n}", repr(served[1][f"a{n}"] + (3 if n % 2 else -3))] for n in range(20)]
    path = write(tmp_path / "labels.csv", labels, ("id", "y"))
    command = ["drift", "rows", "--log", str(served[0]), "--labels", path, "--root", str(pushed / "runs")]
    assert main(command) == 0
    table = capsys.readouterr().out
    assert "served rows of version 7 with a label: 20" in table
    assert "served rows without an id: 3" in table
    config.write_text(before + "[evaluation]\nfloor = {mae = 2.0}\n")
    try:
        assert main([*command, "--json"]) == 3
    finally:
        config.write_text(before)
    content = json.loads(capsys.readouterr().out)
    mae = next(one for one in content["metrics"] if one["metric"] == "mae")
    assert mae["value"] == pytest.approx(3, rel=1e-4)
    assert (mae["evaluated"], mae["floor"], mae["ok"]) == (1.5, 2.0, False)
    assert content["findings"][0].startswith("mae 3")
    assert content["counts"]["joined"] == 20

    assert main(["drift", "rows", "labels.csv", "--labels", path]) == 2
    assert "name it with --log DIR" in capsys.readouterr().err
    assert main(["drift", "rows", "--log", "x", "--id", "y"]) == 2
    assert "add --labels" in capsys.readouterr().err
