"""The golden corpus of TensorFlow Serving's REST API: requests, and what they are answered with."""

import base64

M = "/v1/models/tiny"
ROW = {"x": 1.5, "n": 2, "word": "abc"}
B64 = {"b64": base64.b64encode(b"\x00\xff").decode()}
KINDS = {"flag": True, "small": 4, "pair": [1.0, 2.5], "data": B64}

ANSWERED = {
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
BAD = {"instances": [ROW]}
REFUSED = {
    "both forms": (400, f"{M}:predict", {"instances": [ROW], "inputs": {}}, "expecting only one of"),
    "neither form": (400, f"{M}:predict", {}, "Missing 'inputs' or 'instances' key"),
    "not an object": (400, f"{M}:predict", [1], "Is not object"),
    "no list of rows": (400, f"{M}:predict", {"instances": 3}, "to be an list/array"),
    "no rows": (400, f"{M}:predict", {"instances": []}, "No values in 'instances' array"),
    "plain rows for several inputs": (400, f"{M}:predict", {"instances": [1]}, "multiple input tensors required"),
    "plain columns for several inputs": (400, f"{M}:predict", {"inputs": [1]}, "multiple input tensors required"),
    "a missing input": (400, f"{M}:predict", {"instances": [{"x": 1, "n": 2}]}, "keys must be equal to: n,word,x"),
    "an unknown input": (400, f"{M}:predict", {"instances": [{**ROW, "y": 1}]}, "does not have named input: y"),
    "a missing column": (400, f"{M}:predict", {"inputs": {"x": [1]}}, "Missing named input: n in 'inputs' object"),
    "a list among objects": (400, f"{M}:predict", {"instances": [ROW, [1]]}, "Expecting object but got list at item 1"),
    "an object among values": (
        400,
        f"{M}:predict",
        {"signature_name": "logarithm", "instances": [1.0, {"x": 1}]},
        "Expecting value/list but got object at item 1",
    ),
    "text for a number": (
        400,
        f"{M}:predict",
        {"instances": [ROW, {**ROW, "x": "a"}]},
        "element: 1 key: x of 'instances' list. Error: INVALID_ARGUMENT: JSON Value: \"a\" Type: String is not of "
        "expected type: float",
    ),
    "null": (400, f"{M}:predict", {"instances": [{**ROW, "x": None}]}, "Type: Null is not of expected type: float"),
    "a decimal for an integer": (
        400,
        f"{M}:predict",
        {"instances": [{**ROW, "n": 1.0}]},
        "Type: Number is not of expected type: int64",
    ),
    "true for a number": (400, f"{M}:predict", {"instances": [{**ROW, "n": True}]}, "Type: True is not of expected"),
    "a number for text": (400, f"{M}:predict", {"instances": [{**ROW, "word": 1}]}, "is not of expected type: string"),
    "an integer that float32 cannot hold": (
        400,
        f"{M}:predict",
        {"instances": [{**ROW, "x": 2**24}]},
        "16777216 to float32 without loss of precision",
    ),
    "a decimal that float32 cannot hold": (
        400,
        f"{M}:predict",
        {"instances": [{**ROW, "x": 1e39}]},
        "without loss of precision",
    ),
    "an integer that int64 cannot hold": (
        400,
        f"{M}:predict",
        {"instances": [{**ROW, "n": 2**63}]},
        "is not of expected type: int64",
    ),
    "bad base64": (
        400,
        f"{M}:predict",
        {"instances": [{**ROW, "word": {"b64": "a*"}}]},
        "Unable to base64 decode",
    ),
    "rows of different shapes": (
        400,
        f"{M}:predict",
        {"signature_name": "kinds", "instances": [KINDS, {**KINDS, "pair": [1.0]}]},
        "element: 1 key: pair of 'instances' list. Error: INVALID_ARGUMENT: Expecting shape [2] but got: [1]",
    ),
    "ragged lists": (
        400,
        f"{M}:predict",
        {"signature_name": "logarithm", "inputs": [[1.0], [1.0, 2.0]]},
        "Encountered list at unexpected size: 2 at level: 1 expected size: 1",
    ),
    "another shape": (
        400,
        f"{M}:predict",
        {"signature_name": "logarithm", "inputs": [[1.0]]},
        "input x has shape [1, 1], expected [-1]",
    ),
    "columns of different lengths": (
        400,
        f"{M}:predict",
        {"inputs": {"x": [1.0], "n": [1, 2], "word": ["a"]}},
        "different numbers of rows: 1, 2",
    ),
    "an unknown signature": (
        400,
        f"{M}:predict",
        {"signature_name": "none", **BAD},
        'Serving signature name: "none" not found in signature def',
    ),
    "a signature name that is no text": (400, f"{M}:predict", {"signature_name": 1, **BAD}, "must be a string value"),
    "a signature without inputs": (
        400,
        f"{M}:predict",
        {"signature_name": "class_names", **BAD},
        "Failed to get input map for signature: class_names",
    ),
    "what TensorFlow refuses": (
        400,
        f"{M}:predict",
        {"signature_name": "positive", "instances": [-1.0]},
        "x is negative",
    ),
    "an unknown model": (404, "/v1/models/other:predict", BAD, "Servable not found for request: Latest(other)"),
    "an unknown version": (404, f"{M}/versions/9:predict", BAD, "Servable not found for request: Specific(tiny, 9)"),
    "an unknown label": (400, f"{M}/labels/new:predict", BAD, "Unrecognized servable version label: new"),
    "a version above int64": (400, f"{M}/versions/{2**63}:predict", BAD, "Failed to convert version"),
    "an unknown method": (400, f"{M}:train", BAD, "Malformed request: POST /v1/models/tiny:train"),
    "a path without a method": (400, M, BAD, "Malformed request: POST /v1/models/tiny"),
    "no examples": (400, f"{M}:classify", {}, "key 'examples' is expected and was not found"),
    "examples that are no list": (
        400,
        f"{M}:regress",
        {"examples": 1},
        "Expecting 'examples' value to be an list/array",
    ),
    "an empty list of examples": (400, f"{M}:regress", {"examples": []}, "'examples' value is an empty array"),
    "an example that is no object": (
        400,
        f"{M}:regress",
        {"examples": [1]},
        "Example must be JSON object but got JSON",
    ),
    "mixed types in a feature": (
        400,
        f"{M}:regress",
        {"examples": [{"x": [1.0, "a"]}]},
        "Unexpected element type in feature: x expecting type: float",
    ),
    "null in a feature": (
        400,
        f"{M}:regress",
        {"examples": [{"x": None}]},
        "has element with unexpected JSON type: Null",
    ),
    "nested lists in a feature": (400, f"{M}:regress", {"examples": [{"x": [[1.0]]}]}, "unexpected JSON type: Array"),
    "a uint64 in a feature": (400, f"{M}:regress", {"examples": [{"n": 2**63}]}, "Only int64 is supported"),
    "a classification by a regression's signature": (
        400,
        f"{M}:classify",
        {"examples": [{"x": 1.0}]},
        '"classes" or "scores"',
    ),
    "a regression by a classification's signature": (
        400,
        f"{M}:regress",
        {"signature_name": "scores", "examples": [{"x": 1.0}]},
        "No regression outputs",
    ),
    "an example without a required feature": (
        400,
        f"{M}:regress",
        {"examples": [{}]},
        "is required but could not be found",
    ),
}
