"""The inputs of a model and its sample requests are described as they are answered."""

import json

import numpy as np
import pytest
import tensorflow as tf

from models.export import request_guide
from models.transform_graph import text_cells
from spec.cells.cleaning import Cleaning
from spec.cells.number_format import NumberFormat

SPEC = {
    "sq ft": tf.io.VarLenFeature(tf.float32),
    "rooms": tf.io.VarLenFeature(tf.int64),
    "zone": tf.io.FixedLenFeature([1], tf.string),
    "photo": tf.io.FixedLenFeature([1], tf.string),
}
INPUTS = {"sq_ft": "sq ft", "rooms": "rooms", "zone": "zone", "photo": "photo"}
COMMA = Cleaning(True, ("", "?"), {}, numbers=NumberFormat(","))


def example(**lists):
    features = {name: tf.train.Feature(**{kind: value}) for name, (kind, value) in lists.items()}
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


@pytest.fixture
def guide():
    row = example(
        **{
            "sq ft": ("float_list", tf.train.FloatList(value=[0.1])),
            "zone": ("bytes_list", tf.train.BytesList(value=["Z\u00fcrich".encode()])),
            "photo": ("bytes_list", tf.train.BytesList(value=[b"\x89PNG"])),
        }
    )
    return request_guide.describe(INPUTS, SPEC, row, COMMA, ["photo"])


def test_inputs_are_named_with_their_columns_types_and_nulls(guide):
    assert guide["inputs"] == [
        {"name": "sq_ft", "column": "sq ft", "dtype": "float32", "nullable": True, "null": "NaN"},
        {"name": "rooms", "column": "rooms", "dtype": "int64", "nullable": True, "null": -(2**63)},
        {"name": "zone", "column": "zone", "dtype": "string", "nullable": False},
        {"name": "photo", "column": "photo", "dtype": "string", "nullable": False},
    ]


def test_a_sample_is_written_as_each_signature_reads_it(guide):
    [typed] = guide["samples"]["serving_default"]["instances"]
    [texts] = guide["samples"]["serving_rows"]["instances"]

    assert typed == {"sq_ft": 0.1, "rooms": -(2**63), "zone": "Z\u00fcrich", "photo": {"b64": "iVBORw=="}}
    assert texts == {"sq_ft": "0,1", "rooms": "", "zone": "Z\u00fcrich", "photo": {"b64": "iVBORw=="}}
    cells = text_cells.parse(
        tf.constant([[texts["sq_ft"]]]), tf.float32, COMMA.rules("sq ft"), ["sq ft"], nullable=True
    )
    assert cells.numpy().tolist() == [[np.float32(0.1)]]


def test_a_missing_number_is_the_token_that_tensorflow_serving_reads():
    guide = request_guide.describe({"a": "a"}, {"a": tf.io.VarLenFeature(tf.float32)}, example())

    assert '"instances": [{"a": NaN}]' in json.dumps(guide)


def test_a_model_without_rows_has_inputs_and_no_samples():
    assert request_guide.describe(INPUTS, SPEC, None)["samples"] == {}
