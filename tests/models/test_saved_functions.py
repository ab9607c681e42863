"""An exported model holds the tables of the transform graph, and no function that nothing calls."""

import os

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_transform import impl_helper

from models.export.signatures import Served
from models.transform_graph.loaded_graph import TransformGraph
from spec.columns.label import Label

RAW_SPEC = {"area": tf.io.FixedLenFeature([1], tf.int64), "zone": tf.io.FixedLenFeature([1], tf.string)}
ROWS = {"area": tf.constant([700, 1200, 50], tf.int64), "zone": tf.constant(["south", "west", "north"])}


@pytest.fixture(scope="module")
def transform(tmp_path_factory):
    folder = tmp_path_factory.mktemp("transform")
    words = folder / "zones"
    words.write_text("north\nsouth\n")
    path = tf.constant(str(words))  # an eager tensor, as the result of an analyzer: its table is outside of the graph

    def preprocessing_fn(inputs):
        index = tft.apply_vocabulary(inputs["zone"], path, num_oov_buckets=1)
        return {"area": tf.cast(inputs["area"], tf.float32), "zone": tf.cast(index, tf.float32)}

    types = impl_helper.get_type_specs_from_feature_specs(RAW_SPEC)
    impl_helper.analyze_in_place(preprocessing_fn, False, RAW_SPEC, types, str(folder / "graph"))
    words.unlink()
    return tft.TFTransformOutput(str(folder / "graph"))


@pytest.fixture(scope="module")
def model(transform, tmp_path_factory):
    """Export a model of a graph that was used before, as to describe features."""
    graph = TransformGraph(transform)
    graph({name: cells[:, tf.newaxis] for name, cells in ROWS.items()})
    folder = str(tmp_path_factory.mktemp("model"))
    served = Served(
        network=lambda features, training: features["area"] + 1000.0 * features["zone"],
        transform=graph,
        answer=lambda outputs: {"prediction": outputs[:, 0]},
        raw_spec=RAW_SPEC,
        label=Label(column="price"),
        label_spec=tf.io.FixedLenFeature([1], tf.int64),
        class_names=None,
        features=["area", "zone"],
    )
    tf.saved_model.save(served, folder, signatures=served.signatures())
    return folder


def test_every_saved_function_is_a_signature_or_belongs_to_a_table(model):
    saved = saved_model_pb2.SavedModel()
    with open(os.path.join(model, "saved_model.pb"), "rb") as file:
        saved.ParseFromString(file.read())
    nodes = saved.meta_graphs[0].object_graph_def.nodes
    [signatures] = [child.node_id for child in nodes[0].children if child.local_name == "signatures"]
    called = {child.node_id for child in nodes[signatures].children}
    for node in nodes:
        if node.WhichOneof("kind") == "resource":
            of_table = [child.node_id for child in node.children if nodes[child.node_id].HasField("function")]
            called |= {*of_table, *(child.node_id for number in of_table for child in nodes[number].children)}
    functions = {
        number for number, node in enumerate(nodes) if node.WhichOneof("kind") in ("function", "bare_concrete_function")
    }
    assert functions == called


def test_a_model_with_tables_predicts_after_it_was_loaded(model):
    predict = tf.saved_model.load(model).signatures["serving_default"]
    np.testing.assert_array_equal(predict(**ROWS)["prediction"], [1700.0, 3200.0, 50.0])
