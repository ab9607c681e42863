"""The log of served rows: what is in it, what is left out, and that requests never wait for it."""

import itertools
import os
import threading

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.ingestion import sources
from serving.server.row_log import row_log
from serving.server.row_log.row_log import RowLog
from serving.server.server_settings import ModelSource, RowLogSettings
from spec.data import Data

from ..served import push, running
from .tiny_models import example

ROW = {"x": 1.5, "n": 2, "word": "abc"}


def settings(folder, write=lambda path, rows: pq.write_table(rows, path), **options):
    return RowLogSettings(folder=str(folder), write=write, **options)


def logged(folder):
    return pa.concat_tables([pq.read_table(path) for path in sorted(folder.glob("rows-*.parquet"))]).to_pydict()


def arrays(*x):
    return {"x": np.float32(x)}


@pytest.fixture
def served(exported, tmp_path):
    """Run a server of the tiny model, version 5, whose rows are logged; all are written when it ends."""
    push(exported[2], tmp_path / "tiny", 5)

    def run(**options):
        source = ModelSource(name="tiny", folder=str(tmp_path / "tiny"))
        return running(source, row_log=settings(tmp_path / "log", **options))

    return run


def test_rows_of_requests_are_written_with_prediction_time_and_version(served, tmp_path):
    with served() as server:
        server.predict({"instances": [ROW, {**ROW, "x": -1.0}]})
        server.post("/v1/models/tiny:regress", json={"examples": [{**ROW, "x": 9.0}]})
        server.post("/v1/models/tiny:explain", json={"instances": [ROW]})
        server.predict({"signature_name": "logarithm", "instances": [1.0]})
        server.predict({"instances": [{"x": "no number", "n": 1, "word": ""}]})
    actual = [pq.read_table(path).to_pydict() for path in (tmp_path / "log/tiny").glob("rows-*")]
    by_example, by_column = sorted(actual, key=lambda rows: len(rows["x"]))
    assert (by_column["x"], by_column["served_prediction"]) == ([1.5, -1.0], [8.0, 3.0])
    assert (by_example["x"], by_example["served_prediction"]) == ([9.0], [23.0])
    for rows in actual:
        assert set(rows["n"]) == {2}
        assert set(rows["word"]) == {"abc"}
        assert set(rows["served_version"]) == {5}
        assert rows["served_at"][0].year >= 2024


def test_ids_of_a_client_are_logged_beside_its_rows(served, tmp_path):
    with served() as server:
        answer = server.predict({"instances": [ROW, {**ROW, "x": -1.0}], "ids": ["a", 7]})
        assert answer.json() == server.predict({"instances": [ROW, {**ROW, "x": -1.0}]}).json()
        columns = {name: [value] for name, value in ROW.items()}
        assert server.predict({"inputs": columns, "ids": ["c"]}).status_code == 200
    rows = logged(tmp_path / "log/tiny")
    assert sorted(zip(rows["x"], rows["served_id"], strict=True), key=str) == [
        (-1.0, "7"), (-1.0, None), (1.5, "a"), (1.5, "c"), (1.5, None)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ("a", "'ids' must be a list of strings or integers, one for each row"),
        ([1.5], "'ids' must be a list of strings or integers"),
        ([True], "'ids' must be a list of strings or integers"),
        ([], "'ids' has 0 values, and the request has 1 rows"),
        (["a", "b"], "'ids' has 2 values, and the request has 1 rows"),
    ],
)
def test_ids_that_do_not_fit_the_rows_are_refused(tiny, ids, message):
    answer = tiny.predict({"instances": [ROW], "ids": ids})
    assert answer.status_code == 400
    assert message in answer.json()["error"]


def test_masked_columns_and_rows_that_are_not_sampled_are_left_out(served, tmp_path):
    with served(masked=frozenset({"word"}), sample=0.25) as server:
        for number in range(40):
            server.predict({"instances": [{**ROW, "n": number}] * 10})
    rows = logged(tmp_path / "log/tiny")
    assert "word" not in rows
    assert 40 < len(rows["x"]) < 160  # 100 of 400, 7 standard deviations
    assert "abc" not in str(rows)


def test_cells_become_null_as_the_model_reads_them(tmp_path):
    log = RowLog(settings(tmp_path), print)
    inputs = {
        "x": np.float32([np.nan, 1.5]),
        "n": np.int64([-(2**63), 3]),
        "word": np.array([b"", "\u00e9".encode()], object),
        "photo": np.array([b"\xff\x00", b"a"], object),
    }
    outputs = {"probabilities": np.float32([[0.25, 0.75], [1, 0]]), "classes": np.array([b"a", b"b"], object)}
    log.record("m", 3, str(tmp_path), "serving_default", inputs, outputs)
    log.close()
    rows = logged(tmp_path / "m")
    del rows["served_at"]
    assert rows == {
        "x": [None, 1.5],
        "n": [None, 3],
        "word": [None, "\u00e9"],
        "photo": [b"\xff\x00", b"a"],
        "served_version": [3, 3],
        "served_probabilities_0": [0.25, 1],
        "served_probabilities_1": [0.75, 0],
        "served_classes": ["a", "b"],
    }


