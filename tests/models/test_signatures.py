from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.ingestion.write import example_encoding
from models.export import signatures
from spec.cells.cleaning import Cleaning
from spec.columns.label import Label

RAW_SPEC = {
    "sq ft": tf.io.FixedLenFeature([1], tf.int64),
    "zone": tf.io.FixedLenFeature([1], tf.string),
    "lat": tf.io.FixedLenFeature([1], tf.float32),
}
ROWS: dict[str, Any] = {"sq ft": [700, 1200, 50], "zone": ["north", "south", "south"], "lat": [47.5, 47.0, 48.25]}


class Network(tf.Module):
    """Stands for a Keras model: twice the area, and 10 more in the south."""

    def __init__(self):
        super().__init__()
        self.factor = tf.Variable(2.0)

    def __call__(self, features, training):
        assert training is False
        assert set(features) == {"area", "south"}
        return self.factor * features["area"] + 10.0 * features["south"]


class Transform(tf.Module):
    """Stands for TFT's layer."""

    def __call__(self, raw):
        assert {name: tuple(value.shape) for name, value in raw.items()} == dict.fromkeys(RAW_SPEC, (None, 1))
        south = tf.cast(raw["zone"] == "south", tf.float32)
        return {"area": tf.cast(raw["sq ft"], tf.float32), "south": south, "not read": south}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("model"))
    served = signatures.Served(
        network=Network(),
        transform=Transform(),
        answer=lambda outputs: {"prediction": tf.squeeze(outputs, -1) + 0.5},
        raw_spec=RAW_SPEC,
        label=Label(column="price"),
        label_spec=tf.io.FixedLenFeature([1], tf.int64),
        class_names=None,
        features=["area", "south"],
    )
    tf.saved_model.save(served, folder, signatures=served.signatures())
    return tf.saved_model.load(folder)


@pytest.fixture
def examples():
    import pyarrow as pa

    zone = [text.encode() for text in ROWS["zone"]]
    batch = pa.record_batch([ROWS["sq ft"], zone, pa.array(ROWS["lat"], pa.float32())], list(ROWS))
    return tf.constant(example_encoding.examples(batch).to_pylist())


def test_a_regression_has_five_signatures(loaded):
    expected = {"serving_default", "serving_rows", "serving_examples", "transform_features", "labels"}
    assert set(loaded.signatures) == expected


def test_serving_default_takes_one_flat_tensor_a_column(loaded):
    _, inputs = loaded.signatures["serving_default"].structured_input_signature

    assert {name: (spec.shape.as_list(), spec.dtype) for name, spec in inputs.items()} == {
        "sq_ft": ([None], tf.int64),
        "zone": ([None], tf.string),
        "lat": ([None], tf.float32),
    }


def test_rows_and_examples_get_the_same_answers(loaded, examples):
    rows = {"sq_ft": tf.constant(ROWS["sq ft"], tf.int64), "zone": ROWS["zone"], "lat": ROWS["lat"]}
    by_rows = loaded.signatures["serving_default"](**{name: tf.constant(cells) for name, cells in rows.items()})
    by_examples = loaded.signatures["serving_examples"](examples=examples)

    assert set(by_rows) == set(by_examples) == {"prediction"}
    np.testing.assert_array_equal(by_rows["prediction"], [1400.5, 2410.5, 110.5])
    np.testing.assert_array_equal(by_examples["prediction"], by_rows["prediction"])


def test_rows_of_texts_get_the_same_answers(loaded, examples):
    texts = {"sq_ft": ["700", "+1200", " 50 "], "zone": ROWS["zone"], "lat": ["47.5", "4.7e1", "48.25"]}
    by_texts = loaded.signatures["serving_rows"](**{name: tf.constant(cells) for name, cells in texts.items()})
    by_examples = loaded.signatures["serving_examples"](examples=examples)

    np.testing.assert_array_equal(by_texts["prediction"], by_examples["prediction"])


@pytest.mark.parametrize(
    ("name", "text", "demand"), [("lat", "", "a value in every row"), ("sq_ft", "7.5", "integers")]
)
def test_a_text_that_ingestion_refuses_is_refused_by_its_column(loaded, name, text, demand):
    texts = {"sq_ft": ["700"], "zone": ["north"], "lat": ["47.5"]} | {name: [text]}
    with pytest.raises(tf.errors.InvalidArgumentError, match=demand):
        loaded.signatures["serving_rows"](**{name: tf.constant(cells) for name, cells in texts.items()})


def test_transform_features_gives_what_the_network_reads(loaded, examples):
    features = loaded.signatures["transform_features"](examples=examples)

    assert {name: value.numpy().tolist() for name, value in features.items()} == {
        "area": [[700.0], [1200.0], [50.0]],
        "south": [[0.0], [1.0], [1.0]],
    }


def test_clusters_export_what_is_measured_and_need_no_label(examples):
    served = signatures.Served(
        network=Network(),
        transform=Transform(),
        answer=lambda outputs: {"cluster": outputs},
        raw_spec=RAW_SPEC,
        label=Label(task="clusters"),
        label_spec=None,
        class_names=None,
        features=["area", "south"],
        vectors=lambda features: tf.concat([features["area"], features["south"]], axis=1),
    )
    actual = served.signatures()
    vectors = actual["vectors"](examples=examples)

    assert set(actual) == {"serving_default", "serving_rows", "serving_examples", "transform_features", "vectors"}
    assert vectors["vectors"].numpy().tolist() == [[700.0, 0.0], [1200.0, 1.0], [50.0, 1.0]]


