import math

import pytest
import tensorflow as tf
import tensorflow_transform as tft

from models.tasks import label_graph
from models.transform_graph import preprocessing
from spec.columns.label import Label

COLOURS = ["red", "green", "red", "yellow", "red", "green", "red"]


@pytest.fixture
def label_of(tmp_path, analyze, pack):
    """The transformed label of a table's rows, and the graph."""

    def run(label, cells, requested=None):
        table = {"area": [1.0] * len(cells), "price": cells}
        sections = pack(features={"numeric": [{"column": "area"}]}, label={"column": "price", **label})
        transformed = tft.TFTransformOutput(analyze(tmp_path, table, sections))
        requested = requested or cells
        columns = {"area": [1.0] * len(requested), "price": requested}
        kinds = {name: feature.dtype for name, feature in transformed.raw_feature_spec().items()}
        tensors = {name: tf.constant(values, kinds[name], (len(values), 1)) for name, values in columns.items()}
        label = transformed.transform_features_layer()(tensors)["label"]
        assert label.dtype == tf.int64
        return label.numpy()[:, 0].tolist(), transformed

    return run


def alone(label, cells):
    """The transformed label without Beam: sufficient without analyzers; None is a missing cell."""
    present = [(row, cell) for row, cell in enumerate(cells) if cell is not None]
    kinds = {int: tf.int64, float: tf.float32, str: tf.string}
    kind = kinds[type(present[0][1])]
    raw = tf.constant([cell for _, cell in present], kind, (len(present), 1))
    if len(present) < len(cells):
        raw = tf.SparseTensor([[row, 0] for row, _ in present], raw[:, 0], [len(cells), 1])
    transformed = label_graph.label(raw, Label.model_validate({"column": "price", **label}))
    assert transformed.shape == (len(cells), 1)
    return transformed.numpy()[:, 0].tolist()


@pytest.mark.parametrize(
    ("label", "cells", "expected"),
    [
        ({"task": "binary", "positive": "red"}, COLOURS, [1, 0, 1, 0, 1, 0, 1]),
        ({"task": "binary", "positive": "red"}, [" red", "red\n", "Red", ""], [1, 1, 0, -1]),
        ({"task": "binary", "positive": " >50K "}, [" >50K", ">50K", "<=50K"], [1, 1, 0]),
        ({"task": "binary", "positive": "2"}, [1, 2, 22], [0, 1, 0]),
        ({"task": "binary", "positive": 1}, [0, 1, 1], [0, 1, 1]),
        ({"task": "binary", "positive": "1"}, [0.0, 1.0, 1.5], [0, 1, 0]),
        ({"task": "binary", "positive": "True"}, ["True", "False"], [1, 0]),
        ({"task": "binary", "positive": "1"}, [1, None, 0], [1, -1, 0]),
        ({"task": "binary", "threshold": 24}, [23, 24, 25], [0, 1, 1]),
        ({"task": "binary", "threshold": 0.7}, [0.6999, 0.7, 0.75], [0, 1, 1]),
        ({"task": "classes", "classes": ["red", "yellow", "green"]}, COLOURS, [0, 2, 0, 1, 0, 2, 0]),
        ({"task": "classes", "classes": ["3", "1"]}, [1, 3, 4], [1, 0, -1]),
        ({"task": "classes", "classes": [3, 1]}, [1.0, 3.0, None], [1, 0, -1]),
        ({"task": "anomaly", "positive": "bad"}, ["good", "bad", None], [0, 1, -1]),
        ({"task": "anomaly", "threshold": 2}, [1, 2, 3], [0, 1, 1]),
        ({"task": "regression"}, [450_000, 1, 0], [450_000.0, 1.0, 0.0]),
    ],
)
def test_a_label_becomes_its_class(label, cells, expected):
    assert alone(label, cells) == expected


def test_a_number_that_is_missing_is_no_number():
    transformed = alone({"task": "regression"}, [1.0, None])

    assert transformed[0] == 1.0
    assert math.isnan(transformed[1])


@pytest.mark.parametrize("cells", [[5, 1, 9, 2, 8, 4, 6, 3, 7]])
def test_tiers_hold_equal_counts(label_of, cells):
    assert label_of({"task": "classes", "tiers": 3}, cells)[0] == [1, 0, 2, 0, 2, 1, 1, 0, 2]


