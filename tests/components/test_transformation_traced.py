"""A pass over the graph as it was traced has the outputs of the saved graph; one with outside state is not written."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform import impl_helper
from tensorflow_transform.tf_metadata import metadata_io

from components.transformation import graph_passes, traced
from components.transformation.analysis import Analysis
from manifest import Shard

SPEC = {
    "x": tf.io.FixedLenFeature([1], tf.float32),
    "hole": tf.io.VarLenFeature(tf.string),
    "other": tf.io.FixedLenFeature([1], tf.int64),
}
EMPTY = {"hole": tf.sparse.from_dense([[""]]), "other": tf.constant([[1]], tf.int64)}
"""The other columns of a row."""
CELLS = {"x": [[1.0], [2.0], [4.0]], "hole": [["a"], [], ["bb"]], "other": [[1], [2], [3]]}


def written(function, folder):
    """Return whether the graph of a function of columns depends on nothing else, and was written."""
    specs = impl_helper.get_type_specs_from_feature_specs(SPEC)
    inner, inputs, outputs = impl_helper.trace_preprocessing_function(function, specs, False, str(folder / "base"))
    return traced.write(str(folder / "pass"), inner, inputs, outputs)


def filled(inputs):
    lengths = tf.strings.length(tf.sparse.to_dense(inputs["hole"], default_value="-"))
    return tf.map_fn(lambda row: 2 * row, tf.cast(lengths, tf.float32))


def test_the_pass_gives_the_graph_s_outputs_and_errors(tmp_path):
    def function(inputs):
        with tf.control_dependencies([tf.debugging.assert_less(inputs["x"], 9.0, message="too large")]):
            return {"sum": inputs["x"] + filled(inputs), "x": tf.identity(inputs["x"])}

    assert written(function, tmp_path)
    columns = {
        "x": tf.constant(CELLS["x"]),
        "hole": tf.ragged.constant(CELLS["hole"]).to_sparse(),
        "other": tf.constant(CELLS["other"], tf.int64),
    }
    traced_graph = traced.Traced(str(tmp_path / "pass"))
    outputs = traced_graph.apply(columns)

    np.testing.assert_array_equal(outputs["sum"], [[3.0], [4.0], [8.0]])
    np.testing.assert_array_equal(outputs["x"], CELLS["x"])
    with pytest.raises(tf.errors.InvalidArgumentError, match="too large"):
        traced_graph.apply({**columns, "x": tf.constant([[1.0], [9.0], [2.0]])})


def table(inputs):
    keys = tf.lookup.KeyValueTensorInitializer(["a", "bb"], [5.0, 7.0])
    words = tf.sparse.to_dense(inputs["hole"], default_value="-")
    return tf.lookup.StaticHashTable(keys, -1.0).lookup(words)


def bare_table(inputs):
    handle = tf.raw_ops.HashTableV2(key_dtype=tf.string, value_dtype=tf.float32)
    words = tf.sparse.to_dense(inputs["hole"], default_value="-")
    return tf.raw_ops.LookupTableFindV2(table_handle=handle, keys=words, default_value=-1.0)


def unknown(inputs):
    return inputs["x"] - tft.mean(inputs["x"])


@pytest.mark.parametrize("part", [table, bare_table, unknown])
def test_a_graph_with_a_table_or_an_unknown_figure_is_not_written(tmp_path, part):
    assert not written(lambda inputs: {"y": part(inputs)}, tmp_path)
    assert not (tmp_path / "pass").exists()


@pytest.mark.parametrize(("part", "folder", "mean"), [(filled, True, 8 / 3), (table, False, 11 / 3)])
def test_the_first_pass_is_made_either_way(write_examples, beam_pipeline, tmp_path, part, folder, mean):
    cells = {"x": [1.0, 2.0, 4.0], "hole": ["a", None, "bb"], "other": [1, 2, 3]}
    records = str(write_examples(tmp_path / "0.gz", cells))

    def function(inputs):
        return {
            "y": tf.reshape(part(inputs) - tft.mean(part(inputs)), [-1, 1]),
            "rest": inputs["other"],
            "x": inputs["x"],
        }

    specs, work = impl_helper.get_type_specs_from_feature_specs(SPEC), tmp_path / "work"
    model = Analysis(function, specs, str(work)).run(
        graph_passes.gather(beam_pipeline, [Shard(records)], SPEC, str(work))
    )
    inputs_of_graph = {
        "x": tf.constant(CELLS["x"]),
        "hole": tf.ragged.constant(CELLS["hole"]).to_sparse(),
        "other": tf.constant(CELLS["other"], tf.int64),
    }
    outputs = tf.saved_model.load(model).transform_fn(inputs_of_graph)["y"]

    assert (work / "traced").exists() is folder
    raw = part({"hole": inputs_of_graph["hole"]}).numpy()
    np.testing.assert_allclose(outputs, raw.reshape(-1, 1) - mean, rtol=1e-6)


def test_a_function_without_an_analyzer_is_saved_at_once(tmp_path):
    specs = impl_helper.get_type_specs_from_feature_specs(SPEC)
    model = Analysis(lambda inputs: {"y": inputs["x"] * 2.0}, specs, str(tmp_path)).run(None)

    assert tf.saved_model.load(model).transform_fn({"x": tf.constant([[2.0]]), **EMPTY})["y"] == 4.0
    assert metadata_io.read_metadata(f"{model}/{impl_helper.METADATA_DIR_NAME}").schema.feature[0].name == "y"
