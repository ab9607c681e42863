"""The gRPC services, called by TensorFlow Serving's own stubs."""

import grpc
import pytest
import tensorflow as tf
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from serving.server.server_settings import Limits

from ..served import running
from .tiny_models import example


@pytest.fixture(scope="module")
def channel(tiny):
    with grpc.insecure_channel(tiny.grpc) as opened:
        yield opened


@pytest.fixture(scope="module")
def service(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


def predict_request(x, *, n=(2,), word=("abc",), model="tiny", version=None, label=None, signature=""):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = signature
    if version is not None:
        request.model_spec.version.value = version
    if label is not None:
        request.model_spec.version_label = label
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(x, tf.float32))
    if not signature:
        request.inputs["n"].CopyFrom(tf.make_tensor_proto(n, tf.int64))
        request.inputs["word"].CopyFrom(tf.make_tensor_proto(word, tf.string))
    return request


def code(call, request):
    with pytest.raises(grpc.RpcError) as error:
        call(request)
    return error.value.code().name, error.value.details()


@pytest.mark.parametrize(
    ("chosen", "expected"), [({}, (7, 8.0)), ({"version": 3}, (3, 6.5)), ({"label": "stable"}, (3, 6.5))]
)
def test_predict(service, chosen, expected):
    response = service.Predict(predict_request([1.5], **chosen))
    assert tf.make_ndarray(response.outputs["prediction"]).tolist() == [expected[1]]
    assert (response.model_spec.name, response.model_spec.version.value) == ("tiny", expected[0])
    assert response.model_spec.signature_name == "serving_default"


def test_the_output_filter_chooses_outputs(service):
    request = predict_request([1.5])
    request.output_filter.append("prediction")
    assert list(service.Predict(request).outputs) == ["prediction"]
    request.output_filter.append("none")
    assert code(service.Predict, request) == ("INVALID_ARGUMENT", "output tensor alias not found in signature: none")


def test_a_request_that_takes_too_long_ends_with_deadline_exceeded(tiny):
    spin = predict_pb2.PredictRequest()
    spin.model_spec.name, spin.model_spec.signature_name = "tiny", "spin"
    spin.inputs["n"].CopyFrom(tf.make_tensor_proto([100_000], tf.int64))
    with (
        running(*tiny.settings.models, limits=Limits(seconds=0.1)) as served,
        grpc.insecure_channel(served.grpc) as slow,
    ):
        service = prediction_service_pb2_grpc.PredictionServiceStub(slow)
        assert code(service.Predict, spin) == ("DEADLINE_EXCEEDED", "no response within 0.1 seconds")


def without_word():
    request = predict_request([1.5])
    del request.inputs["word"]
    return request


def of_another_type():
    request = predict_request([1.5])
    request.inputs["x"].CopyFrom(tf.make_tensor_proto([1], tf.int32))
    return request


def of_a_huge_shape():
    request = predict_request([1.5])
    del request.inputs["x"].tensor_shape.dim[:]
    for _ in range(4):
        request.inputs["x"].tensor_shape.dim.add(size=2**20)
    return request


def of_unknown_type():
    request = predict_request([1.5])
    request.inputs["x"].dtype = 0
    return request


def with_missing_content():
    request = predict_request([1.5])
    request.inputs["x"].tensor_content = b"abc"
    return request


@pytest.mark.parametrize(
    ("request_", "expected", "message"),
    [
        (without_word(), "INVALID_ARGUMENT", "Missing but required: {word}"),
        (of_another_type(), "INVALID_ARGUMENT", "Expected input x to have dtype float"),
        (of_a_huge_shape(), "INVALID_ARGUMENT", "input x has no valid shape"),
        (of_unknown_type(), "INVALID_ARGUMENT", "input x has no type"),
        (with_missing_content(), "INVALID_ARGUMENT", "input x is not a valid tensor"),
        (predict_request([1.5], model="other"), "NOT_FOUND", "Latest(other)"),
        (predict_request([1.5], version=9), "NOT_FOUND", "Specific(tiny, 9)"),
        (predict_request([1.5], label="new"), "INVALID_ARGUMENT", "Unrecognized servable version label"),
        (predict_request([1.5], signature="none"), "INVALID_ARGUMENT", "not found in signature def"),
        (predict_request([-1.5], signature="positive"), "INVALID_ARGUMENT", "x is negative"),
        (predict_request([1.5, 2.5]), "INVALID_ARGUMENT", "different numbers of rows"),
    ],
)
def test_wrong_requests_have_tensorflow_serving_s_codes(service, request_, expected, message):
    actual, details = code(service.Predict, request_)
    assert actual == expected
    assert message in details


def filled(request, signature, *, context=False):
    request.model_spec.name = "tiny"
    request.model_spec.signature_name = signature
    if context:
        request.input.example_list_with_context.context.CopyFrom(example(9.0, 1))
        request.input.example_list_with_context.examples.add().features.feature["x"].float_list.value.append(1.0)
    else:
        request.input.example_list.examples.extend([example(0.0), example(1.0)])
    return request


