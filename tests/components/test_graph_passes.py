import numpy as np
import pytest
import tensorflow as tf

from components.ingestion.write import example_encoding
from components.transformation import graph_passes

OUTPUTS = {
    "number": tf.constant([[0.5], [1e30], [-2.0]]),
    "index": tf.constant([[3], [-1], [2**40]], tf.int64),
    "flat": tf.constant([1, 2, 3], tf.int64),
    "bag": tf.constant(np.arange(12, dtype=np.float32).reshape(3, 4)),
    "word": tf.constant([["a"], [""], ["ü"]]),
}


def test_outputs_become_the_examples_that_tensorflow_parses():
    batch = graph_passes.flat(OUTPUTS)
    spec = {name: tf.io.FixedLenFeature(value.shape[1:], value.dtype) for name, value in OUTPUTS.items()}
    parsed = tf.io.parse_example(example_encoding.examples(batch).to_pylist(), spec)

    assert {name: value.numpy().tolist() for name, value in parsed.items()} == {
        name: value.numpy().tolist() for name, value in OUTPUTS.items()
    }


@pytest.mark.parametrize(
    "output",
    [
        tf.sparse.from_dense([[1, 0], [0, 2]]),
        tf.constant([["a", "b"], ["c", "d"]]),
        tf.zeros([2, 0]),
        tf.constant([[1.0], [2.0]], tf.float64),
    ],
    ids=["sparse", "texts", "nothing", "double"],
)
def test_other_outputs_are_left_to_stocks_encoder(output):
    assert graph_passes.flat({"x": output}) is None


def test_a_block_without_rows_has_the_columns_of_any_other():
    empty = graph_passes.flat({name: value[:0] for name, value in OUTPUTS.items()})
    assert empty.schema == graph_passes.flat(OUTPUTS).schema
    assert len(empty) == 0
