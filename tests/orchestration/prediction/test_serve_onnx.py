"""The engine ONNX of `serve`: the responses of the engine TensorFlow, and none of its imports."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import grpc
import numpy as np
import pytest

from errors import UserError
from orchestration.cli.parser import main
from orchestration.export import model_export, onnx_versions
from orchestration.export.onnx_versions import OnnxVersions
from serving.server.engines.onnx_session import OnnxEngine
from serving.server.server_settings import ModelSource

from ...served import push, running
from .engine_requests import NAN, REQUESTS, M


@pytest.fixture(scope="module")
def exported(pushed):
    return model_export.export(str(pushed / "runs"), "rows", "onnx", None, None)


@pytest.fixture(scope="module")
def source(pushed):
    return ModelSource(name="rows", folder=str(pushed / "runs/rows/serving"), labels={"stable": 7})


@pytest.fixture(scope="module")
def tensorflow(source):
    with running(source) as served:
        yield served


@pytest.fixture(scope="module")
def onnx(pushed, exported, source):
    versions = OnnxVersions(str(pushed / "runs"), print)
    with running(source, engine=OnnxEngine(versions.find, versions.stop)) as served:
        yield served


def asked(served, request):
    method, path, body = request
    response = served.client.request(method, f"{served.url}{path}", content=None if body is None else json.dumps(body))
    is_json = response.headers["content-type"] == "application/json"
    return response.status_code, json.loads(response.text) if is_json else response.text


def near(actual, expected):
    """Compare JSON values, numbers within the tolerance of an export."""
    if isinstance(expected, dict):
        return (
            isinstance(actual, dict)
            and list(actual) == list(expected)
            and near(list(actual.values()), list(expected.values()))
        )
    if isinstance(expected, list):
        return isinstance(actual, list) and len(actual) == len(expected) and all(map(near, actual, expected))
    if isinstance(expected, float):
        return isinstance(actual, float) and np.isclose(actual, expected, rtol=1e-5, atol=1e-5, equal_nan=True)
    return type(actual) is type(expected) and actual == expected


@pytest.mark.parametrize("name", REQUESTS)
def test_both_engines_give_the_same_response(tensorflow, onnx, name):
    (status, content), (expected_status, expected) = asked(onnx, REQUESTS[name]), asked(tensorflow, REQUESTS[name])
    assert status == expected_status
    assert near(content, expected), (content, expected)


def test_the_metadata_has_the_signatures_of_the_export_and_their_tensors(tensorflow, onnx):
    def signatures(served):
        content = served.get(f"{M}/metadata").json()
        assert content["model_spec"] == {"name": "rows", "signature_name": "", "version": "7"}
        return content["metadata"]["signature_def"]["signature_def"]

    actual, expected = signatures(onnx), signatures(tensorflow)
    assert set(actual) == {"serving_default", "serving_rows", "serving_examples"} < set(expected)
    for name, signature in actual.items():
        for tensors in (signature, expected[name]):
            for tensor in (*tensors["inputs"].values(), *tensors["outputs"].values()):
                del tensor["name"]
        assert signature == expected[name]


def test_grpc_answers_the_same(tensorflow, onnx):
    from serving.server.grpc_api import tensor_protos
    from serving.server.grpc_api.serving_protos import (
        get_model_metadata_pb2,
        get_model_status_pb2,
        model_service_pb2_grpc,
        predict_pb2,
        prediction_service_pb2_grpc,
        regression_pb2,
    )

    spec = {"name": "rows"}
    predicted = predict_pb2.PredictRequest(model_spec=spec)
    cells = {"size": np.float32([3.5, NAN]), "rooms": np.int64([2, 3]), "area": np.float32([1, 2])}
    tensor_protos.fill(predicted.inputs, {**cells, "country": np.array([b"ZA", b""], object)})
    regressed = regression_pb2.RegressionRequest(model_spec=spec)
    added = regressed.input.example_list.examples.add()
    added.features.feature["area"].float_list.value.append(2.0)
    described = get_model_metadata_pb2.GetModelMetadataRequest(model_spec=spec, metadata_field=["signature_def"])

    def answers(served):
        with grpc.insecure_channel(served.grpc) as channel:
            service = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            models = model_service_pb2_grpc.ModelServiceStub(channel)
            signatures = get_model_metadata_pb2.SignatureDefMap()
            service.GetModelMetadata(described).metadata["signature_def"].Unpack(signatures)
            return (
                list(service.Predict(predicted).outputs["prediction"].float_val),
                service.Regress(regressed).result.regressions[0].value,
                models.GetModelStatus(get_model_status_pb2.GetModelStatusRequest(model_spec=spec)).model_version_status,
                sorted(signatures.signature_def["serving_default"].inputs),
            )

    actual, expected = answers(onnx), answers(tensorflow)
    assert actual[0] == pytest.approx(expected[0], rel=1e-5, abs=1e-5)
    assert len(actual[0]) == 2
    assert actual[1] == pytest.approx(expected[1], rel=1e-5, abs=1e-5)
    assert actual[2:] == expected[2:]


def test_an_engine_that_fails_is_an_error_of_the_server(pushed, exported, monkeypatch):
    from serving.onnx_model import InferenceError
    from serving.server.engines.onnx_session import OnnxSession
    from serving.server.statuses import RequestError

    session = OnnxSession(str(pushed / "runs/rows/serving/7"), exported.folder, 1)

    def fail(*_):
        raise InferenceError("no memory")

    monkeypatch.setattr(session._model, "run", fail)
    with pytest.raises(RequestError, match="no memory") as raised:
        session.run(session.signatures["serving_default"], {})
    assert raised.value.http_status == 500


def test_integers_of_onnx_runtime_are_written_as_json(pushed, exported, monkeypatch):
    from serving.server.engines.onnx_session import OnnxSession
    from serving.server.json_api import json_responses

    session = OnnxSession(str(pushed / "runs/rows/serving/7"), exported.folder, 1)
    monkeypatch.setattr(
        session._model, "run", lambda *_: {"cluster": np.array([2, 0], np.longlong), "far": np.float32([1, 2])}
    )
    outputs = session.run(session.signatures["serving_default"], {})
    assert (
        json_responses.predictions(outputs, by_row=True)
        == b'{"predictions":[{"cluster":2,"far":1.0},{"cluster":0,"far":2.0}]}'
    )


def test_an_export_of_another_version_or_software_is_made_again(pushed, exported, monkeypatch):
    versions = OnnxVersions(str(pushed / "runs"), print)
    exports = []
    monkeypatch.setattr(versions, "_make", lambda *arguments: exports.append(arguments))
    assert versions.find("rows", 7) == exported.folder
    assert exports == []
    manifest = json.loads(Path(exported.folder, "export.json").read_text())
    for wrong in ({"version": 8}, {"name": "other"}, {"constants": None}):
        edited_manifest = {key: value for key, value in {**manifest, **wrong}.items() if value is not None}
        monkeypatch.setattr(
            onnx_versions, "read_manifest", lambda _, edited_manifest=edited_manifest: _read(edited_manifest)
        )
        versions.find("rows", 7)
    assert exports == [("rows", 7)] * 3


def _read(manifest):
    if "constants" not in manifest:
        raise ValueError("old")
    return manifest


def test_what_cannot_be_exported_rejects_the_version_with_the_reason(pushed, tmp_path, monkeypatch):
    push(pushed / "runs/rows/serving/7", tmp_path / "rows/serving", 7)
    (tmp_path / "rows/serving/7/assets.extra/sample.json").unlink()
    lines = []
    versions = OnnxVersions(str(tmp_path), lines.append)
    with pytest.raises(ValueError, match=r"cannot be exported as ONNX: .*sample\.json"):
        versions.find("rows", 7)
    assert lines == ["rows: version 7 is exported as ONNX, which takes a while"]
    versions.stop()
    with pytest.raises(ValueError, match="it ended with code -15"):
        versions.find("rows", 7)


def test_the_error_without_onnx_runtime_names_the_package_to_install(pushed, monkeypatch, capsys):
    from serving import onnx_model

    monkeypatch.setattr(onnx_model, "installed", lambda: False)
    assert (
        main(["serve", "rows", "--engine", "onnx", "--port", "0", "--root", str(pushed / "runs")])
        == UserError.exit_code
    )
    assert "--engine onnx needs the package onnxruntime: install the group `onnx`" in capsys.readouterr().err


GUARD = r"""
import atexit, re, sys, time

