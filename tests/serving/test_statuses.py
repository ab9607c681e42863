"""Every status code of TensorFlow Serving over REST and gRPC, from a model that fails with it."""

import socket

import grpc
import numpy as np
import pytest
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from serving.server.engines.session import Signature
from serving.server.grpc_api import tensor_protos
from serving.server.json_api.json_values import Input
from serving.server.server_settings import Limits, ModelSource
from serving.server.statuses import HTTP_STATUS, RequestError

from ..served import running

STATUSES = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "INTERNAL": 500,
    "UNKNOWN": 500,
    "DATA_LOSS": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
"""Those of TensorFlow Serving's handler of REST."""


class Failing:
    """A session, and the engine that loads it: each row names the code with which it fails."""

    def __init__(self):
        self.folder = ""
        code = Input("code", "object", "string", (-1,))
        self.signatures = {"serving_default": Signature("serving_default", (code,), (), True, {})}

    def load(self, *_):
        return self

    def run(self, _, inputs):
        code = inputs["code"][0].decode()
        if code not in STATUSES:
            raise LookupError("a secret of the server")
        raise RequestError(f"fails with {code}", code)

    def warm_up(self):
        return 0

    def close(self):
        """Do nothing."""

    stop = close


@pytest.fixture(scope="module")
def failing(tmp_path_factory):
    folder = tmp_path_factory.mktemp("failing")
    (folder / "1").mkdir()
    (folder / "1/saved_model.pb").write_bytes(b"")
    with running(
        ModelSource(name="tiny", folder=str(folder)), engine=Failing(), limits=Limits(body_bytes=2000)
    ) as served:
        yield served


def test_the_table_of_codes_is_tensorflow_serving_s():
    assert HTTP_STATUS == STATUSES


@pytest.mark.parametrize("code", STATUSES)
def test_a_code_has_its_status_in_rest_and_in_grpc(failing, code):
    response = failing.predict({"instances": [code]})
    assert (response.status_code, response.json()) == (STATUSES[code], {"error": f"fails with {code}"})
    assert ("retry-after" in response.headers) == (code == "UNAVAILABLE")

    request = predict_pb2.PredictRequest(model_spec={"name": "tiny"})
    tensor_protos.fill(request.inputs, {"code": np.array([code.encode()], object)})
    with grpc.insecure_channel(failing.grpc) as channel, pytest.raises(grpc.RpcError) as error:
        prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request)
    assert (error.value.code().name, error.value.details()) == (code, f"fails with {code}")


def test_an_unexpected_error_is_500_and_its_cause_is_only_in_the_log(failing):
    response = failing.predict({"instances": ["other"]})
    assert (response.status_code, response.json()) == (500, {"error": "the server failed; see its log"})
    assert [line for line in failing.lines if "POST /v1/models/tiny:predict: LookupError: a secret" in line]


def test_a_client_that_leaves_before_its_body_is_complete_counts_as_cancelled(failing):
    host, port = failing.url.removeprefix("http://").split(":")
    head = b"POST /v1/models/tiny:predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head)
    failing.wait(lambda: 'code="CANCELLED",method="predict",model="tiny"} 1.0' in failing.get("/metrics").text)


def test_a_message_of_grpc_that_is_too_large_is_refused(failing):
    request = predict_pb2.PredictRequest(model_spec={"name": "tiny"})
    tensor_protos.fill(request.inputs, {"code": np.array([b"a" * 3000], object)})
    with grpc.insecure_channel(failing.grpc) as channel, pytest.raises(grpc.RpcError) as error:
        prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request)
    assert error.value.code().name == "RESOURCE_EXHAUSTED"
