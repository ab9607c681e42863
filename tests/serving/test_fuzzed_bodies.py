"""Any body gets JSON with the right status: 200 or 400, never 500; 10,000 bodies in the slow tests."""

import json

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

SIGNATURES = ["", "serving_default", "serving_examples", "kinds", "logarithm", "scores", "class_names", "none"]
NUMBERS = st.integers(-(2**70), 2**70) | st.floats() | st.integers(-3, 3)
SCALARS = (
    st.none()
    | st.booleans()
    | NUMBERS
    | st.text(max_size=4)
    | st.builds(lambda text: {"b64": text}, st.text("aA9+=", max_size=6))
)
NAMES = st.sampled_from(["x", "n", "word", "flag", "small", "pair", "data", "b64", "examples", "inputs", ""])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)
ROWS = st.fixed_dictionaries({"x": SCALARS, "n": SCALARS, "word": SCALARS})
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "signature_name": st.sampled_from(SIGNATURES) | SCALARS,
        "instances": st.lists(ROWS, max_size=3) | VALUES,
        "inputs": st.dictionaries(NAMES, st.lists(SCALARS, max_size=2), max_size=3) | VALUES,
        "examples": st.lists(st.dictionaries(NAMES, VALUES, max_size=2), max_size=2) | VALUES,
        "context": VALUES,
    },
)
RAW = st.binary(max_size=40) | st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass"))


def check(response):
    assert response.status_code in (200, 400, 404), (response.status_code, response.text)
    assert response.headers["content-type"] == "application/json"
    content = json.loads(response.text)
    assert (response.status_code == 200) == ("error" not in content)


@pytest.mark.parametrize("method", ["predict", "classify", "regress"])
@settings(max_examples=120)
@given(body=BODIES)
def test_json_bodies(tiny, method, body):
    check(tiny.post(f"/v1/models/tiny:{method}", content=json.dumps(body).encode("utf-8", "surrogatepass")))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["predict", "classify", "regress"])
@settings(max_examples=3000)
@given(body=BODIES)
def test_nine_thousand_json_bodies(tiny, method, body):
    check(tiny.post(f"/v1/models/tiny:{method}", content=json.dumps(body).encode("utf-8", "surrogatepass")))


@pytest.mark.slow
@settings(max_examples=1000)
@given(body=RAW)
def test_a_thousand_mutated_json_bodies(tiny, body):
    check(tiny.post("/v1/models/tiny:predict", content=body))


@settings(max_examples=60)
@given(body=RAW)
def test_mutated_json_bytes(tiny, body):
    check(tiny.post("/v1/models/tiny:predict", content=body))


@settings(max_examples=80)
@given(path=st.text("/.:%2fFnversiontadlbm0179é~ \\", max_size=20))
def test_paths(tiny, path):
    from urllib.parse import quote

    check(tiny.get("/v1/" + quote(path, safe="/.:%~")))


def test_nothing_above_was_an_error_of_the_server(tiny):
    assert not [line for line in tiny.lines if "Error" in line]
