"""Rows of plain cells are converted at once, to what the conversion of each column gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.server.json_api import json_columns, json_requests
from serving.server.json_api.json_values import Input
from serving.server.statuses import RequestError

TYPES = {
    "float32": "float",
    "float64": "double",
    "int64": "int64",
    "int32": "int32",
    "object": "string",
    "bool": "bool",
}
CELLS = st.one_of(
    st.floats(width=64),
    st.integers(-(2**70), 2**70),
    st.integers(2**24 - 3, 2**24 + 3),
    st.text(max_size=3),
    st.booleans(),
    st.none(),
    st.just({"b64": "YQ=="}),
    st.lists(st.integers(0, 3), max_size=2),
)


def inputs_of(dtypes):
    return [Input(f"c{place}", dtype, TYPES[dtype], (-1,)) for place, dtype in enumerate(dtypes)]


def outcome(rows, inputs):
    """Return the arrays of a request as types and values, or the message of its refusal."""
    try:
        arrays, _ = json_requests.arrays({"instances": rows}, inputs)
    except RequestError as error:
        return error.message
    return {name: (array.dtype, array.shape, array.tolist()) for name, array in sorted(arrays.items())}


@given(st.data())
def test_the_result_is_that_of_the_conversion_column_by_column(data):
    dtypes = data.draw(st.lists(st.sampled_from(sorted(TYPES)), min_size=2, max_size=4))
    usual = {"float32": st.floats(width=32), "float64": st.floats(), "int64": st.integers(-(2**63), 2**63 - 1)}
    usual |= {"int32": st.integers(-(2**31), 2**31 - 1), "object": st.text(max_size=3), "bool": st.booleans()}
    inputs = inputs_of(dtypes)
    cells = [st.one_of(usual[dtype], usual[dtype], CELLS) for dtype in dtypes]
    rows = data.draw(st.lists(st.tuples(*cells), min_size=1, max_size=3))
    rows = [{spec.name: cell for spec, cell in zip(inputs, row, strict=True)} for row in rows]
    at_once = outcome(rows, inputs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_columns, "scalars", lambda rows, inputs: None)
        assert repr(outcome(rows, inputs)) == repr(at_once)


@pytest.mark.parametrize(
    ("dtype", "cells", "expected"),
    [
        ("float32", [1, 2.5], [1.0, 2.5]),
        ("float32", [2**24 - 1, -(2**24 - 1)], [2**24 - 1, -(2**24 - 1)]),
        ("float32", [3e38, 1.0], [np.float32(3e38), 1.0]),
        ("float64", [2**53 - 1, 0.1], [2**53 - 1, 0.1]),
        ("int64", [2**63 - 1, -(2**63)], [2**63 - 1, -(2**63)]),
        ("object", ["a", "\u00e4"], [b"a", b"\xc3\xa4"]),
    ],
)
def test_usual_cells_are_converted_at_once(dtype, cells, expected):
    inputs = inputs_of([dtype, "int64"])
    converted = json_columns.scalars([{"c0": cell, "c1": 7} for cell in cells], inputs)
    assert converted is not None
    assert (converted["c0"].dtype, converted["c0"].tolist()) == (np.dtype(dtype), expected)
    assert converted["c1"].tolist() == [7] * len(cells)


@pytest.mark.parametrize(
    ("dtype", "cell"),
    [
        ("float32", 2**24),
        ("float32", 1e39),
        ("float32", float("nan")),
        ("float32", 10**400),
        ("float64", 2**53),
        ("float64", True),
        ("int64", 2**63),
        ("int64", 1.0),
        ("int32", 1),
        ("object", {"b64": "YQ=="}),
        ("bool", True),
    ],
)
def test_other_cells_are_left_to_the_conversion_of_a_column(dtype, cell):
    assert json_columns.scalars([{"c0": cell, "c1": 7}], inputs_of([dtype, "int64"])) is None