def test_columns_have_their_own_names_and_examples_only_the_columns_of_the_model(tmp_path):
    (tmp_path / "assets.extra").mkdir()
    (tmp_path / "assets.extra/requests.json").write_text('{"inputs": [{"name": "sq_ft", "column": "sq ft"}]}')
    log = RowLog(settings(tmp_path / "log"), print)
    log.record("m", 3, str(tmp_path), "serving_default", {"sq_ft": np.float32([2])}, {"at": np.float32([1])})
    record = example(4.0, 5)
    record.features.feature["sq ft"].float_list.value.append(6)
    records = np.array([record.SerializeToString()], object)
    log.record("m", 3, str(tmp_path), "serving_examples", {"examples": records}, {"at": np.float32([1])})
    log.close()
    of_columns, of_examples = (pq.read_table(path).to_pydict() for path in sorted((tmp_path / "log/m").glob("rows-*")))
    assert (of_columns["sq ft"], of_examples["sq ft"]) == ([2.0], [6.0])
    assert set(of_examples) == {"sq ft", "served_at", "served_version"} | {
        name for name in of_examples if name == "served_at_"
    }


def test_the_oldest_files_are_removed_when_there_are_too_many_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(row_log, "FILE_ROWS", 1)
    sizes = []

    def write(path, rows):
        pq.write_table(rows, path)
        sizes.append(os.path.getsize(path))

    log = RowLog(settings(tmp_path, write, model_bytes=6000), print)
    for number in range(20):
        log.record("m", 1, "", "serving_default", arrays(number), arrays(0))
    log.close()
    remaining = logged(tmp_path / "m")["x"]
    assert len(sizes) == 20
    assert 0 < len(remaining) < 20
    assert remaining == list(map(float, range(20 - len(remaining), 20)))
    assert len(remaining) * sizes[0] <= 6000 + sizes[0]


def test_a_slow_disk_costs_rows_and_neither_time_nor_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(row_log, "MEMORY_BYTES", 100)
    monkeypatch.setattr(row_log, "FILE_ROWS", 1)
    go, writing = threading.Event(), threading.Event()

    def write(path, rows):
        writing.set()
        go.wait(60)
        pq.write_table(rows, path)

    lines = []
    log = RowLog(settings(tmp_path, write), lines.append)
    log.record("m", 1, "", "serving_default", arrays(0), arrays(0))
    assert writing.wait(60)
    for number in range(1, 100):
        log.record("m", 1, "", "serving_default", arrays(number), arrays(0))
    assert log._bytes <= 100
    go.set()
    log.close()
    logged_numbers = logged(tmp_path / "m")["x"]
    assert logged_numbers == list(map(float, range(12)))  # 8 bytes each
    assert log.dropped == 88
    assert "88 rows were dropped" in lines[-1]


def test_a_disk_that_cannot_be_written_is_reported_once_and_stops_no_request(tmp_path, monkeypatch):
    monkeypatch.setattr(row_log, "FILE_ROWS", 1)

    def full(path, rows):
        raise OSError(28, "No space left on device")

    lines = []
    log = RowLog(settings(tmp_path, full), lines.append)
    for number in range(3):
        log.record("m", 1, "", "serving_default", arrays(number), arrays(0))
    log.close()
    assert len(lines) == 2
    assert f"{tmp_path / 'm'} cannot be written, rows are dropped: " in lines[0]
    assert "3 rows were dropped" in lines[1]
    assert log._bytes == 0


def test_rows_are_written_when_they_have_waited_long_enough(tmp_path):
    written = threading.Event()

    def write(path, rows):
        pq.write_table(rows, path)
        written.set()

    clock = itertools.count(step=row_log.FILE_SECONDS / 2)
    log = RowLog(settings(tmp_path, write), print, clock=lambda: next(clock))
    log.record("m", 1, "", "serving_default", arrays(1), arrays(0))
    assert written.wait(60)
    assert next(clock) == 1.5 * row_log.FILE_SECONDS
    log.close()  # the file gets its name after it is written
    assert logged(tmp_path / "m")["x"] == [1.0]


def test_ingestion_reads_the_log(tmp_path):
    log = RowLog(settings(tmp_path), print)
    log.record("m", 1, "", "serving_default", {"x": np.float32([1, np.nan])}, arrays(0, 1))
    log.record("m", 1, "", "serving_rows", {"x": np.array([b" 2.5 ", b"NA"], object)}, arrays(2, 3))
    log.close()
    paths = sorted(map(str, (tmp_path / "m").glob("rows-*")))
    data = Data.model_validate({"path": paths, "null_values": ["NA"]})
    table = pa.Table.from_batches(sources.batches(paths, data, {"x": "FLOAT"}))
    assert table["x"].to_pylist() == [1.0, None, 2.5, None]
    assert table["served_x"].to_pylist() == [0, 1, 2, 3]
