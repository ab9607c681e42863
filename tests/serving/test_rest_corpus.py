"""The golden corpus: requests and responses of TensorFlow Serving's REST API, by route, body shape and status."""

import base64
import json
import math

import pytest
from google.protobuf import json_format
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from .rest_corpus import ANSWERED, M
from .rest_refusals import REFUSED


@pytest.mark.parametrize("name", ANSWERED)
def test_a_request_is_answered(tiny, name):
    path, body, expected = ANSWERED[name]
    response = tiny.post(path, content=json.dumps(body))
    assert (response.status_code, response.json()) == (200, expected)
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize("name", REFUSED)
def test_a_request_is_refused_with_status_and_reason(tiny, name):
    status, path, body, message = REFUSED[name]
    response = tiny.post(path, json=body)
    assert response.status_code == status
    assert set(response.json()) == {"error"}
    assert message in response.json()["error"]


@pytest.mark.parametrize("body", ["", "{", '{"instances": [1,]}', "[" * 5000, "NaN", '{"instances": [Infin]}', "\xff"])
def test_a_body_that_is_no_json_object_is_refused(tiny, body):
    response = tiny.post(f"{M}:predict", content=body.encode("latin-1"))
    assert response.status_code == 400
    assert "JSON" in response.json()["error"]


def test_tokens_that_are_no_json_are_numbers(tiny):
    body = '{"signature_name": "logarithm", "instances": [NaN, Infinity, -Infinity, 0.0, 1.1]}'
    response = tiny.post(f"{M}:predict", content=body)
    assert "NaN, Infinity, NaN, -Infinity, 0.0953102" in response.text
    values = json.loads(response.text)["predictions"]
    assert math.isnan(values[0])
    assert values[1] == math.inf


def test_tf_examples_are_sent_as_bytes(tiny):
    from .tiny_models import example

    text = base64.b64encode(example(1.5, 2, "abc").SerializeToString()).decode()
    body = {"signature_name": "serving_examples", "instances": [{"b64": text}, {"b64": text.rstrip("=")}]}
    assert tiny.predict(body).json() == {"predictions": [8.0, 8.0]}


def test_the_status_of_versions_is_tensorflow_serving_s_proto(tiny):
    def states(path):
        status = json_format.ParseDict(tiny.get(path).json(), get_model_status_pb2.GetModelStatusResponse())
        return {version.version: (version.state, version.status.error_code) for version in status.model_version_status}

    available = get_model_status_pb2.ModelVersionStatus.AVAILABLE
    assert states(M) == {7: (available, 0), 3: (available, 0)}
    assert states(f"{M}/versions/7") == {7: (available, 0)}
    assert states(f"{M}/labels/stable") == {3: (available, 0)}


def test_the_metadata_of_a_version_is_tensorflow_serving_s_proto(tiny):
    content = tiny.get(f"{M}/metadata").json()
    assert content["model_spec"] == {"name": "tiny", "signature_name": "", "version": "7"}
    signatures = json_format.ParseDict(content["metadata"]["signature_def"], get_model_metadata_pb2.SignatureDefMap())
    default = signatures.signature_def["serving_default"]
    assert set(default.inputs) == {"x", "n", "word"}
    assert default.method_name == "tensorflow/serving/predict"
    for path, version in (("labels/stable", "3"), ("versions/3", "3"), ("versions/7", "7")):
        assert tiny.get(f"{M}/{path}/metadata").json()["model_spec"]["version"] == version


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/v1/models", 400, "Missing model name in request"),
        ("/v1/models/", 400, "Malformed request: GET /v1/models/"),
        ("/v1/models/other", 404, "Could not find any versions of model other"),
        (f"{M}/versions/9", 404, "Could not find version 9 of model tiny"),
        (f"{M}/versions/9/metadata", 404, "Specific(tiny, 9)"),
        (f"{M}/labels/new", 400, "Unrecognized servable version label: new"),
        (f"{M}/labels/new/metadata", 400, "Unrecognized servable version label: new"),
        (f"{M}/versions/{2**63}", 400, "Failed to convert version"),
        ("/v1/models/other/metadata", 404, "Latest(other)"),
        (f"{M}/versions/7/other", 400, "Malformed request"),
        (f"{M}:predict", 400, "Malformed request: GET"),
        ("/v1/models/tiny%2f..%2fother/metadata", 404, "tiny/../other"),
        ("/v1/..%2f..%2fetc/passwd", 400, "Malformed request"),
        ("/v1/models/%00/metadata", 404, "Servable not found"),
        ("/etc/passwd", 404, "there is nothing at"),
        ("/playground/..%2fplayground.py", 404, "there is nothing at"),
        ("/playground/playground.py", 404, "there is nothing at"),
    ],
)
def test_other_paths_are_refused(tiny, path, status, message):
    response = tiny.get(path)
    assert response.status_code == status
    assert message in response.json()["error"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_refused(tiny, method):
    response = tiny.client.request(method, f"{tiny.url}{M}")
    assert response.status_code == 400
    assert f"Malformed request: {method}" in response.json()["error"]
