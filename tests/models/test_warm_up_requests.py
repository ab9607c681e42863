"""The requests that an exported model carries."""

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from models.export import warm_up_requests
from spec.file_names import WARM_UP


class Model(tf.Module):
    @tf.function
    def rows(self, **columns):
        return {"joined": columns["a_b"]}


def example(**features):
    record = tf.train.Example()
    for name, value in features.items():
        feature = record.features.feature[name.replace("__", " ")]
        if isinstance(value, bytes):
            feature.bytes_list.value.append(value)
        elif isinstance(value, int):
            feature.int64_list.value.append(value)
        elif value is not None:
            feature.float_list.value.append(value)
    return record.SerializeToString()


def test_a_column_with_capitals_keeps_its_name_in_the_requests(tmp_path):
    specs = {"Km_driven": tf.TensorSpec([None], tf.float32, "Km_driven")}
    module = tf.Module()
    module.rows = tf.function(lambda **raw: {"twice": raw["Km_driven"] * 2})
    signatures = {"serving_default": module.rows.get_concrete_function(**specs)}
    tf.saved_model.save(module, str(tmp_path), signatures=signatures)
    row = tf.train.Example()
    row.features.feature["Km driven"].float_list.value.append(1.5)

    assert warm_up_requests.write(str(tmp_path), signatures, [row.SerializeToString()], ["Km driven"], {}) == 1

    [record] = tf.data.TFRecordDataset(str(tmp_path / WARM_UP)).as_numpy_iterator()
    inputs = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request.inputs
    saved = tf.saved_model.load(str(tmp_path)).signatures["serving_default"]
    answer = saved(**{name: tf.constant(tf.make_ndarray(value)) for name, value in inputs.items()})
    assert answer["twice"].numpy().tolist() == [3.0]


def test_each_signature_gets_a_row_and_a_batch_with_nulls_as_the_signature_takes_them(tmp_path):
    types = {"a_b": tf.string, "count": tf.int64, "size": tf.float32}
    specs = {name: tf.TensorSpec([None], dtype, name) for name, dtype in types.items()}
    of_text = {name: tf.TensorSpec([None], tf.string, name) for name in types}
    examples = tf.function(lambda examples: {"n": tf.strings.length(examples)})
    signatures = {
        "serving_default": Model().rows.get_concrete_function(**specs),
        "serving_rows": Model().rows.get_concrete_function(**of_text),
        "serving_examples": examples.get_concrete_function(tf.TensorSpec([None], tf.string, name="examples")),
        "labels": examples.get_concrete_function(tf.TensorSpec([None], tf.string, name="examples")),
    }
    texts = {"a_b": {"b64": "eA=="}, "count": "3", "size": ""}
    rows = [example(a__b=b"x", count=3, size=1.5), example(a__b=None, count=None, size=None)]

    assert warm_up_requests.write(str(tmp_path), signatures, rows, ["a b", "count", "size"], texts) == 6

    records = tf.data.TFRecordDataset(str(tmp_path / WARM_UP)).as_numpy_iterator()
    requests = [prediction_log_pb2.PredictionLog.FromString(record).predict_log.request for record in records]
    assert [request.model_spec.signature_name for request in requests] == [
        *["serving_default"] * 2,
        *["serving_rows"] * 2,
        *["serving_examples"] * 2,
    ]
    arrays = [{name: tf.make_ndarray(value) for name, value in request.inputs.items()} for request in requests]
    assert arrays[0]["size"].tolist() == [1.5]
    assert arrays[1]["a_b"].tolist() == [b"x", b""]
    assert arrays[1]["count"].tolist() == [3, np.iinfo(np.int64).min]
    assert np.isnan(arrays[1]["size"][1])
    batch = {name: value.tolist() for name, value in arrays[3].items()}
    assert batch == {
        "a_b": [b"x"] * 2,
        "count": [b"3"] * 2,
        "size": [b""] * 2,
    }
    assert arrays[5]["examples"].tolist() == rows
