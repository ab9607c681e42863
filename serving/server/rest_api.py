"""Routes of TensorFlow Serving's REST API, and `:explain`."""

import functools
import re
import urllib.parse
from dataclasses import dataclass

from serving.server import example_methods, explanations, model_messages
from serving.server.json_api import json_examples, json_requests, json_responses
from serving.server.loaded_version import LoadedVersion
from serving.server.served_models import ServedModel, ServedModels
from serving.server.statuses import RequestError

_METHOD = re.compile(
    r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?:(classify|regress|predict|explain)",
    re.IGNORECASE | re.ASCII,
)
_STATUS = re.compile(
    r"/v1/models(?:/([^/:]+))?(?:/versions/(\d+)|/labels/([^/:]+))?(?:/(metadata))?", re.IGNORECASE | re.ASCII
)
_HIGHEST = 2**63 - 1


@dataclass(frozen=True)
class Route:
    """Model, version and method of a request.

    Attributes:
        model: Name of the model.
        number: Requested version; None for the newest, or the one with the label.
        label: Label of the requested version; None without one.
        method: `predict`, `classify`, `regress`, `explain`, `status` or `metadata`.
    """

    model: str
    number: int | None
    label: str | None
    method: str


@functools.lru_cache(maxsize=128)
def route(http_method: str, path: str) -> Route:
    """Find the route of a request.

    Args:
        http_method: HTTP method, such as POST.
        path: Path as the client sent it, percent-encoded.

    Raises:
        RequestError: there is no such route.
    """
    if http_method == "POST" and (match := _METHOD.fullmatch(path)):
        return _route(match[1], match[2], match[3], match[4].lower())
    if http_method == "GET" and (match := _STATUS.fullmatch(path)):
        if not match[1]:
            raise RequestError("Missing model name in request.")
        return _route(match[1], match[2], match[3], "metadata" if match[4] else "status")
    raise RequestError(f"Malformed request: {http_method} {path}")


def _route(model: str, version: str | None, label: str | None, method: str) -> Route:
    number = int(version) if version and len(version) <= len(str(_HIGHEST)) else None
    if version and (number is None or number > _HIGHEST):
        raise RequestError(f"Failed to convert version: {version} to numeric.")
    return Route(urllib.parse.unquote(model), number, urllib.parse.unquote(label) if label else None, method)


async def answer(models: ServedModels, requested: Route, body: bytes) -> bytes:
    """Answer a request.

    Args:
        models: The models.
        requested: Model, version and method.
        body: Body of the request, decompressed.

    Returns:
        The JSON of the response.

    Raises:
        RequestError: the model or the version does not serve, the body is invalid, or the run fails.
    """
    if requested.method == "status" and requested.model not in models.by_name:
        raise RequestError(f"Could not find any versions of model {requested.model}", "NOT_FOUND")
    model = models.model(requested.model)
    if requested.method == "status":
        return json_responses.dumps(model_messages.status(model, requested.number, requested.label))
    with model.use(requested.number, requested.label) as loaded:
        if requested.method == "metadata":
            return json_responses.dumps(model_messages.metadata(model, loaded))
        request = json_requests.parse(body)
        name = json_requests.signature_name(request)
        if requested.method == "predict":
            return await _predict(model, loaded, name, request)
        if requested.method == "explain":
            row_explanations = await explanations.explain(model, loaded, name, request, models.most_rows)
            return json_responses.explanations(row_explanations)
        rows, ids = json_examples.examples(request), json_requests.ids(request)
        if requested.method == "classify":
            return json_responses.classifications(await example_methods.classify(model, loaded, name, rows, ids))
        return json_responses.regressions(await example_methods.regress(model, loaded, name, rows, ids))


async def _predict(model: ServedModel, loaded: LoadedVersion, name: str, request: "dict[str, object]") -> bytes:
    signature = example_methods.signature(loaded, name)
    if not signature.inputs:
        raise RequestError(f"Failed to get input map for signature: {name or 'DEFAULT'}")
    inputs, by_row = json_requests.arrays(request, signature.inputs)
    outputs = await model.run(loaded, signature, inputs, ids=json_requests.ids(request))
    return json_responses.predictions(outputs, by_row=by_row)
