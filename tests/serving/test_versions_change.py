"""Versions appear, are broken, are rolled back, while requests go on."""

import threading

import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from serving.server.server_settings import ModelSource

from ..served import push, running

BODY = {"instances": [{"x": 1.0, "n": 0, "word": ""}]}


@pytest.fixture
def folder(exported, tmp_path):
    push(exported[1], tmp_path / "tiny", 1)
    return tmp_path / "tiny"


def states(served):
    statuses = served.get("/v1/models/tiny").json()["model_version_status"]
    return {int(version["version"]): version["state"] for version in statuses}


def test_no_request_fails_across_pushes_and_a_rollback_and_each_answer_is_of_a_live_version(exported, folder):
    with running(ModelSource(name="tiny", folder=str(folder)), cores=2) as served:
        stop = threading.Event()
        answers = [[] for _ in range(4)]
        order = [f'{{"predictions":[{factor}.0]}}' for factor in (1, 2, 3, 1)]

        def all_have(text):
            return all(collected_answers and collected_answers[-1][1] == text for collected_answers in answers)

        def ask(collected):
            while not stop.is_set():
                response = served.predict(BODY)
                collected.append((response.status_code, response.text))

        threads = [threading.Thread(target=ask, args=(collected_answers,)) for collected_answers in answers]
        for thread in threads:
            thread.start()
        served.wait(lambda: all_have(order[0]))
        for number, factor in ((2, 2), (3, 3), (4, 1)):  # 4 is a rollback: the content of 1
            push(exported[factor], folder, number)
            served.wait(lambda number=number: states(served).get(number) == "AVAILABLE")
            served.wait(lambda number=number: states(served)[number - 1] == "END")
            served.wait(lambda number=number: all_have(order[number - 1]))
        stop.set()
        for thread in threads:
            thread.join()

        assert {status for collected_answers in answers for status, _ in collected_answers} == {200}
        for collected_answers in answers:
            changes = [
                text
                for place, (_, text) in enumerate(collected_answers)
                if place == 0 or collected_answers[place - 1][1] != text
            ]
            assert changes == order  # never back to an older version
        assert served.lines.count("tiny: version 2 is unloaded") == 1
        assert "tiny: version 4 serves, warmed by 4 requests" in served.lines


def test_a_broken_version_is_rejected_and_the_old_one_serves_on(exported, folder):
    with running(ModelSource(name="tiny", folder=str(folder))) as served:
        broken = folder.parent / "broken"
        push(exported[2], broken, 2)
        (broken / "2/saved_model.pb").write_bytes(b"no model")
        (broken / "2").rename(folder / "2")
        served.wait(lambda: sum("version 2 is rejected" in line for line in served.lines) == 2)
        assert served.predict(BODY).json() == {"predictions": [1.0]}
        assert states(served) == {2: "END", 1: "AVAILABLE"}
        [status] = served.get("/v1/models/tiny/versions/2").json()["model_version_status"]
        assert status["status"]["error_code"] == "INVALID_ARGUMENT"
        assert status["status"]["error_message"]
        assert 'serving_load_failures_total{model="tiny"} 2.0' in served.get("/metrics").text
        assert served.get("/readyz").status_code == 200
        push(exported[3], folder, 5)
        served.wait(lambda: served.predict(BODY).json() == {"predictions": [3.0]})


def test_a_version_whose_warm_up_fails_is_rejected(exported, folder):
    push(exported[2], folder.parent / "cold", 2)
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.inputs["x"].CopyFrom(tf.make_tensor_proto([1.0]))
    with tf.io.TFRecordWriter(str(folder.parent / "cold/2/assets.extra/tf_serving_warmup_requests")) as writer:
        writer.write(log.SerializeToString())
    with running(ModelSource(name="tiny", folder=str(folder))) as served:
        (folder.parent / "cold/2").rename(folder / "2")
        served.wait(lambda: any("version 2 is rejected: request 1 of its" in line for line in served.lines))
        assert served.predict(BODY).json() == {"predictions": [1.0]}


def test_pinned_versions_and_all_versions(exported, folder):
    push(exported[2], folder, 2)
    with running(ModelSource(name="tiny", folder=str(folder), pinned=frozenset({1}))) as served:
        assert states(served) == {1: "AVAILABLE"}
    with running(ModelSource(name="tiny", folder=str(folder), versions=None)) as served:
        assert states(served) == {2: "AVAILABLE", 1: "AVAILABLE"}


def test_an_unfinished_push_is_not_seen_and_removed_versions_are_unloaded(exported, folder):
    with running(ModelSource(name="tiny", folder=str(folder), versions=None)) as served:
        (folder / ".9.partial").mkdir()
        (folder / "notes").mkdir()
        push(exported[2], folder, 2)
        served.wait(lambda: states(served).get(2) == "AVAILABLE")
        (folder / "1").rename(folder / ".1.old")
        served.wait(lambda: states(served)[1] == "END")
        assert set(states(served)) == {1, 2}
        (folder / "2").rename(folder / ".2.old")
        assert served.predict(BODY).status_code == 200  # what is loaded serves on


def test_a_model_that_is_being_loaded_is_unavailable_and_the_server_is_not_ready(tmp_path):
    (tmp_path / "tiny").mkdir()
    with running(ModelSource(name="tiny", folder=str(tmp_path / "tiny")), wait_ready=False) as served:
        assert (served.get("/healthz").status_code, served.get("/readyz").status_code) == (200, 503)
        assert served.predict(BODY).status_code == 404
