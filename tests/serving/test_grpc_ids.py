"""Ids of rows in the metadata of gRPC requests, sent by TensorFlow Serving's own stubs, in the log of served rows."""

import contextlib
from types import SimpleNamespace

import grpc
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from serving.server.server_settings import Limits, ModelSource, RowLogSettings

from ..served import push, running
from .tiny_models import Tiny, example


@pytest.fixture(scope="module")
def sources(exported, tmp_path_factory):
    """The tiny model, and a classifier of tf.Examples, whose rows are logged."""
    folder = tmp_path_factory.mktemp("with_ids")
    push(exported[2], folder / "tiny", 5)
    classifier = Tiny(1.0)
    signature = classifier.probabilities.get_concrete_function(tf.TensorSpec([None], tf.string))
    tf.saved_model.save(classifier, str(folder / "saved"), signatures={"serving_examples": signature})
    push(folder / "saved", folder / "classifier", 1)
    return [ModelSource(name=name, folder=str(folder / name)) for name in ("tiny", "classifier")]


@pytest.fixture
def logged(sources, tmp_path):
    """Run a server with a log inside a `with` block; `ids(model)` returns the logged pairs of x and id afterwards."""

    @contextlib.contextmanager
    def run():
        settings = RowLogSettings(folder=str(tmp_path), write=lambda path, rows: pq.write_table(rows, path))
        with running(*sources, row_log=settings) as server, grpc.insecure_channel(server.grpc) as channel:
            yield prediction_service_pb2_grpc.PredictionServiceStub(channel), server

    def ids(model="tiny"):
        rows = [row for path in (tmp_path / model).glob("rows-*") for row in pq.read_table(path).to_pylist()]
        return {(row["x"], row.get("served_id")) for row in rows}

    return SimpleNamespace(run=run, ids=ids)


@pytest.fixture(scope="module")
def service(tiny):
    with grpc.insecure_channel(tiny.grpc) as channel:
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)


def predict_request(*x):
    request = predict_pb2.PredictRequest(model_spec={"name": "tiny"})
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(x, tf.float32))
    request.inputs["n"].CopyFrom(tf.make_tensor_proto([0] * len(x), tf.int64))
    request.inputs["word"].CopyFrom(tf.make_tensor_proto([""] * len(x), tf.string))
    return request


def of_examples(kind, *x, model="tiny", signature=""):
    request = kind(model_spec={"name": model, "signature_name": signature})
    request.input.example_list.examples.extend(map(example, x))
    return request


def multi_inference(*x):
    request = inference_pb2.MultiInferenceRequest()
    request.input.example_list.examples.extend(map(example, x))
    for signature, method in (("serving_examples", "regress"), ("scores", "classify")):
        task = request.tasks.add(method_name=f"tensorflow/serving/{method}")
        task.model_spec.name, task.model_spec.signature_name = "tiny", signature
    return request


def test_ids_are_logged_beside_the_rows_of_every_method(logged):
    classified, regressed = classification_pb2.ClassificationRequest, regression_pb2.RegressionRequest
    with logged.run() as (service, server):
        expected = service.Predict(predict_request(1.0, 2.0))
        assert service.Predict(predict_request(1.0, 2.0), metadata=[("ids", "p1"), ("ids", "p2")]) == expected
        service.Regress(of_examples(regressed, 3.0, 4.0), metadata=[("ids", "r3, r4")])
        service.MultiInference(multi_inference(5.0, 6.0), metadata=[("ids", "m5"), ("ids", "m6")])
        service.Classify(
            of_examples(classified, 7.0, 8.0, model="classifier"),
            metadata=[("ids", "c7"), ("other", "x"), ("ids", "c8")],
        )
        for method in ("classify", "regress"):
            model = "tiny" if method == "regress" else "classifier"
            body = {"examples": [{"x": 9.0, "n": 0, "word": ""}], "ids": [method]}
            assert server.post(f"/v1/models/{model}:{method}", json=body).status_code == 200
    assert logged.ids() == {
        (1.0, None), (2.0, None), (1.0, "p1"), (2.0, "p2"), (3.0, "r3"), (4.0, "r4"), (5.0, "m5"), (6.0, "m6"),
        (9.0, "regress"),
    }  # fmt: skip
    assert logged.ids("classifier") == {(7.0, "c7"), (8.0, "c8"), (9.0, "classify")}


def test_binary_ids_may_be_any_text(logged):
    texts = ["Z\u00fcrich, 1", "\u6771\u4eac", "plain"]
    with logged.run() as (service, _):
        service.Predict(predict_request(1.0, 2.0, 3.0), metadata=[("ids-bin", text.encode()) for text in texts])
    assert logged.ids() == {(1.0, texts[0]), (2.0, texts[1]), (3.0, texts[2])}


@pytest.mark.parametrize("joined", [True, False])
def test_a_thousand_ids_fit(logged, joined):
    ids = [f"order-{number:06d}" for number in range(1000)]
    metadata = [("ids", ",".join(ids))] if joined else [("ids", text) for text in ids]
    with logged.run() as (service, _):
        service.Predict(predict_request(*map(float, range(1000))), metadata=metadata)
    assert logged.ids() == set(zip(map(float, range(1000)), ids, strict=True))


def test_metadata_is_limited_as_the_head_of_an_http_request(tiny):
    limits = Limits(header_bytes=20_000)
    with running(*tiny.settings.models, limits=limits) as server, grpc.insecure_channel(server.grpc) as channel:
        service = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        service.Predict(predict_request(1.0), metadata=[("ids", "a" * 15_000)])
        refused(service.Predict, predict_request(1.0), [("ids", "a" * 40_000)], code="RESOURCE_EXHAUSTED")


def refused(call, request, metadata, code="INVALID_ARGUMENT"):
    with pytest.raises(grpc.RpcError) as error:
        call(request, metadata=metadata)
    assert error.value.code().name == code
    return error.value.details()


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("Predict", predict_request(1.0)),
        ("Classify", of_examples(classification_pb2.ClassificationRequest, 1.0, signature="scores")),
        ("Regress", of_examples(regression_pb2.RegressionRequest, 1.0)),
        ("MultiInference", multi_inference(1.0)),
    ],
)
def test_ids_that_do_not_fit_the_rows_are_refused(service, method, request_):
    call = getattr(service, method)
    message = "'ids' has 2 values, and the request has 1 rows"
    assert refused(call, request_, [("ids", "a"), ("ids", "b")]) == message
    assert refused(call, request_, [("ids", "a,b")]) == message
    assert refused(call, request_, [("ids-bin", b"a"), ("ids-bin", b"b")]) == message
    both = refused(call, request_, [("ids", "a"), ("ids-bin", b"a")])
    assert both == "the metadata has 'ids' and 'ids-bin': send one of them, with an id for each row"
    assert "metadata 'ids-bin' must be UTF-8 texts, one for each row: " in refused(
        call, request_, [("ids-bin", b"\xff")]
    )