def test_a_picture_gets_its_shape_before_the_network(examples):
    import keras

    inputs = {"area": keras.Input((1, 1, 1), name="area"), "south": keras.Input((1,), name="south")}
    network = keras.Model(inputs, keras.layers.Flatten()(inputs["area"]) + inputs["south"])
    served = signatures.Served(
        network=network,
        transform=Transform(),
        answer=lambda outputs: {"prediction": tf.squeeze(outputs, -1)},
        raw_spec=RAW_SPEC,
        label=Label(task="clusters"),
        label_spec=None,
        class_names=None,
        features=["area", "south"],
        vectors=lambda features: (
            tf.reshape(features["area"], [-1, 1]) + tf.cast(features["area"].shape.rank, tf.float32)
        ),
    )
    actual = served.signatures()

    assert actual["serving_examples"](examples=examples)["prediction"].numpy().tolist() == [700.0, 1201.0, 51.0]
    assert actual["vectors"](examples=examples)["vectors"].numpy().tolist() == [[704.0], [1204.0], [54.0]]
    assert actual["transform_features"](examples=examples)["area"].shape == (3, 1)


def test_a_nullable_label_is_exported_too():
    spec = {"lat": tf.io.FixedLenFeature([1], tf.float32)}
    served = signatures.Served(
        network=lambda features, training: features["lat"],
        transform=lambda raw: {"lat": raw["lat"]},
        answer=lambda outputs: {"prediction": tf.squeeze(outputs, -1)},
        raw_spec=spec,
        label=Label(column="price"),
        label_spec=tf.io.VarLenFeature(tf.int64),
        class_names=None,
        features=["lat"],
    )
    price = tf.train.Feature(int64_list=tf.train.Int64List(value=[2**53 - 1]))
    lat = tf.train.Feature(float_list=tf.train.FloatList(value=[47.0]))
    rows = [
        tf.train.Example(features=tf.train.Features(feature=columns))
        for columns in ({"lat": lat, "price": price}, {"lat": lat})
    ]
    labels = served.signatures()["labels"](examples=tf.constant([row.SerializeToString() for row in rows]))["label"]

    np.testing.assert_array_equal(labels, [2.0**53 - 1, np.nan])


def test_cells_of_columns_of_one_type_follow_the_rules_of_their_own_column():
    """Columns with the same rules are parsed together; a null value of one is a number in another."""
    required, nullable = tf.io.FixedLenFeature([1], tf.float32), tf.io.VarLenFeature(tf.float32)
    text = tf.io.FixedLenFeature([1], tf.string)
    spec = {"a": required, "hole": nullable, "b": required, "other": nullable, "text": text}
    served = signatures.Served(
        network=lambda features, training: features,
        transform=lambda raw: {
            name: tf.strings.length(value)
            if name == "text"
            else tf.sparse.to_dense(value, -1.0)
            if isinstance(value, tf.SparseTensor)
            else value
            for name, value in raw.items()
        },
        answer=dict,
        raw_spec=spec,
        label=Label(task="clusters"),
        label_spec=None,
        class_names=None,
        features=list(spec),
        cleaning=Cleaning(strip=True, null_values=("", "NA"), of_column={"other": ("7",)}),
    )
    rows = served.signatures()["serving_rows"]
    texts = {"a": ["1", "7"], "hole": ["7", "NA"], "b": [" 3", "4"], "other": ["7", "5"], "text": [" ab ", "7"]}
    answer = rows(**{name: tf.constant(cells) for name, cells in texts.items()})

    expected = {"a": [1, 7], "hole": [7, -1], "b": [3, 4], "other": [-1, 5], "text": [2, 1]}
    assert {name: value.numpy().ravel().tolist() for name, value in answer.items()} == expected
    first_row = {column: cells[:1] for column, cells in texts.items()}
    for name in ("a", "b"):
        with pytest.raises(tf.errors.InvalidArgumentError, match=rf"column \W*{name}\W* must have a value"):
            rows(**{column: tf.constant(cells) for column, cells in {**first_row, name: ["NA"]}.items()})


def test_no_row_gets_no_answer(loaded):
    empty = {"sq_ft": tf.int64, "zone": tf.string, "lat": tf.float32}
    answer = loaded.signatures["serving_default"](**{name: tf.constant([], kind) for name, kind in empty.items()})

    assert answer["prediction"].shape == (0,)


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        (["sqft_living", "lat"], ["sqft_living", "lat"]),
        (["sq ft", "a-b", "x.y", "1st", "Größe (m²)"], ["sq_ft", "a_b", "x_y", "arg_1st", "Gr__e__m__"]),
        (["a_b", "a b", "a-b"], ["a_b", "a_b_", "a_b__"]),
        (["self", "_id", "²"], ["self_", "arg__id", "arg__"]),
        (["Age", "age", "AGE", "Self"], ["Age", "age_", "AGE__", "Self"]),
    ],
)
def test_input_names_are_words_and_distinct(columns, names):
    assert signatures.input_names(columns) == dict(zip(names, columns, strict=True))


def test_columns_whose_names_differ_by_case_alone_are_served(tmp_path):
    spec = {name: tf.io.FixedLenFeature([1], tf.float32) for name in ("Age", "age")}
    served = signatures.Served(
        network=lambda features, training: features["area"] + 10.0 * features["south"],
        transform=lambda raw: {"area": raw["Age"], "south": raw["age"]},
        answer=lambda outputs: {"prediction": tf.squeeze(outputs, -1)},
        raw_spec=spec,
        label=Label(column="price"),
        label_spec=tf.io.FixedLenFeature([1], tf.int64),
        class_names=None,
        features=["area", "south"],
    )
    tf.saved_model.save(served, str(tmp_path), signatures=served.signatures())
    answer = tf.saved_model.load(str(tmp_path)).signatures["serving_default"]
    assert answer(Age=tf.constant([1.0]), age_=tf.constant([2.0]))["prediction"].numpy().tolist() == [21.0]
