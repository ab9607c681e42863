"""The golden corpus over gRPC: each body parses into TensorFlow Serving's protos, and has the same response."""

import base64
import json
import re

import grpc
import pytest
import tensorflow as tf
from google.protobuf import json_format
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from .rest_corpus import ANSWERED

PATH = re.compile(r"/v1/models/[^/:]+(?:/versions/(?P<version>\d+)|/labels/[^/:]+)?:(?P<method>\w+)", re.IGNORECASE)
REQUESTS = {
    "predict": predict_pb2.PredictRequest,
    "classify": classification_pb2.ClassificationRequest,
    "regress": regression_pb2.RegressionRequest,
}


@pytest.fixture(scope="module")
def service(tiny):
    with grpc.insecure_channel(tiny.grpc) as channel:
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.fixture(scope="module")
def signatures(service):
    request = get_model_metadata_pb2.GetModelMetadataRequest(
        model_spec={"name": "tiny"}, metadata_field=["signature_def"]
    )
    signature_map = get_model_metadata_pb2.SignatureDefMap()
    service.GetModelMetadata(request).metadata["signature_def"].Unpack(signature_map)
    return signature_map.signature_def


def plain(value):
    """Return a JSON value as TensorFlow takes it: base64 as bytes."""
    if isinstance(value, dict):
        return base64.b64decode(value["b64"])
    return [plain(element) for element in value] if isinstance(value, list) else value


def columns(body, inputs):
    """Return the columns of a body by input."""
    rows = body.get("instances")
    if rows is None:
        held = body["inputs"]
        return {name: held[name] for name in inputs} if isinstance(held, dict) else {inputs[0]: held}
    if len(inputs) == 1 and not isinstance(rows[0], dict):
        return {inputs[0]: rows}
    return {name: [row[name] for row in rows] for name in inputs}


def as_example(row):
    """Return a row as protobuf's JSON of a tf.Example."""
    features = {}
    for name, value in row.items():
        values = value if isinstance(value, list) else [value]
        first_value = values[0]
        kind = (
            "floatList"
            if isinstance(first_value, float)
            else "int64List"
            if isinstance(first_value, int)
            else "bytesList"
        )
        if kind == "bytesList":
            values = [
                text["b64"] if isinstance(text, dict) else base64.b64encode(text.encode()).decode() for text in values
            ]
        features[name] = {kind: {"value": values}}
    return {"features": {"feature": features}}


def responded(response, method):
    """Return a response as JSON of the REST API has it."""
    if method == "regress":
        return [entry.value for entry in response.result.regressions]
    if method == "classify":
        return [[[entry.label, entry.score] for entry in row.classes] for row in response.result.classifications]
    return {name: tf.make_ndarray(tensor) for name, tensor in response.outputs.items()}


def as_json(outputs, *, by_row):
    lists = {}
    for name, array in outputs.items():
        values = array.tolist()
        if array.dtype == object:
            values = [
                {"b64": base64.b64encode(content).decode()}
                if name.endswith("_bytes")
                else content.decode(errors="replace")
                for content in values
            ]
        lists[name] = values
    if len(lists) == 1:
        return next(iter(lists.values()))
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)] if by_row else lists


@pytest.mark.parametrize("name", ANSWERED)
def test_a_body_as_protos_has_the_same_response(service, signatures, name):
    path, body, response_body = ANSWERED[name]
    match = PATH.fullmatch(path)
    method = match["method"].lower()
    label = {} if match["version"] or "abels" not in path.lower() else {"versionLabel": "stable"}
    spec = {"name": "tiny", "signatureName": body.get("signature_name", ""), **label}
    if match["version"]:
        spec["version"] = match["version"]
    content = {"modelSpec": spec}
    if method != "predict":
        held = {"examples": [as_example(row) for row in body["examples"]]}
        if "context" in body:
            content["input"] = {"exampleListWithContext": {**held, "context": as_example(body["context"])}}
        else:
            content["input"] = {"exampleList": held}
    request = json_format.Parse(json.dumps(content), REQUESTS[method]())
    if method == "predict":
        definition = signatures[body.get("signature_name") or "serving_default"]
        for column, values in columns(body, sorted(definition.inputs)).items():
            tensor = tf.make_tensor_proto(plain(values), tf.dtypes.as_dtype(definition.inputs[column].dtype))
            request.inputs[column].CopyFrom(tensor)
    response = getattr(service, method.capitalize())(request)
    actual = responded(response, method)
    [expected] = response_body.values()
    if method == "predict":
        actual = as_json(actual, by_row="instances" in body)
    assert json.loads(json.dumps(actual), parse_float=lambda text: round(float(text), 6)) == expected