def test_classify(service):
    response = service.Classify(filled(classification_pb2.ClassificationRequest(), "scores"))
    labels = [[(entry.label, entry.score) for entry in row.classes] for row in response.result.classifications]
    assert labels[0] == [("no", 0.5), ("yes", 0.5)]
    assert labels[1][1][1] == pytest.approx(0.880797)
    request = filled(classification_pb2.ClassificationRequest(), "serving_default")
    assert code(service.Classify, request)[0] == "INVALID_ARGUMENT"


def test_regress_with_and_without_a_context(service):
    response = service.Regress(filled(regression_pb2.RegressionRequest(), ""))
    assert [entry.value for entry in response.result.regressions] == [0.0, 2.0]
    response = service.Regress(filled(regression_pb2.RegressionRequest(), "", context=True))
    assert [entry.value for entry in response.result.regressions] == [3.0]
    empty = regression_pb2.RegressionRequest(model_spec={"name": "tiny"})
    assert code(service.Regress, empty) == ("INVALID_ARGUMENT", "Input is empty")


def test_multi_inference_runs_several_signatures_on_the_same_examples(service):
    request = inference_pb2.MultiInferenceRequest()
    request.input.example_list.examples.append(example(0.0))
    for signature, method in (("serving_examples", "regress"), ("scores", "classify")):
        task = request.tasks.add(method_name=f"tensorflow/serving/{method}")
        task.model_spec.name, task.model_spec.signature_name = "tiny", signature
    regressed, classified = service.MultiInference(request).results
    assert regressed.regression_result.regressions[0].value == 0.0
    assert classified.classification_result.classifications[0].classes[1].score == 0.5
    assert (classified.model_spec.signature_name, classified.model_spec.version.value) == ("scores", 7)

    request.tasks[1].model_spec.signature_name = "serving_examples"
    assert code(service.MultiInference, request) == ("INVALID_ARGUMENT", "Duplicate evaluation of signature")
    assert code(service.MultiInference, inference_pb2.MultiInferenceRequest())[1] == "Inference tasks is empty"


def test_the_metadata_of_a_model(service):
    request = get_model_metadata_pb2.GetModelMetadataRequest(
        model_spec={"name": "tiny"}, metadata_field=["signature_def"]
    )
    response = service.GetModelMetadata(request)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    assert {"serving_default", "scores"} <= set(signatures.signature_def)
    assert response.model_spec.version.value == 7
    request.metadata_field[0] = "other"
    assert code(service.GetModelMetadata, request)[1] == "Metadata field other is not supported"


def test_the_status_of_versions_and_of_the_server(channel):
    models = model_service_pb2_grpc.ModelServiceStub(channel)
    status = models.GetModelStatus(get_model_status_pb2.GetModelStatusRequest(model_spec={"name": "tiny"}))
    assert [version.version for version in status.model_version_status] == [7, 3]
    unknown = get_model_status_pb2.GetModelStatusRequest(model_spec={"name": "other"})
    assert code(models.GetModelStatus, unknown) == ("NOT_FOUND", "Could not find any versions of model other")
    reload = model_management_pb2.ReloadConfigRequest()
    assert code(models.HandleReloadConfigRequest, reload)[0] == "UNIMPLEMENTED"

    health = health_pb2_grpc.HealthStub(channel)
    for name in ("", "tiny"):
        assert health.Check(health_pb2.HealthCheckRequest(service=name)).status == 1
    assert code(health.Check, health_pb2.HealthCheckRequest(service="other"))[0] == "NOT_FOUND"


def test_a_token_is_required_except_for_health(tiny):
    [source] = tiny.settings.models
    with running(source, token="secret") as served, grpc.insecure_channel(served.grpc) as channel:
        service = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        assert code(service.Predict, predict_request([1.5]))[0] == "UNAUTHENTICATED"
        with pytest.raises(grpc.RpcError):
            service.Predict(predict_request([1.5]), metadata=[("authorization", "Bearer wrong")])
        response = service.Predict(predict_request([1.5]), metadata=[("authorization", "Bearer secret")])
        assert tf.make_ndarray(response.outputs["prediction"]).tolist() == [8.0]
        assert health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest()).status == 1

        assert served.predict({"inputs": {}}).status_code == 401
        assert served.get("/metrics").status_code == 401
        for header in ("Bearer wrong", "Bearer", "secret", "Basic secret"):
            assert served.get("/v1/models/tiny", headers={"authorization": header}).status_code == 401
        response = served.get("/v1/models/tiny", headers={"authorization": "Bearer secret"})
        assert (response.status_code, served.get("/healthz").status_code) == (200, 200)
        assert not [line for line in served.lines if "secret" in line]
        assert "secret" not in repr(served.settings)
