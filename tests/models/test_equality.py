"""One row gives one set of features, whether it is trained on, transformed in a batch or served."""

import numpy as np
import pytest
import tensorflow as tf

from models.export.signatures import Served, input_names
from spec.columns.label import Label

MISSING = {tf.float32: np.nan, tf.string: b"", tf.int64: np.iinfo(np.int64).min}


def value(cell, kind):
    return cell.encode() if isinstance(cell, str) else MISSING[kind] if cell is None else cell


def example(row, spec):
    """A tf.Example; a missing cell is by turns an empty list and no feature at all."""
    features = {}
    for place, (name, feature) in enumerate(spec.items()):
        cell = row[name]
        if cell is None and place % 2:
            continue
        values = [] if cell is None else [value(cell, feature.dtype)]
        lists = {
            tf.float32: lambda v: tf.train.Feature(float_list=tf.train.FloatList(value=v)),
            tf.int64: lambda v: tf.train.Feature(int64_list=tf.train.Int64List(value=v)),
            tf.string: lambda v: tf.train.Feature(bytes_list=tf.train.BytesList(value=v)),
        }
        features[name] = lists[feature.dtype](values)
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


@pytest.fixture(scope="module")
def served(everything, tmp_path_factory):
    """The table's features by each way into an exported model; the network gives back what it gets."""
    spec = everything.graph.raw_feature_spec()
    raw_spec = {name: feature for name, feature in spec.items() if name not in ("price", "times")}
    module = Served(
        network=lambda features, training: features,
        transform=everything.graph.transform_features_layer(),
        answer=lambda features: dict(features),
        raw_spec=raw_spec,
        label=Label.model_validate(everything.sections["label"]),
        label_spec=spec["price"],
        class_names=None,
        features=list(everything.outputs),
        weight="times",
        weight_spec=spec["times"],
    )
    folder = str(tmp_path_factory.mktemp("served"))
    tf.saved_model.save(module, folder, signatures=module.signatures())
    loaded = tf.saved_model.load(folder)
    rows = [dict(zip(everything.table, row, strict=True)) for row in zip(*everything.table.values(), strict=True)]
    examples = tf.constant([example(row, raw_spec) for row in rows])
    dense = {
        name: tf.constant([value(row[column], spec[column].dtype) for row in rows], spec[column].dtype)
        for name, column in input_names(raw_spec).items()
    }
    one_by_one = [
        loaded.signatures["serving_default"](**{name: cells[row : row + 1] for name, cells in dense.items()})
        for row in range(len(rows))
    ]
    labelled = tf.constant([example(row, spec) for row in rows])
    return {
        "serving_default": loaded.signatures["serving_default"](**dense),
        "serving_examples": loaded.signatures["serving_examples"](examples=examples),
        "transform_features": loaded.signatures["transform_features"](examples=examples),
        "one_by_one": {name: tf.concat([row[name] for row in one_by_one], axis=0) for name in one_by_one[0]},
        "labels": loaded.signatures["labels"](examples=labelled),
    }


WAYS = ("serving_default", "serving_examples", "transform_features", "one_by_one")


@pytest.mark.parametrize("way", WAYS)
def test_served_features_are_those_of_training(everything, served, way):
    served_features = {name: value.numpy() for name, value in served[way].items()}

    assert set(served_features) == set(everything.outputs)
    for name in everything.outputs:
        batch = everything.batch[name]
        assert served_features[name].dtype == batch.dtype, name
        if batch.dtype == np.int64:
            np.testing.assert_array_equal(served_features[name], batch, err_msg=name)
        else:
            np.testing.assert_allclose(served_features[name], batch, rtol=1e-6, err_msg=name)


def test_features_are_what_the_roles_promise(everything):
    assert set(everything.batch) == {*everything.outputs, "label", "row_weight"}
    for name, output in everything.outputs.items():
        value = everything.batch[name]
        assert np.isfinite(value).all(), name
        if output.kind == "index":
            depth = output.depth or everything.graph.num_buckets_for_transformed_feature(name)
            assert value.dtype == np.int64
            assert value.shape == (12, 1)
            assert -1 <= value.min() <= value.max() < depth, name
        else:
            width = {"number": 1, "bag": output.depth, "image": int(np.prod(output.shape))}[output.kind]
            assert value.dtype == np.float32
            assert value.shape == (12, width)


def test_label_and_weight_are_exported_for_the_evaluation(everything, served):
    np.testing.assert_array_equal(served["labels"]["label"], everything.table["price"])
    np.testing.assert_array_equal(served["labels"]["weight"], everything.table["times"])
    assert served["labels"]["weight"].dtype == tf.float32
    np.testing.assert_array_equal(everything.batch["row_weight"][:, 0], everything.table["times"])
