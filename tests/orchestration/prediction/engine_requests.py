"""Requests that both engines of `serve` answer alike: every method, body and error that a model `rows` can have."""

import base64

from ...serving.tiny_models import example

M = "/v1/models/rows"
ROW = {"size": 3.5, "rooms": 2, "area": 1.0, "country": "ZA"}
TEXTS = {"size": "+12", "rooms": " 2 ", "area": "7e0", "country": " ZA "}
NAN = float("nan")


def predict(*rows, **fields):
    return "POST", f"{M}:predict", {"instances": list(rows), **fields}


def changed(**cells):
    return predict({**ROW, **cells})


def texts(**cells):
    return predict({**TEXTS, **cells}, signature_name="serving_rows")


def of_examples(method, *rows, **fields):
    return "POST", f"{M}:{method}", {"examples": list(rows), **fields}


def as_record(cells):
    record = example(0.0)
    record.features.feature.clear()
    for name, value in cells.items():
        feature = record.features.feature[name]
        kind = {float: feature.float_list, int: feature.int64_list, str: feature.bytes_list}[type(value)]
        kind.value.append(value.encode() if isinstance(value, str) else value)
    return {"b64": base64.b64encode(record.SerializeToString()).decode()}


REQUESTS = {
    "a row": predict(ROW),
    "several rows": predict(ROW, {**ROW, "size": -7.25}, {**ROW, "country": "BW"}),
    "column form": ("POST", f"{M}:predict", {"inputs": {name: [cell] * 3 for name, cell in ROW.items()}}),
    "nulls": predict({**ROW, "size": NAN, "rooms": -(2**63), "country": ""}),
    "unseen text": changed(country="nowhere"),
    "text that is not ASCII": predict({**ROW, "country": "Zürich"}, {**ROW, "country": " Zürich\u00a0"}),
    "text as bytes": changed(country={"b64": base64.b64encode(b"BW").decode()}),
    "cells as text": texts(),
    "cells as text with nulls": texts(size="?", rooms="NA", country=""),
    "serialized examples": predict(as_record(ROW), as_record({"area": 2.0}), signature_name="serving_examples"),
    "a version": ("POST", f"{M}/versions/7:predict", {"instances": [ROW]}),
    "a label": ("POST", f"{M}/labels/stable:predict", {"instances": [ROW]}),
    "regress": of_examples("regress", ROW, {"area": 2.0}),
    "regress with a context": of_examples("regress", {"size": 1.0}, {"rooms": [3]}, context={"area": 4.0}),
    "explain": ("POST", f"{M}:explain", {"instances": [ROW]}),
    "status": ("GET", M, None),
    "the form of the playground": ("GET", "/playground/models", None),
    "the playground": ("GET", "/", None),
    # refused
    "an infinite number": changed(area=float("inf")),
    "a text that is no number": texts(rooms="1.5"),
    "a text that is no number, and not ASCII": texts(rows="Zürich's"),
    "a null that is not allowed": texts(area=" "),
    "a bad row among good ones": predict(ROW, {**ROW, "area": float("-inf")}),
    "no object": ("POST", f"{M}:predict", [1]),
    "another type": changed(rooms=1.5),
    "a missing input": predict({"size": 1.0}),
    "an unknown input": changed(other=1),
    "another shape": ("POST", f"{M}:predict", {"inputs": {name: [[cell]] for name, cell in ROW.items()}}),
    "columns of different lengths": (
        "POST",
        f"{M}:predict",
        {"inputs": {**{name: [cell] for name, cell in ROW.items()}, "size": [1.0, 2.0]}},
    ),
    "an unknown signature": predict(ROW, signature_name="none"),
    "no examples": of_examples("regress"),
    "an example of another type": of_examples("regress", {"area": 2}),
    "an example without a column": of_examples("regress", {"size": 2.0}),
    "an example with two values": of_examples("regress", {"area": [1.0, 2.0]}),
    "an example with no value": of_examples("regress", {"area": []}),
    "a regression to classify": of_examples("classify", {"area": 2.0}),
    "an unknown version": ("POST", f"{M}/versions/9:predict", {"instances": [ROW]}),
    "an unknown label": ("POST", f"{M}/labels/new:predict", {"instances": [ROW]}),
    "an unknown model": ("POST", "/v1/models/other:predict", {"instances": [ROW]}),
    "the metadata of an unknown version": ("GET", f"{M}/versions/9/metadata", None),
    "an unknown path": ("GET", "/v1/other", None),
}
