"""A saved transform graph gives the features of TensorFlow Transform, and holds only what these need."""

import numpy as np
import pytest
import tensorflow as tf

from models.transform_graph.loaded_graph import TransformGraph


@pytest.fixture(scope="module")
def graph(everything):
    return TransformGraph(everything.graph)


@pytest.fixture(scope="module")
def raw(everything):
    """The table's columns as tf.io.parse_example returns them, without label and weight."""
    spec = everything.graph.raw_feature_spec()
    columns = {}
    for name, rule in spec.items():
        if name not in ("price", "times"):
            cells = everything.table[name]
            rows = [row for row, cell in enumerate(cells) if cell is not None]
            values = tf.constant([cells[row] for row in rows], rule.dtype)
            places = tf.constant([[row, 0] for row in rows], tf.int64, (len(rows), 2))
            sparse = tf.SparseTensor(places, values, [len(cells), 1])
            columns[name] = sparse if isinstance(rule, tf.io.VarLenFeature) else tf.reshape(values, [-1, *rule.shape])
    return columns


def test_features_are_those_of_the_saved_graph(everything, graph, raw):
    features = graph(raw)

    assert set(features) == set(everything.outputs), "label and weight need other columns"
    for name, value in features.items():
        np.testing.assert_array_equal(value, everything.batch[name], err_msg=name)


def test_what_no_output_needs_is_not_copied(graph, raw):
    def operations(columns):
        specs = {name: tf.type_spec_from_value(value) for name, value in columns.items()}
        function = tf.function(lambda raw_columns: graph(raw_columns), input_signature=[specs], autograph=False)
        traced = function.get_concrete_function()
        return set(traced.structured_outputs), len(traced.graph.get_operations())

    _, size = operations(raw)
    part, smaller = operations({"photo": raw["photo"]})
    assert part == {"photo_pixels"}
    assert smaller < size / 3
