import pytest
import tensorflow as tf
import tensorflow_transform as tft

COLOURS = ["red", "green", "red", "yellow", "red", "green", "red"]


@pytest.fixture
def label_of(tmp_path, analyze, pack):
    """The transformed label of a table's rows, and the graph."""

    def run(label, cells, asked=None):
        table = {"area": [1.0] * len(cells), "price": cells}
        sections = pack(features={"numeric": [{"column": "area"}]}, label={"column": "price", **label})
        made = tft.TFTransformOutput(analyze(tmp_path, table, sections))
        asked = asked or cells
        columns = {"area": [1.0] * len(asked), "price": asked}
        kinds = {name: feature.dtype for name, feature in made.raw_feature_spec().items()}
        tensors = {name: tf.constant(values, kinds[name], (len(values), 1)) for name, values in columns.items()}
        label = made.transform_features_layer()(tensors)["label"]
        assert label.dtype == tf.int64
        return label.numpy()[:, 0].tolist(), made

    return run


@pytest.mark.parametrize(
    ("label", "cells", "expected"),
    [
        ({"task": "binary", "positive": "red"}, COLOURS, [1, 0, 1, 0, 1, 0, 1]),
        ({"task": "binary", "positive": "2"}, [1, 2, 22], [0, 1, 0]),
        ({"task": "binary", "threshold": 24}, [23, 24, 25], [0, 1, 1]),
        ({"task": "binary", "threshold": 0.5}, [0.25, 0.5, 0.75], [0, 1, 1]),
        ({"task": "classes", "classes": ["red", "yellow", "green"]}, COLOURS, [0, 2, 0, 1, 0, 2, 0]),
        ({"task": "classes", "classes": ["3", "1"]}, [1, 3, 4], [1, 0, -1]),
        ({"task": "classes", "tiers": 3}, [5, 1, 9, 2, 8, 4, 6, 3, 7], [1, 0, 2, 0, 2, 1, 1, 0, 2]),
    ],
)
def test_a_label_becomes_its_class(label_of, label, cells, expected):
    assert label_of(label, cells)[0] == expected


def test_classes_that_nobody_named_are_found_and_others_are_none(label_of):
    label, graph = label_of({"task": "classes"}, COLOURS, ["red", "green", "yellow", "blue"])

    assert label == [0, 1, 2, -1]
    assert graph.vocabulary_by_name("label") == [b"red", b"green", b"yellow"]
