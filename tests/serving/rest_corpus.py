"""The golden corpus of TensorFlow Serving's REST API: requests, and what they are answered with.

Those that are refused are in rest_refusals.py.
"""

import base64
from typing import Any

M = "/v1/models/tiny"
ROW = {"x": 1.5, "n": 2, "word": "abc"}
B64 = {"b64": base64.b64encode(b"\x00\xff").decode()}
KINDS = {"flag": True, "small": 4, "pair": [1.0, 2.5], "data": B64}

ANSWERED: dict[str, Any] = {
    "row form": (f"{M}:predict", {"instances": [ROW, {**ROW, "x": 2}]}, {"predictions": [8.0, 9.0]}),
    "column form": (
        f"{M}:predict",
        {"inputs": {"x": [1.5, 2], "n": [2, 2], "word": ["abc", "abc"]}},
        {"outputs": [8.0, 9.0]},
    ),
    "a version": (f"{M}/versions/3:predict", {"instances": [ROW]}, {"predictions": [6.5]}),
    "a label": (f"{M}/labels/stable:predict", {"instances": [ROW]}, {"predictions": [6.5]}),
    "upper case": ("/V1/Models/tiny:PREDICT", {"instances": [ROW]}, {"predictions": [8.0]}),
    "a percent-encoded name": ("/v1/models/t%69ny:predict", {"instances": [ROW]}, {"predictions": [8.0]}),
    "the default signature by name": (
        f"{M}:predict",
        {"signature_name": "serving_default", "instances": [ROW]},
        {"predictions": [8.0]},
    ),
    "other keys in the body": (f"{M}:predict", {"instances": [ROW], "comment": [None]}, {"predictions": [8.0]}),
    "other keys in the columns": (
        f"{M}:predict",
        {"inputs": {"x": [1.5], "n": [2], "word": ["abc"], "more": 1}},
        {"outputs": [8.0]},
    ),
    "bytes in column form": (
        f"{M}:predict",
        {"inputs": {"x": [1.5], "n": [2], "word": [{"b64": "YWJj"}]}},
        {"outputs": [8.0]},
    ),
    "a percent-encoded label": (f"{M}/labels/%73table:predict", {"instances": [ROW]}, {"predictions": [6.5]}),
    "columns without rows": (f"{M}:predict", {"signature_name": "logarithm", "inputs": []}, {"outputs": []}),
    "no signature name": (f"{M}:predict", {"signature_name": "", "instances": [ROW]}, {"predictions": [8.0]}),
    "a single input as plain values": (
        f"{M}:predict",
        {"signature_name": "logarithm", "instances": [1.0, 1]},
        {"predictions": [0.0, 0.0]},
    ),
    "a single input as plain column": (
        f"{M}:predict",
        {"signature_name": "logarithm", "inputs": [1.0]},
        {"outputs": [0.0]},
    ),
    "a single input by name": (
        f"{M}:predict",
        {"signature_name": "logarithm", "instances": [{"x": 1.0}]},
        {"predictions": [0.0]},
    ),
    "several outputs, in row form objects": (
        f"{M}:predict",
        {"signature_name": "kinds", "instances": [KINDS, {**KINDS, "data": "text"}]},
        {
            "predictions": [
                {"data": "\x00\ufffd", "data_bytes": B64, "flag": False, "pair": [2.0, 5.0], "small": 5},
                {"data": "text", "data_bytes": {"b64": "dGV4dA=="}, "flag": False, "pair": [2.0, 5.0], "small": 5},
            ]
        },
    ),
    "several outputs, in column form by name": (
        f"{M}:predict",
        {
            "signature_name": "kinds",
            "inputs": {"flag": [False], "small": [-3], "pair": [[0.1, 2]], "data": ["ü"]},
        },
        {
            "outputs": {
                "data": ["ü"],
                "data_bytes": [{"b64": "w7w="}],
                "flag": [True],
                "pair": [[0.2, 4.0]],
                "small": [-2],
            }
        },
    ),
    "regress": (f"{M}:regress", {"examples": [{"x": 1.5, "n": [2]}, {"x": [2.5]}]}, {"results": [5.0, 5.0]}),
    "regress with a context": (
        f"{M}:regress",
        {"context": {"x": 1.0, "n": 1}, "examples": [{"x": 2.0}, {"word": {"b64": "YWI="}}]},
        {"results": [5.0, 5.0]},
    ),
    "regress by a version": (f"{M}/versions/3:regress", {"examples": [{"x": 1.5, "n": 2}]}, {"results": [3.5]}),
    "regress by a label": (f"{M}/labels/stable:regress", {"examples": [{"x": 1.5, "n": 2}]}, {"results": [3.5]}),
    "regress by a named signature": (
        f"{M}:regress",
        {"signature_name": "serving_examples", "examples": [{"x": 1.5, "n": 2, "word": "abc"}]},
        {"results": [8.0]},
    ),
    "features that the model does not read": (
        f"{M}:regress",
        {"examples": [{"x": 1.5, "y": [1, 2]}]},
        {"results": [3.0]},
    ),
    "classify by a version": (
        f"{M}/versions/3:classify",
        {"signature_name": "scores", "examples": [{"x": 0.0}]},
        {"results": [[["no", 0.5], ["yes", 0.5]]]},
    ),
    "classify by a label, in upper case": (
        "/V1/MODELS/tiny/LABELS/stable:CLASSIFY",
        {"signature_name": "scores", "examples": [{"x": 0.0}]},
        {"results": [[["no", 0.5], ["yes", 0.5]]]},
    ),
    "classify with a context": (
        f"{M}:classify",
        {"signature_name": "scores", "context": {"x": 0.0}, "examples": [{}, {"n": 0}]},
        {"results": [[["no", 0.5], ["yes", 0.5]]] * 2},
    ),
    "classify by scores": (
        f"{M}:classify",
        {"signature_name": "scores", "examples": [{"x": 0.0}]},
        {"results": [[["no", 0.5], ["yes", 0.5]]]},
    ),
    "classify by probabilities and class names": (
        f"{M}:classify",
        {"signature_name": "probabilities", "examples": [{"x": 0.0}, {"x": 0.0}]},
        {"results": [[["no", 0.5], ["yes", 0.5]]] * 2},
    ),
}
