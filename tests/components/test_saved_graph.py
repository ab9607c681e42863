"""The metadata from the trace of the SavedModel is what TFT gets from a second trace."""

import pytest
import tensorflow as tf
import tensorflow_transform as tft
from google.protobuf import any_pb2
from tensorflow_transform import graph_tools, impl_helper, schema_inference
from tensorflow_transform.tf_metadata import metadata_io

from components.transformation import saved_graph

SPECS = {
    "n": tf.TensorSpec([None, 1], tf.int64),
    "word": tf.TensorSpec([None, 1], tf.string),
    "tags": tf.SparseTensorSpec([None, None], tf.string),
}
ANNOTATION = any_pb2.Any(type_url="type.googleapis.com/x", value=b"1").SerializeToString()


def plain(inputs):
    return {**inputs, "unit": tf.cast(inputs["n"], tf.float32)}


def ranges(inputs):
    """Two outputs with a range; of one tensor under two names only the last has it, for TFT too."""
    low = tf.constant(-3, tf.int64)
    bucket, other = inputs["n"] % 7, inputs["n"] + 1
    schema_inference.set_tensor_schema_override(bucket, low, low + 9)
    schema_inference.set_tensor_schema_override(other, low, tf.constant(1 << 40, tf.int64))
    schema_inference.set_tensor_schema_override(inputs["n"] * 2, low, low)
    return {"z": other, "bucket": bucket, "again": bucket, "word": inputs["word"]}


def annotations(inputs):
    schema_inference.annotate("type.googleapis.com/of_word", tf.constant(ANNOTATION), tensor=inputs["word"])
    schema_inference.annotate("type.googleapis.com/of_all", tf.constant(ANNOTATION))
    schema_inference.annotate("type.googleapis.com/no_output", tf.constant(ANNOTATION), tensor=inputs["n"])
    return {"word": inputs["word"], "tags": inputs["tags"]}


def sparse(inputs):
    schema_inference.annotate_sparse_output_shape(inputs["tags"], tf.constant([5], tf.int64))
    true_sparse = tf.sparse.map_values(tf.strings.lower, inputs["tags"])
    schema_inference.annotate_true_sparse_output(true_sparse)
    return {"tags": inputs["tags"], "lower": true_sparse}


def of_inputs(inputs):
    index = inputs["n"] * 3
    schema_inference.set_tensor_schema_override(index, tf.reduce_min(inputs["n"]), tf.reduce_max(inputs["n"]) + 4)
    return {"index": index}


def schema_of(folder):
    return metadata_io.read_metadata(f"{folder}/{impl_helper.METADATA_DIR_NAME}").schema


@pytest.mark.parametrize(
    ("function", "traces"),
    [(plain, 1), (ranges, 1), (annotations, 1), (sparse, 1), (of_inputs, 2)],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_ranges_and_annotations_are_those_of_tft(function, traces, tmp_path):
    calls = []

    def counted(inputs):
        calls.append(1)
        return function(inputs)

    write(counted, tmp_path)
    assert len(calls) == traces

    arguments = (function, SPECS, str(tmp_path), {}, None, {}, None)
    impl_helper.trace_and_write_v2_saved_model(str(tmp_path / "stock"), *arguments)
    assert schema_of(tmp_path / "ours") == schema_of(tmp_path / "stock")


def test_the_range_of_a_vocabulary_is_its_size(tmp_path):
    (tmp_path / "words").write_text("a\nb\nc\n")

    def looked_up(inputs):
        return {"index": tft.apply_vocabulary(inputs["word"], tf.constant(str(tmp_path / "words")), num_oov_buckets=2)}

    write(looked_up, tmp_path)
    [feature] = schema_of(tmp_path / "ours").feature
    assert (feature.int_domain.min, feature.int_domain.max, feature.int_domain.is_categorical) == (0, 4, True)


def test_no_metadata_is_written_while_analyzers_are_left(tmp_path):
    def analyzed(inputs):
        return {"unit": tft.scale_to_0_1(inputs["n"])}

    graph, inputs, _ = impl_helper.trace_preprocessing_function(analyzed, SPECS, False, str(tmp_path))
    fingerprint = graph_tools.get_analyzers_fingerprint(graph, inputs)
    write(analyzed, tmp_path, fingerprint)
    assert not (tmp_path / "ours" / impl_helper.METADATA_DIR_NAME).exists()


def test_another_order_of_the_analyzers_is_an_error(tmp_path):
    def analyzed(inputs):
        return {"unit": tft.scale_to_0_1(inputs["n"])}

    with pytest.raises(RuntimeError, match="order of analyzers"):
        write(analyzed, tmp_path)


def write(function, folder, fingerprint=None):
    saved_graph.write(str(folder / "ours"), function, SPECS, str(folder), fingerprint or {}, None, {})