def end():
    forbidden = {"tensorflow", "keras", "tfx", "apache_beam", "onnx"}
    heavy = sorted({name.partition(".")[0] for name in sys.modules} & forbidden)
    peak = re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]
    print("modules", heavy, "MiB", int(peak) >> 10, "CPU s", time.process_time(), flush=True)

atexit.register(end)
sys.argv[0] = "runner.py"
sys.path.insert(0, ".")
from orchestration.cli.parser import main
sys.exit(main(sys.argv[1:]))
"""


def test_the_server_starts_without_tensorflow(pushed, exported):
    """Start time and memory are printed, as the machine decides them."""
    command = ["serve", "rows", "--engine", "onnx", "--port", "0", "--grpc-port", "0", "--root", str(pushed / "runs")]
    environment = {**os.environ, "PIPELINE_PROJECT": str(pushed)}
    started = time.monotonic()
    server = subprocess.Popen(
        [sys.executable, "-c", GUARD, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        address = server.stdout.readline().split()[0]
        while "serves, warmed by 2 requests" not in (line := server.stdout.readline()):
            assert line, server.communicate()
        print(f"served after {time.monotonic() - started:.2f} s")
        with urllib.request.urlopen(f"{address}v1/models/rows:regress", b'{"examples": [{"area": 2.0}]}') as response:
            assert b"results" in response.read()
        with urllib.request.urlopen(f"{address}playground/models") as response:
            assert response.status == 200
    finally:
        server.terminate()
        output, errors = server.communicate(timeout=120)
    print(output, errors)
    assert "modules []" in output
    assert server.returncode == 0