def test_unnamed_classes_are_inferred_and_other_values_have_none(label_of):
    label, graph = label_of({"task": "classes"}, [*COLOURS, " red"], ["red", "green ", "yellow", "blue", ""])

    assert label == [0, 1, 2, -1, -1]
    assert graph.vocabulary_by_name("label") == [b"red", b"green", b"yellow"]


def test_clusters_take_a_label_s_index_too(label_of):
    label, graph = label_of({"task": "clusters"}, [2.0, 1.0, 2.0, 0.5])

    assert sorted(graph.vocabulary_by_name("label")) == [b"0.5", b"1", b"2"]
    assert label[0] == label[2] == 0


def test_clusters_need_no_label(pack):
    config = pack(features={"passthrough": [{"column": "area"}]}, label={"task": "clusters"})
    transformed = preprocessing.preprocessing_fn({"area": tf.constant([[1.5]])}, config)

    assert {name: value.numpy().tolist() for name, value in transformed.items()} == {"area": [[1.5]]}


@pytest.mark.parametrize(
    ("label", "cells", "message"),
    [
        ({"task": "binary", "positive": "yes"}, [0, 1], "label 'price': its column holds numbers, and 'yes' is none"),
        ({"task": "classes", "classes": ["1", "1.5"]}, [0, 1], "and '1.5' is none of its kind"),
    ],
)
def test_a_label_that_its_column_cannot_hold_is_refused(label, cells, message):
    with pytest.raises(ValueError, match=message):
        alone(label, cells)


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
def test_a_weight_must_be_a_number_of_zero_or_more(bad):
    assert label_graph.weight(tf.constant([[0], [3]]), "times").numpy().tolist() == [[0.0], [3.0]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="finding: column 'times' is the weight"):
        label_graph.weight(tf.constant([[0.5], [bad]]), "times")


@pytest.mark.parametrize("bad", ["2014", "unknown", "2014-13-01", "2014-00-10", "2014-01-32", ""])
def test_a_date_must_be_one(pack, bad):
    config = pack(features={"date": [{"column": "day"}]}, label={"task": "clusters"})
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="column 'day' must hold dates of the calendar written YYYY-MM-DD"
    ):
        preprocessing.preprocessing_fn({"day": tf.constant([["2014-05-02"], [bad]])}, config)


@pytest.mark.parametrize("bad", ["2014-02-29", "1900-02-29", "2014-04-31 10:00", "0000-01-01"])
def test_a_date_must_be_in_the_calendar(pack, bad):
    config = pack(features={"date": [{"column": "day", "parts": ["month"]}]}, label={"task": "clusters"})
    good = tf.constant([["2016-02-29"], ["2000-02-29"], ["2014-12-31"], ["0001-01-01"]])
    preprocessing.preprocessing_fn({"day": good}, config)
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="column 'day' must hold dates of the calendar written YYYY-MM-DD"
    ):
        preprocessing.preprocessing_fn({"day": tf.constant([["2014-05-02"], [bad]])}, config)


@pytest.mark.parametrize("role", ["numeric", "passthrough"])
@pytest.mark.parametrize("bad", [float("nan"), float("-inf")])
def test_a_complete_number_must_be_finite(pack, role, bad):
    entry = {"column": "area", **({"scale": "none"} if role == "numeric" else {})}
    config = pack(features={role: [entry]}, label={"task": "clusters"})
    with pytest.raises(tf.errors.InvalidArgumentError, match="column 'area' must hold finite numbers; it holds"):
        preprocessing.preprocessing_fn({"area": tf.constant([[1.0], [bad]])}, config)


HOURS = {
    "2014-05-02": 0,
    "2014-05-02T070500": 7,
    "2014-05-02 9:30": 9,
    "2014-05-02T23:59:59.25+02:00": 23,
    "2014-05-02 12:10 AM": 0,
    "2014-05-02 1:30 p.m.": 13,
    "2014-05-02 12:30PM": 12,
    "2014-05-02 08": 8,
    "2014-05-02 13:00 PM": 13,
}


def test_the_hour_is_that_of_the_time_of_day_as_it_is_written(pack):
    config = pack(features={"date": [{"column": "day", "parts": ["hour"]}]}, label={"task": "clusters"})
    transformed = preprocessing.preprocessing_fn({"day": tf.constant([[text] for text in HOURS])}, config)

    assert transformed["day_hour"].numpy()[:, 0].tolist() == list(HOURS.values())
    with pytest.raises(tf.errors.InvalidArgumentError, match="column 'day' must hold hours up to 23"):
        preprocessing.preprocessing_fn({"day": tf.constant([["2014-05-02 24:30"]])}, config)
